// Listen: a text and its settings, one take or two side by side, and the takes of this tab.

import { $, make, say, takeFiles } from "./dom.js";
import { languagesOf } from "./scripts.js";
import { SettingsRow } from "./settings_row.js";
import { curl, javascript, link, python, readLink } from "./share.js";
import { activeView, contextFor } from "./sound_view.js";
import { t } from "./strings.js";
import { Take, facts } from "./take.js";

const MOST_TAKES = 12;
const MOST_SAMPLES = 60e6; // of all takes together: 240 MB
const MOST_CHARACTERS = 50_000; // an hour of speech

const command = (text) => make("pre", { dir: "ltr" }, make("code", { textContent: text }));

export class Listen {
  constructor(client) {
    this.client = client;
    this.languages = [];
    this.takes = [];
    this.shown = [];
    this.first = new SettingsRow($("settings"));
    this.second = new SettingsRow($("second").querySelector(".row"), "second-");
    $("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.speak();
    });
    $("stop").addEventListener("click", () => this.stop());
    $("compare").addEventListener("change", () => {
      $("second").hidden = !$("compare").checked;
    });
    $("text").addEventListener("input", () => this.textChanged());
    $("text").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
    });
    $("settings").addEventListener("change", () => this.voiceChanged());
    takeFiles($("form"), $("open-text"), (file) => this.openText(file));
    $("copy-link").addEventListener("click", () => this.copy(link($("text").value, this.first.read())));
    for (const [id, write] of Object.entries({ "copy-curl": curl, "copy-python": python, "copy-javascript": javascript })) {
      $(id).addEventListener("click", () =>
        this.copy(write(this.client.address, $("text").value, this.first.read(), this.first.voice, Boolean(this.client.key))));
    }
    document.addEventListener("speak-rest", ({ detail: { take, rest } }) => this.start([this.newTake(rest, take.settings, take.voice)]));
    document.addEventListener("language", () => {
      this.textChanged();
      this.showHistory();
    });
    addEventListener("hashchange", () => this.readLink());
    this.textChanged();
  }

  show(voices, languages) {
    this.languages = languages;
    this.first.show(voices);
    this.second.show(voices);
    if (!this.linked) this.readLink();
    this.linked = true;
    this.textChanged();
  }

  readLink() {
    const given = readLink();
    if (!given) return;
    $("text").value = given.text;
    this.first.write(given.settings);
    this.textChanged();
  }

  voiceChanged() {
    const { voice } = this.first;
    const parts = voice ? [voice.licence && `${t("voice")}: ${voice.licence}.`, ...[].concat(voice.attribution)] : [];
    $("about").textContent = parts.filter(Boolean).join(" ");
    this.noticeLanguage();
  }

  textChanged() {
    $("count").textContent = t("characters", { n: [...$("text").value].length });
    this.voiceChanged();
  }

  /** Which language the text is in, and what to do where the chosen voice does not read it. */
  noticeLanguage() {
    const box = $("script-notice");
    const { languages, sure } = languagesOf($("text").value, this.languages);
    const likely = languages[0];
    $("text").lang = likely?.code ?? "";
    const read = new Set(this.first.voice?.languages.map((language) => language.code));
    // English inside a text of another language is read by every voice.
    if (!likely || likely.code === "en-IN" || languages.some((language) => read.has(language.code))) {
      box.hidden = true;
      this.noticed = "";
      return;
    }
    const name = sure ? `${likely.native_name} (${likely.name})` : languages.slice(0, 3).map((language) => language.name).join(" / ");
    const voice = languages.flatMap((language) => language.voices)[0];
    const key = `${name} ${voice} ${t("use_voice")}`;
    if (this.noticed === key) return; // said once, not at every letter
    this.noticed = key;
    box.hidden = false;
    box.replaceChildren(t(voice ? "other_voice" : "not_here", { language: name }));
    if (voice) {
      box.append(make("button", { type: "button", textContent: t("use_voice", { voice }), onclick: () => this.useVoice(voice) }));
      return;
    }
    box.append(make("details", {}, make("summary", { textContent: t("how_to") }),
      make("p", { textContent: t("how_add") }), command("swaram voice add FILE.zip"),
      make("p", { textContent: t("how_import") }), command("swaram voice import …"),
      make("p", { textContent: t("how_train", { language: likely.name }) }), command("swaram prepare …"), command("swaram train …")));
  }

  useVoice(name) {
    this.first.fields.voice.value = name;
    this.first.showSpeakers();
    $("text").focus();
  }

  async openText(file) {
    const text = file.size > 4 * MOST_CHARACTERS ? null : await file.text();
    if (text === null || [...text].length > MOST_CHARACTERS) return say(t("text_too_long", { n: MOST_CHARACTERS }), true);
    $("text").value = text;
    this.textChanged();
    $("text").focus();
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      say(t("copied"));
    } catch {
      // Without a secure context there is no clipboard: it is shown, selected, to be copied by hand.
      const box = make("textarea", { value: text, rows: 8, "aria-label": t("copy_by_hand") });
      const dialog = make("dialog", {}, make("p", { textContent: t("copy_by_hand") }), box,
        make("form", { method: "dialog" }, make("button", { textContent: t("close") })));
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
      box.select();
    }
    facts.copied = text;
  }

  async speak() {
    const text = $("text").value;
    if (!text.trim()) return say(t("empty_text"), true);
    if (text.length > 2 * MOST_CHARACTERS || [...text].length > MOST_CHARACTERS) return say(t("text_too_long", { n: MOST_CHARACTERS }), true);
    const compared = $("compare").checked;
    const rows = compared ? [this.first, this.second] : [this.first];
    return this.start(rows.map((row, i) => this.newTake(text, row.read(), row.voice, compared ? "AB"[i] : undefined)));
  }

  newTake(text, settings, voice, name = t("speech_number", { n: this.takes.length + 1 })) {
    if (voice) contextFor(voice.sample_rate);
    return new Take(this.client, text, settings, voice, name);
  }

  async start(takes) {
    this.stop(true);
    Object.assign(facts, { state: "speaking", samples: 0, peak: 0, done: null, error: null, firstAudioMs: null });
    this.add(takes, takes.length > 1);
    $("stop").disabled = false;
    say(t("speaking"));
    for (const [i, take] of takes.entries()) {
      take.measure();
      const state = await take.run({ play: i === 0 });
      if (this.shown !== takes && !this.shown.includes(take)) return;
      if (i === takes.length - 1 || state !== "received") return this.ended(take, state);
    }
  }

  ended(take, state) {
    $("stop").disabled = !take.view.player.playing;
    Object.assign(facts, { state, done: take.done ?? null, firstAudioMs: take.measured.first ?? null, error: take.error?.message ?? null });
    const stays = take.view.player.length > 0;
    if (state === "failed") {
      const lost = ["lost", "restarting", "idle"].includes(take.error.code);
      say(lost && stays ? t("broken") : take.error.message, true);
      if (take.error.code === "unauthorised") $("key").focus();
    } else if (state === "stopped") say(t(stays ? "stopped" : "stopped_empty"));
    else say(t("complete", { seconds: take.done.seconds.toFixed(1) }));
    take.view.player.addEventListener("change", () => {
      if (this.shown.includes(take)) $("stop").disabled = !this.shown.some((one) => one.view.player.playing);
      if (take.view.player.state === "ended" && facts.state === "received") facts.state = "played";
    });
    this.showHistory();
  }

  /** Stop what is spoken and what plays; what has come stays. */
  stop(silently = false) {
    for (const take of this.shown) {
      take.stop();
      if (!silently && take.state !== "speaking") say(t("stopped"));
    }
    if (document.activeElement === $("stop")) $("speak").focus(); // what is disabled loses the focus
    $("stop").disabled = true;
  }

  add(takes, compared) {
    const group = { takes, compared };
    this.takes.push(group);
    facts.takes = takes;
    const held = () => this.takes.flatMap((one) => one.takes).reduce((sum, take) => sum + take.view.player.length, 0);
    while (this.takes.length > 1 && (this.takes.length > MOST_TAKES || held() > MOST_SAMPLES)) {
      this.takes.shift().takes.forEach((take) => take.close());
    }
    this.present(group);
  }

  present(group) {
    this.stop(true);
    this.shown = group.takes;
    $("takes").replaceChildren(...group.takes.map((take) => take.element));
    if (group.compared) {
      $("takes").prepend(make("div", { className: "actions both" },
        make("button", { type: "button", id: "switch", "data-t": "switch", textContent: t("switch"), onclick: () => this.switch() })));
    }
    this.showHistory();
  }

  /** From one of two to the other, at the same word. */
  switch() {
    if (this.shown.length < 2) return;
    const now = this.shown.findIndex((take) => take.view === activeView());
    const from = this.shown[Math.max(0, now)].view;
    const to = this.shown[now === 1 ? 0 : 1].view;
    const at = from.player.position;
    to.seekText(from.words.findLast((word) => word.from <= at)?.start ?? 0);
    to.play();
  }

  showHistory() {
    $("history-card").hidden = this.takes.length < 2;
    const focused = [...$("history").children].findIndex((item) => item.contains(document.activeElement));
    $("history").replaceChildren(...this.takes.map((group) => {
      const [take] = group.takes;
      const start = [...take.text].slice(0, 60).join("");
      const button = make("button", { type: "button", onclick: () => this.present(group) },
        make("bdi", { textContent: start.length < take.text.length ? `${start}…` : start }),
        ...group.takes.flatMap((one) => [" — ", make("bdi", { textContent: one.title })]));
      if (group.takes === this.shown) button.setAttribute("aria-current", "true");
      return make("li", {}, button);
    }));
    if (focused >= 0) $("history").children[focused].querySelector("button").focus();
  }
}
