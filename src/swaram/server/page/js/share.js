// What a request looks like elsewhere: a link to this page, and commands for programs.

const NUMBERS = ["speed", "pitch", "seed", "speaker"];
const WORDS = ["voice", "style"];

/** The page's address with text and settings behind the #, which is never sent to a server. */
export function link(text, settings) {
  const hash = new URLSearchParams({ text });
  for (const name of [...WORDS, ...NUMBERS]) if (settings[name] !== undefined) hash.set(name, settings[name]);
  return `${location.href.split("#")[0]}#${hash}`;
}

/** Text and settings of a link, or null. */
export function readLink(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  if (!given.has("text")) return null;
  const settings = {};
  for (const name of WORDS) if (given.has(name)) settings[name] = given.get(name);
  for (const name of NUMBERS) if (given.has(name) && Number.isFinite(Number(given.get(name)))) settings[name] = Number(given.get(name));
  return { text: given.get("text"), settings };
}

/** The same request as a command of curl. A key is never written out. */
export function curl(address, text, settings, voice, keyed) {
  const { speaker, ...rest } = settings;
  const named = voice?.speakers.find((one) => one.id === speaker)?.name;
  const body = JSON.stringify({ input: text, ...rest, ...(named && { voice: `${voice.name}/${named}` }), response_format: "flac" }, null, 1);
  const key = keyed ? `  -H "Authorization: Bearer $SWARAM_KEY" \\\n` : "";
  return `curl ${address}v1/audio/speech \\\n${key}  -H 'Content-Type: application/json' -o speech.flac \\\n  -d '${body.replaceAll("'", `'\\''`)}'\n`;
}

/** The same request in Python, with the client of this project. */
export function python(address, text, settings, voice, keyed) {
  const value = (it) => (typeof it === "string" ? JSON.stringify(it) : String(it));
  const options = Object.entries(settings).map(([name, it]) => `, ${name}=${value(it)}`).join("");
  return [
    ...(keyed ? ["import os", ""] : []), "from pathlib import Path", "", "from swaram import client", "",
    `text = ${JSON.stringify(text)}`,
    `speech = client.speak("${address.replace(/\/$/, "")}", text${options}${keyed ? ', key=os.environ["SWARAM_KEY"]' : ""})`,
    'Path("speech.flac").write_bytes(speech)', "",
  ].join("\n");
}

/** The same request in JavaScript, with the client that this page uses. */
export function javascript(address, text, settings, voice, keyed) {
  return [
    `import { SwaramClient } from "${address}page/client/swaram.js";`,
    "",
    `const client = new SwaramClient("${address}"${keyed ? ", { key }" : ""});`,
    `const speech = client.speak(${JSON.stringify({ text, ...settings }, null, 2)});`,
    "for await (const message of speech) console.log(message.type);",
    'const file = new Blob([speech.file()], { type: "audio/flac" });',
    "",
  ].join("\n");
}
