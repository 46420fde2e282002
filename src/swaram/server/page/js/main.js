// The page: tabs, keys, the key of the server, the language of the page.

import { SwaramClient } from "../client/swaram.js";
import { Convert } from "./convert.js";
import { $, say } from "./dom.js";
import { Listen } from "./listen.js";
import { See } from "./see.js";
import { activeView } from "./sound_view.js";
import { firstLanguage, loadStrings, pageLanguages, t, useLanguage } from "./strings.js";
import { WriteDown } from "./write_down.js";

const client = new SwaramClient(new URL(".", location.href), { key: sessionStorage.getItem("key") ?? "" });
const tabs = [...document.querySelectorAll("[role=tab]")];
await loadStrings().catch(() => {});
const listen = new Listen(client);
const writeDown = new WriteDown(client);
new Convert(client);
const see = new See(client);

function open(tab, focus = false) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", chosen);
    one.tabIndex = chosen ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  if (tab.id === "tab-see") see.open($("text").value);
}

for (const tab of tabs) tab.addEventListener("click", () => open(tab));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const at = tabs.indexOf(document.activeElement);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (document.documentElement.dir === "rtl" ? -1 : 1);
  const to = { Home: 0, End: tabs.length - 1 }[event.key] ?? (step ? (at + step + tabs.length) % tabs.length : undefined);
  if (to === undefined) return;
  event.preventDefault();
  open(tabs[to], true);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (!$("stop").disabled) listen.stop();
    writeDown.end();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const view = activeView();
  const work = {
    p: () => view?.toggle(),
    j: () => view?.move(-5),
    l: () => view?.move(5),
    r: () => view?.replay(),
    x: () => listen.switch(),
    "?": () => $("shortcuts").showModal(),
    ...Object.fromEntries(tabs.map((tab, i) => [String(i + 1), () => open(tab, true)])),
  }[event.key.toLowerCase()];
  if (!work) return;
  event.preventDefault();
  work();
});

$("show-shortcuts").addEventListener("click", () => $("shortcuts").showModal());
document.addEventListener("failed", (event) => say(event.detail, true));

$("key").value = client.key;
$("key").addEventListener("input", () => {
  client.key = $("key").value.trim();
  if (client.key) sessionStorage.setItem("key", client.key);
  else sessionStorage.removeItem("key");
});

$("page-language").replaceChildren(...pageLanguages().map(({ code, name }) => {
  const option = new Option(name, code);
  option.lang = code;
  return option;
}));
$("page-language").addEventListener("change", () => {
  localStorage.setItem("page-language", $("page-language").value);
  useLanguage($("page-language").value);
});
if (pageLanguages().length) {
  $("page-language").value = firstLanguage();
  useLanguage(firstLanguage());
}

let known = "";

async function load() {
  try {
    const [voices, languages] = await Promise.all([client.voices(), client.languages()]);
    if ($("error").textContent === t("unreachable")) say("");
    const told = JSON.stringify([voices, languages]);
    if (told === known) return true;
    known = told;
    listen.show(voices, languages);
    writeDown.show(languages);
    see.show(languages);
    return true;
  } catch {
    say(t("unreachable"), true);
    return false;
  }
}

// Voices come and go while a server runs: look again when the person comes back to the page.
document.addEventListener("visibilitychange", () => document.hidden || load());

// A server that is away may come back: ask again while the page is looked at.
while (!(await load())) await new Promise((resolve) => setTimeout(resolve, 2000));
