// Voice, speaker, style, speed, pitch and seed: one row of fields.

import { make } from "./dom.js";
import { t } from "./strings.js";

export class SettingsRow {
  /** `prefix` is put before the ids of the fields: "" or "second-". */
  constructor(element, prefix = "") {
    this.voices = [];
    this.fields = {
      voice: make("select", { onchange: () => this.showSpeakers() }),
      speaker: make("select"),
      style: make("select"),
      speed: make("input", { type: "number", min: 0.25, max: 4, step: 0.05, value: 1 }),
      pitch: make("input", { type: "number", min: -12, max: 12, step: 1, value: 0 }),
      seed: make("input", { type: "number", min: 0, step: 1, value: 0 }),
    };
    this.cells = {};
    for (const [name, field] of Object.entries(this.fields)) {
      field.id = prefix + name;
      this.cells[name] = make("div", {}, make("label", { htmlFor: field.id, "data-t": name, textContent: t(name) }), field);
    }
    element.append(...Object.values(this.cells));
  }

  show(voices) {
    const chosen = this.fields.voice.value;
    this.voices = voices;
    this.fields.voice.replaceChildren(...voices.map((voice) => new Option(called(voice), voice.name)));
    if (voices.some((voice) => voice.name === chosen)) this.fields.voice.value = chosen;
    this.showSpeakers();
  }

  get voice() {
    return this.voices.find((voice) => voice.name === this.fields.voice.value);
  }

  showSpeakers() {
    const { voice } = this;
    const { speaker, style } = this.fields;
    const speakers = voice?.speakers ?? [];
    const options = speakers.map((one) => new Option([one.name, one.gender].filter(Boolean).join(", "), one.id, false, one.id === voice.default_speaker));
    speaker.replaceChildren(...(options.length ? options : [new Option("–", "")]));
    speaker.disabled = !speakers.length;
    style.replaceChildren(...(voice?.styles ?? []).map((name) => new Option(name, name)));
    this.cells.style.hidden = !voice?.styles?.length;
    speaker.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** As the protocol's `start` wants them; what is at rest is left out. */
  read() {
    const { voice, speaker, style, speed, pitch, seed } = this.fields;
    const number = (field, low, high, rest) => {
      const value = field.value === "" ? NaN : Number(field.value);
      return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : rest;
    };
    const settings = {};
    if (voice.value) settings.voice = voice.value;
    if (!speaker.disabled && speaker.value !== "") settings.speaker = Number(speaker.value);
    if (!this.cells.style.hidden && style.value) settings.style = style.value;
    settings.speed = number(speed, 0.25, 4, 1);
    settings.pitch = number(pitch, -12, 12, 0);
    settings.seed = Math.trunc(number(seed, 0, Number.MAX_SAFE_INTEGER, 0));
    return settings;
  }

  write(settings) {
    if (settings.voice && this.voices.some((voice) => voice.name === settings.voice)) {
      this.fields.voice.value = settings.voice;
      this.showSpeakers();
    }
    for (const name of ["speaker", "style", "speed", "pitch", "seed"]) {
      if (settings[name] !== undefined) this.fields[name].value = settings[name];
    }
  }
}

function called(voice) {
  const languages = voice.languages.map((language) => language.name).join(", ");
  return voice.title.toLowerCase() === languages.toLowerCase() ? languages : `${voice.title} (${languages})`;
}
