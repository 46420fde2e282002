// A sound with everything that one does with it: overview, play, seek, speed, volume, repeat, words that light up.

import { Player, openContext } from "../client/player.js";
import { clock, make } from "./dom.js";
import { Overview } from "./overview.js";
import { t } from "./strings.js";

const UNSURE = 0.85; // of confidence: finds three of four wrong words of the recordings in tests/, and one of six right ones
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const contexts = new Map();
let active = null;

/** Opening a sound device takes longer than a first sound: one for each rate, opened before anything is asked for. */
export function contextFor(sampleRate) {
  if (!contexts.has(sampleRate)) contexts.set(sampleRate, openContext(sampleRate));
  const context = contexts.get(sampleRate);
  context.resume();
  return context;
}

/** The view whose sound plays, or played last. */
export function activeView() {
  return active?.element.isConnected ? active : null;
}

export class SoundView {
  constructor({ sampleRate, expected }) {
    this.sampleRate = sampleRate;
    this.player = new Player({ context: contextFor(sampleRate) });
    this.player.open(sampleRate);
    this.words = [];
    this.lit = null;
    this.gone = new AbortController();
    this.build(expected);
    this.player.addEventListener("change", () => this.changed());
    document.addEventListener("language", () => this.translate(), { signal: this.gone.signal });
    this.translate();
    this.changed();
  }

  build(expected) {
    const view = make("div", { className: "overview", dir: "ltr" });
    this.overview = new Overview(view, { expected, seek: (sample) => this.player.seek(sample), signal: this.gone.signal });
    this.position = make("input", { type: "range", className: "position", dir: "ltr", min: 0, max: 0, step: 0.1, value: 0 });
    this.position.addEventListener("input", () => this.player.seek(this.position.value * this.sampleRate));
    this.button = make("button", { type: "button", onclick: () => this.toggle() });
    this.replayButton = make("button", { type: "button", onclick: () => this.replay() });
    this.clock = make("span", { className: "clock", dir: "ltr", textContent: "0:00" });
    this.speed = make("select", { onchange: () => this.player.setSpeed(Number(this.speed.value)) },
      ...SPEEDS.map((speed) => new Option(`${speed} ×`, speed, speed === 1, speed === 1)));
    this.volume = make("input", { type: "range", dir: "ltr", min: 0, max: 1, step: 0.05, value: 1 });
    this.volume.addEventListener("input", () => this.player.setVolume(Number(this.volume.value)));
    this.loop = make("input", { type: "checkbox", onchange: () => this.player.setLoop(this.loop.checked ? [0, Infinity] : null) });
    this.labels = { speed: make("span"), volume: make("span"), loop: make("span") };
    const labelled = (name, input) => make("label", {}, this.labels[name], input);
    this.text = make("div", { className: "words", role: "group", dir: "auto" });
    this.text.addEventListener("click", (event) => this.pick(event.target.closest("[role=button]")));
    this.text.addEventListener("keydown", (event) => this.walk(event));
    this.element = make("div", {}, view,
      make("div", { className: "player" }, this.position, this.button, this.replayButton, this.clock,
        labelled("speed", this.speed), labelled("volume", this.volume), labelled("loop", this.loop)),
      this.text);
  }

  translate() {
    this.replayButton.textContent = t("replay");
    this.labels.speed.textContent = t("playback_speed");
    this.labels.volume.textContent = t("volume");
    this.labels.loop.textContent = t("loop");
    this.position.setAttribute("aria-label", t("position"));
    this.text.setAttribute("aria-label", t("words_hint"));
    this.changed();
  }

  append(samples) {
    this.player.append(samples);
    this.overview.append(samples, this.sampleRate);
    this.position.max = this.player.duration;
    this.show();
  }

  finish() {
    this.player.finish();
    this.overview.finish();
    this.changed();
  }

  /** Words of a text that is heard: it stands there whole, and becomes words as their times come. */
  setText(text) {
    this.characters = [...text];
    this.told = 0;
    this.later = make("span", { className: "later" }, text);
    this.text.replaceChildren(this.later);
  }

  /** `words`: `[start, end, start_sample, end_sample]`, positions in the text of `setText`. */
  addMarks(words) {
    const piece = (from, to) => this.characters.slice(from, to).join("");
    for (const [start, end, from, to] of words) {
      if (start < this.told) continue;
      if (start > this.told) this.later.before(piece(this.told, start));
      this.addWord({ text: piece(start, end), from, to, start });
      this.told = end;
    }
    this.later.textContent = piece(this.told);
  }

  /** One word, at samples `from` to `to`. */
  addWord({ text, from, to, start = 0, confidence }, before = this.later) {
    const element = make("span", { role: "button", tabIndex: this.words.length ? -1 : 0, textContent: text });
    if (confidence !== undefined) {
      element.title = `${t("confidence")}: ${Math.round(100 * confidence)} %`;
      if (confidence < UNSURE) element.classList.add("unsure");
    }
    element.word = { text, from, to, start, confidence, element };
    this.words.push(element.word);
    if (before) before.before(element);
    else this.text.append(element, " ");
  }

  /** Words with times in seconds. */
  timedWords() {
    return this.words.map(({ text, from, to, confidence }) => ({ text, start: from / this.sampleRate, end: to / this.sampleRate, confidence }));
  }

  pick(element) {
    if (!element) return;
    this.focusWord(element);
    this.player.seek(element.word.from);
    if (!this.player.playing) this.play();
  }

  /** Arrow keys go from word to word; Enter or the space bar plays from there. */
  walk(event) {
    const at = this.words.findIndex((word) => word.element === document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") this.pick(document.activeElement);
    else {
      const forward = getComputedStyle(this.text).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
      const step = { [forward]: 1, [forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight"]: -1 }[event.key];
      const to = { Home: 0, End: this.words.length - 1 }[event.key] ?? (step && at + step);
      if (to === undefined || !this.words[to]) return;
      this.focusWord(this.words[to].element);
    }
    event.preventDefault();
    event.stopPropagation();
  }

  focusWord(element) {
    for (const word of this.words) word.element.tabIndex = word.element === element ? 0 : -1;
    element.focus();
  }

  toggle() {
    if (this.player.playing) this.player.pause();
    else this.play();
  }

  play() {
    if (active && active !== this) active.player.pause();
    active = this;
    this.player.context.resume();
    this.player.play();
    this.follow();
  }

  replay() {
    this.player.seek(0);
    this.play();
  }

  /** Seconds back (negative) or forward. */
  move(seconds) {
    this.player.seek(this.player.position + seconds * this.sampleRate);
  }

  /** Go to the word that begins at a place of the text, or the nearest before it. */
  seekText(start) {
    const word = this.words.findLast((one) => one.start <= start);
    this.player.seek(word ? word.from : 0);
  }

  changed() {
    this.button.textContent = this.player.playing ? t("pause") : t("play");
    this.show();
    if (this.player.playing) this.follow();
  }

  follow() {
    if (this.following) return;
    this.following = requestAnimationFrame(() => {
      this.following = null;
      this.show();
      if (this.player.playing) this.follow();
    });
  }

  show() {
    const at = this.player.position;
    this.overview.moveTo(at);
    const seconds = at / this.sampleRate;
    this.position.value = seconds;
    const [now, all] = [clock(seconds), clock(this.player.duration)];
    if (this.clock.textContent !== `${now} / ${all}`) {
      this.clock.textContent = `${now} / ${all}`;
      this.position.setAttribute("aria-valuetext", `${now} / ${all}`);
    }
    const heard = this.player.playing || this.player.state === "paused" && at > 0;
    const word = heard ? this.words.findLast((one) => one.from <= at) : null;
    if (word !== this.lit) this.light(word);
  }

  light(word) {
    this.lit?.element.classList.remove("now");
    this.lit = word;
    if (!word) return;
    word.element.classList.add("now");
    const [box, outer] = [word.element.getBoundingClientRect(), this.text.getBoundingClientRect()];
    if (box.top < outer.top || box.bottom > outer.bottom) this.text.scrollTop += box.top - outer.top - outer.height / 3;
  }

  close() {
    if (active === this) active = null;
    this.gone.abort();
    this.player.close();
  }
}
