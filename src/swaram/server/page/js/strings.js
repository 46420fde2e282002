// The words of the page, from one table (strings.tsv): a row for each, a column for each language.

let rows = new Map();
let columns = [];
let current = "en";

/** Read the table. The first rows are of the languages themselves: their names, directions, whether a speaker checked. */
export async function loadStrings() {
  const text = await (await fetch(new URL("../strings.tsv", import.meta.url))).text();
  const [head, ...lines] = text.trimEnd().split("\n").map((line) => line.split("\t"));
  columns = head.slice(1);
  rows = new Map(lines.map(([key, ...words]) => [key, Object.fromEntries(words.map((word, i) => [columns[i], word]))]));
}

/** Languages of the page: `{code, name, direction, checked}`. */
export function pageLanguages() {
  return columns.map((code) => ({
    code,
    name: rows.get("_name")[code],
    direction: rows.get("_direction")[code],
    checked: rows.get("_checked")[code] === "yes",
  }));
}

/** The words of a key in the language of the page, else in English; `{name}` in them is replaced by a value. */
export function t(key, values = {}) {
  const row = rows.get(key);
  const words = row?.[current] || row?.en || key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Show the page in a language. */
export function useLanguage(code) {
  const language = pageLanguages().find((one) => one.code === code) ?? pageLanguages()[0];
  current = language.code;
  document.documentElement.lang = current;
  document.documentElement.dir = language.direction;
  document.getElementById("unchecked").hidden = language.checked;
  translate(document);
  document.dispatchEvent(new Event("language"));
}

/** Put words into every element with `data-t` (its text) or `data-t-label` (its name for screen readers). */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
}

/** The language to begin with: the one chosen before, else the browser's, else English. */
export function firstLanguage() {
  const known = new Set(columns);
  const wanted = [localStorage.getItem("page-language"), ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((code) => known.has(code)) ?? "en";
}
