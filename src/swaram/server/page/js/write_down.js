// Write down: a microphone, word by word while one speaks, or a recording of any format.

import { $, make, save, say, takeFiles } from "./dom.js";
import { Microphone } from "./microphone.js";
import { SoundView } from "./sound_view.js";
import { subrip, toInteger, wav, webVtt } from "./sound_files.js";
import { t } from "./strings.js";
import { facts } from "./take.js";

const RATE = 16000;

export class WriteDown {
  constructor(client) {
    this.client = client;
    $("record").addEventListener("click", () => (this.microphone ? this.end() : this.record()));
    takeFiles($("write-drop"), $("open-recording"), (file) => this.open(file));
    document.addEventListener("language", () => this.label());
  }

  show(languages) {
    const heard = languages.filter((language) => language.recognizer);
    $("write-language").replaceChildren(...heard.map((language) => new Option(`${language.native_name} (${language.name})`, language.code)));
    $("record").disabled = $("open-recording").disabled = !heard.length;
    this.none = !heard.length;
  }

  get language() {
    return $("write-language").value || undefined;
  }

  label() {
    $("record").textContent = t(this.microphone ? "record_stop" : "record");
  }

  /** A fresh transcript, with a sound of its own. */
  begin(sampleRate) {
    this.view?.close();
    this.view = new SoundView({ sampleRate });
    this.view.text = $("transcript"); // words stand in the log that screen readers follow
    $("transcript").replaceChildren();
    $("transcript").onclick = (event) => this.view.pick(event.target.closest("[role=button]"));
    $("transcript").onkeydown = (event) => this.view.walk(event);
    $("write-player").replaceChildren(this.view.element);
    $("partial").textContent = "";
    $("write-export").replaceChildren();
    facts.transcript = { state: "hearing", final: "", partials: 0 };
  }

  async record() {
    if (this.opening) return;
    this.opening = true;
    try {
      this.microphone = await Microphone.open(RATE, (samples) => this.hear(samples));
    } catch {
      this.microphone = null;
      return say(t("no_microphone"), true);
    } finally {
      this.opening = false;
    }
    const { sampleRate } = this.microphone;
    this.begin(sampleRate);
    this.label();
    say(t("recording"));
    try {
      this.live = this.client.transcribe({ language: this.language, sampleRate });
      for await (const message of this.live) this.told(message);
    } catch (error) {
      facts.transcript.error = error.message;
      say(error.message, true);
    } finally {
      this.end();
      this.live = null;
      this.view.finish();
      this.offer();
      facts.transcript.state = "done";
    }
  }

  hear(samples) {
    if (!this.live) return;
    this.live.send(Int16Array.from(samples, toInteger));
    this.view.append(samples);
    let power = 1e-9;
    for (const value of samples) power += value * value;
    $("level").value = 10 * Math.log10(power / samples.length);
  }

  /** The person has ended; the last words are still to come. */
  end() {
    if (!this.microphone) return;
    this.microphone.close();
    this.microphone = null;
    this.live?.end();
    $("level").value = -60;
    this.label();
    say("");
  }

  told(message) {
    if (message.type === "partial") {
      $("partial").textContent = message.text;
      if (message.text) facts.transcript.partials += 1;
    } else if (message.type === "final") this.add(message.words);
    else if (message.type === "done") $("partial").textContent = "";
  }

  add(words) {
    const rate = this.view.sampleRate;
    for (const { word, start, end, confidence } of words) {
      this.view.addWord({ text: word, from: Math.round(start * rate), to: Math.round(end * rate), confidence });
    }
    facts.transcript.final = this.view.words.map((word) => word.text).join(" ");
  }

  /** A recording as a file: the server hears it in any format; the browser plays what it can decode. */
  async open(file) {
    this.end();
    if (this.none) return say(t("no_recognizer"), true);
    this.begin(RATE);
    say(t("hearing", { name: file.name }));
    const form = new FormData();
    form.append("file", file);
    form.append("model", "swaram");
    form.append("response_format", "verbose_json");
    form.append("timestamp_granularities[]", "word");
    if (this.language) form.append("language", this.language);
    try {
      // Awaited together: a refusal may come before this browser has decoded the file.
      const [answer, samples] = await Promise.all([
        this.client.json("v1/audio/transcriptions", { method: "POST", body: form }),
        decode(file),
      ]);
      if (samples) this.view.append(samples);
      this.view.finish();
      this.add(answer.words);
      $("write-player").hidden = !samples;
      say(answer.words.length ? (samples ? "" : t("not_playable")) : t("nothing_heard"));
      this.offer();
    } catch (error) {
      facts.transcript.error = error.message;
      say(error.message, true);
    }
    facts.transcript.state = "done";
  }

  offer() {
    const words = this.view.timedWords();
    if (!words.length) return;
    const button = (label, work) => make("button", { type: "button", textContent: label, onclick: work });
    const text = words.map((word) => word.text).join(" ");
    $("write-export").replaceChildren(make("span", { textContent: t("save") }),
      button("TXT", () => save(`${text}\n`, "transcript.txt", "text/plain")),
      button("SRT", () => save(subrip(words), "transcript.srt", "application/x-subrip")),
      button("VTT", () => save(webVtt(words), "transcript.vtt", "text/vtt")),
      button("JSON", () => save(JSON.stringify({ text, words }, null, 1), "transcript.json", "application/json")));
    if (this.view.player.length) {
      $("write-export").append(button("WAV", () => save(wav(this.view.player.samples, this.view.sampleRate), "recording.wav", "audio/wav")));
    }
  }
}

/** A recording as mono samples at 16 kHz, or null where this browser cannot decode it. */
async function decode(file) {
  try {
    const context = new OfflineAudioContext(1, 1, RATE);
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    const samples = new Float32Array(sound.length);
    for (let channel = 0; channel < sound.numberOfChannels; channel++) {
      sound.getChannelData(channel).forEach((value, i) => (samples[i] += value / sound.numberOfChannels));
    }
    return samples;
  } catch {
    return null;
  }
}
