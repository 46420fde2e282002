// Which language a text may be in, by the script of most of its letters.

/** Languages (as `GET /v1/languages` lists them) whose own script most letters of the text are in, and those that have letters of their own in it first. */
export function languagesOf(text, languages) {
  const counts = new Map();
  const scripts = new Map(languages.flatMap((language) => language.scripts.map((script) => [script.name, script.ranges])));
  for (const character of text.slice(0, 4000)) {
    if (!/\p{L}/u.test(character)) continue;
    const point = character.codePointAt(0);
    for (const [name, ranges] of scripts) {
      if (ranges.some(([first, last]) => first <= point && point <= last)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const [script] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const found = languages.filter((language) => language.scripts[0].name === script);
  const own = OWN.find(({ letters }) => letters.test(text))?.code;
  return { script, languages: found.sort((a, b) => (b.code === own) - (a.code === own) || rank(a) - rank(b)), sure: found.length === 1 || Boolean(own) };
}

// Letters that only one of the languages of a script has.
const OWN = [
  { code: "as", letters: /[ৰৱ]/ },
  { code: "sd", letters: /[ٻڄڃڇڏڌڊڦڳڱڻ]/ },
  { code: "ks", letters: /[ۄۆٲٳؠ]/ },
  { code: "ur", letters: /[ٹڈڑےںھ]/ },
];

/** Languages of many readers first where nothing else tells. */
function rank({ code }) {
  const known = ["bn", "mr", "ur", "ne"].indexOf(code);
  return known < 0 ? 9 : known;
}
