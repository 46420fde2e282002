// One text spoken with one setting: it plays while it comes, and stays, whole or not.

import { SwaramError } from "../client/swaram.js";
import { playSpeech, playableFormat } from "../client/player.js";
import { figure, make, save, size } from "./dom.js";
import { SoundView } from "./sound_view.js";
import { subrip, wav, webVtt } from "./sound_files.js";
import { t } from "./strings.js";

const SECONDS_A_CHARACTER = 0.075;

// What a test, or a curious person, can read.
export const facts = (window.swaram = { state: "idle", samples: 0, peak: 0, done: null, error: null, firstAudioMs: null, takes: [] });

export class Take {
  constructor(client, text, settings, voice, name) {
    Object.assign(this, { client, text, settings, voice, name });
    const rate = voice?.sample_rate ?? 16000;
    const expected = [...text].length * SECONDS_A_CHARACTER * rate / (settings.speed ?? 1);
    this.view = new SoundView({ sampleRate: rate, expected });
    this.view.setText(text);
    this.state = "new";
    this.figures = make("dl", { className: "figures" });
    this.saving = make("div", { className: "actions small" });
    this.heading = make("small", { textContent: this.title });
    this.element = make("section", { className: "card take", "aria-label": this.title },
      make("h2", {}, make("span", { textContent: name }), this.heading),
      this.view.element, this.saving, this.figures);
    this.measured = { bytes: 0 };
    this.reached = 0; // of the text, by passages that have come whole
    document.addEventListener("language", () => {
      this.heading.textContent = this.title;
      this.measure();
      if (this.saving.children.length) this.offer();
    }, { signal: this.view.gone.signal });
  }

  /** The settings in words. */
  get title() {
    const { speaker, speed = 1, pitch = 0, seed = 0, style } = this.settings;
    const named = this.voice?.speakers.find((one) => one.id === speaker)?.name;
    return [this.voice?.title ?? t("voice"), named, style, `${t("speed")} ${speed}`, pitch && `${t("pitch")} ${pitch}`, seed && `${t("seed")} ${seed}`]
      .filter(Boolean).join(" · ");
  }

  /** Speak; resolves to "received", "stopped" or "failed" once no more comes. */
  async run({ play = true } = {}) {
    const { view } = this;
    this.state = "speaking";
    if (play) view.play();
    const format = await playableFormat(this.voice?.sample_rate);
    this.way = format === "flac" ? "FLAC, WebCodecs" : "PCM";
    try {
      this.speech = this.client.speak({ ...this.settings, text: this.text, format, pace: view.player.speed <= 1 });
      await playSpeech(this.speech, this.sink(), (message) => this.take(message));
      this.state = "received";
    } catch (error) {
      this.state = error.name === "AbortError" ? "stopped" : "failed";
      if (this.state === "failed") this.error = error instanceof SwaramError ? error : new SwaramError(String(error));
    }
    view.finish();
    this.offer();
    return this.state;
  }

  /** The player as `playSpeech` needs it, with the overview fed as well. */
  sink() {
    const { view } = this;
    return {
      open: (rate) => {
        if (rate !== view.sampleRate) throw new SwaramError("The voice has changed; load the page again.", "changed");
      },
      append: (samples) => {
        view.append(samples);
        if (!facts.takes.includes(this)) return; // the last frames of a take that was stopped
        facts.samples += samples.length;
        for (const value of samples) if (Math.abs(value) > facts.peak) facts.peak = Math.abs(value);
      },
      finish: () => {},
    };
  }

  take(message) {
    if (message.type === "sound") {
      this.measured.bytes += message.data.length;
      if (!message.header) this.measured.first ??= performance.now() - this.speech.asked;
    } else if (message.type === "mark") {
      this.view.addMarks(message.words ?? []);
      // Marks come before their sound: the passages before this one have come whole.
      this.reached = this.coming ?? 0;
      this.coming = message.end;
    }
    else if (message.type === "done") {
      this.done = message;
      Object.assign(this.measured, { seconds: message.seconds, factor: message.real_time_factor });
    } else if (message.type === "warning") this.warnings = (this.warnings ?? 0) + 1;
    this.measure();
  }

  measure() {
    const { bytes, first, seconds, factor } = this.measured;
    this.figures.replaceChildren(
      figure(t("first_sound"), first === undefined ? "–" : `${Math.round(first)} ms`),
      figure(t("factor"), factor == null ? "–" : factor.toFixed(3)),
      figure(t("length"), seconds === undefined ? "–" : `${seconds.toFixed(2)} s`),
      figure(t("received"), bytes ? size(bytes) : "–"),
      figure(t("way"), this.way ?? "–"));
  }

  stop() {
    this.speech?.cancel();
    this.view.player.pause();
  }

  /** What can be saved: FLAC and WAV of what has come, MP3 and Opus of a whole text, captions. */
  offer() {
    if (!this.view.player.length) return;
    const button = (label, work) => make("button", { type: "button", textContent: label, onclick: () => this.keep(work) });
    const samples = () => this.view.player.samples;
    const name = this.fileName;
    const more = this.state === "received"
      ? [button("MP3", () => this.encoded("mp3", "audio/mpeg")), button("Opus", () => this.encoded("opus", "audio/ogg"))]
      : [];
    const rest = [...this.text].slice(this.reached).join("");
    const goOn = button(t("speak_rest"), () => document.dispatchEvent(new CustomEvent("speak-rest", { detail: { take: this, rest } })));
    this.saving.replaceChildren(...[
      make("span", { textContent: t("save") }),
      button("FLAC", async () => save(await this.flac(), `${name}.flac`, "audio/flac")),
      button("WAV", () => save(wav(samples(), this.view.sampleRate), `${name}.wav`, "audio/wav")),
      ...more,
      button("SRT", () => save(subrip(this.view.timedWords()), `${name}.srt`, "application/x-subrip")),
      button("VTT", () => save(webVtt(this.view.timedWords()), `${name}.vtt`, "text/vtt")),
      this.state !== "received" && rest.trim() ? goOn : null,
    ].filter(Boolean));
  }

  async keep(work) {
    try {
      await work();
    } catch (error) {
      document.dispatchEvent(new CustomEvent("failed", { detail: error.message }));
    }
  }

  get fileName() {
    return `swaram-${this.voice?.name ?? "speech"}-${this.name.toLowerCase()}`;
  }

  /** The stream as it came, with its final header; else what has come, encoded by the server. */
  async flac() {
    const whole = this.state === "received" && this.speech.options.format === "flac" && this.speech.file();
    if (whole) return whole;
    const form = new FormData();
    form.append("file", new Blob([wav(this.view.player.samples, this.view.sampleRate)], { type: "audio/wav" }), "speech.wav");
    return (await this.client.request("convert", { method: "POST", body: form })).blob();
  }

  /** The same speech once more in another format: the same seed gives the same sound. */
  async encoded(format, type) {
    const speech = this.client.speak({ ...this.settings, text: this.text, format, pace: false, marks: "none" });
    for await (const message of speech) void message;
    save(speech.file(), `${this.fileName}.${format === "opus" ? "ogg" : format}`, type);
  }

  close() {
    this.speech?.cancel();
    this.view.close();
  }
}
