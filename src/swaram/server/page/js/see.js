// See: what the text front end makes of a text, step by step, with notices at their places.

import { $, make, say } from "./dom.js";
import { languagesOf } from "./scripts.js";
import { t } from "./strings.js";

export class See {
  constructor(client) {
    this.client = client;
    this.languages = [];
    $("see-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.explain();
    });
    $("see-text").addEventListener("input", () => this.guess());
    $("see-language").addEventListener("change", () => (this.chosen = true));
  }

  show(languages) {
    this.languages = languages;
    $("see-language").replaceChildren(...languages.map((language) => new Option(`${language.native_name} (${language.name})`, language.code)));
  }

  /** What was typed elsewhere is what one wants to see. */
  open(text) {
    if (!$("see-text").value.trim() || $("see-text").value === this.brought) {
      $("see-text").value = this.brought = text;
      this.guess();
    }
  }

  guess() {
    if (this.chosen) return;
    const [likely] = languagesOf($("see-text").value, this.languages).languages;
    if (likely) $("see-language").value = $("see-text").lang = likely.code;
  }

  async explain() {
    const text = $("see-text").value;
    try {
      const told = await this.client.explain(text, $("see-language").value, this.lexicon());
      say(`${t("steps")}: ${told.steps.length}. ${t("notices")}: ${told.notices.length}.`);
      this.present(text, told);
    } catch (error) {
      say(error.message, true);
    }
  }

  /** The entry of a lexicon that is tried; none where either half is empty. */
  lexicon() {
    const [word, spelling] = [$("see-word").value.trim(), $("see-spelling").value.trim()];
    return word && spelling ? { [word]: spelling } : undefined;
  }

  present(text, { language, steps, rules, sentences, notices }) {
    const cell = (words) => make("td", { className: "text", lang: language, dir: "auto", textContent: words });
    let before = text;
    const rows = steps.map((step) => {
      const same = step.text === before;
      before = step.text;
      return make("tr", { className: same ? "same" : "" }, make("th", { scope: "row", textContent: step.step }),
        same ? make("td", { textContent: t("unchanged") }) : cell(step.text));
    });
    const parts = [
      this.card(this.marked(text, notices, language)),
      this.card(this.table(t("steps"), [t("step"), t("result")], rows)),
      this.card(this.table(t("sentences"), [t("sentence"), t("pause_after")], sentences.map((one) =>
        make("tr", {}, cell(one.text), make("td", { textContent: `${one.pause_after.toFixed(2)} s` }))))),
    ];
    if (rules.length) {
      parts.push(this.card(this.table(t("rules"), [t("rule"), t("written"), t("read")], rules.map((rule) =>
        make("tr", {}, make("th", { scope: "row", textContent: `${rule.step}: ${rule.rule}` }), cell(rule.before), cell(rule.said))))));
    }
    $("see-result").replaceChildren(...parts);
  }

  card(...children) {
    return make("section", { className: "card scroll", tabIndex: 0 }, ...children);
  }

  table(title, heads, rows) {
    return make("table", {}, make("caption", { textContent: title }),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col", textContent: head })))),
      make("tbody", {}, ...rows));
  }

  /** The text with what was dropped, refused or assumed marked where it stands, and the sentences below. */
  marked(text, notices, language) {
    const characters = [...text];
    const line = make("p", { className: "words", lang: language, dir: "auto" });
    let at = 0;
    for (const [number, notice] of notices.entries()) {
      if (notice.start < at) continue;
      line.append(characters.slice(at, notice.start).join(""),
        make("mark", { className: notice.kind, title: notice.message }, characters.slice(notice.start, notice.end).join("")),
        make("sup", { textContent: number + 1 }));
      at = notice.end;
    }
    line.append(characters.slice(at).join(""));
    const list = make("ol", {}, ...notices.map((notice) => make("li", { textContent: notice.message })));
    return make("div", {}, make("h2", { textContent: t("notices") }), line, notices.length ? list : make("p", { className: "hint", textContent: t("no_notices") }));
  }
}
