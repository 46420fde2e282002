// Convert: a WAV goes up while its FLAC comes back.

import { $, figure, make, save, say, size, takeFiles } from "./dom.js";
import { t } from "./strings.js";
import { facts } from "./take.js";

export class Convert {
  constructor(client) {
    this.client = client;
    takeFiles($("convert-drop"), $("open-wav"), (file) => this.convert(file));
  }

  async convert(file) {
    this.conversion?.cancel();
    const began = performance.now();
    const measured = { file, received: 0 };
    const conversion = (this.conversion = this.client.convert({ lossy: $("lossy").checked }));
    facts.converted = { state: "converting", error: null };
    $("converted").hidden = false;
    $("convert-result").replaceChildren();
    const progress = $("convert-progress");
    progress.hidden = false;
    progress.value = 0;
    say("");
    const sending = conversion.send(file).catch(() => {});
    try {
      for await (const message of conversion) {
        if (message.type === "started") measured.started = message;
        else if (message.type === "sound") {
          measured.received += message.data.length;
          if (!message.header) measured.first ??= performance.now() - began;
          if (conversion.sent < file.size) measured.early = true;
        } else if (message.type === "done") {
          measured.done = message;
          measured.seconds = (performance.now() - began) / 1000;
        }
        progress.value = conversion.sent / file.size;
        this.measure(measured);
      }
      await sending;
      this.offer(conversion.file(), file.name);
      say(`FLAC: ${size(measured.received)}, ${((100 * measured.received) / file.size).toFixed(1)} %`);
      facts.converted = { state: "done", error: null, ...measured.done, bytes: conversion.file().length, early: Boolean(measured.early) };
    } catch (error) {
      if (error.name !== "AbortError") {
        facts.converted = { state: "failed", error: error.message };
        say(error.message, true);
      }
    } finally {
      if (this.conversion === conversion) progress.hidden = true;
    }
  }

  measure({ file, received, started, first, done, seconds }) {
    const share = done ? `${((100 * received) / file.size).toFixed(1)} %` : "–";
    $("convert-figures").replaceChildren(
      figure(t("wav_size"), size(file.size)),
      figure(t("flac_size"), size(received)),
      figure(t("share"), share),
      figure(t("first_frame"), first === undefined ? "–" : `${Math.round(first)} ms`),
      figure(t("all_after"), done ? `${seconds.toFixed(2)} s` : "–"),
      figure(t("form"), started ? `${started.sample_rate} Hz · ${started.bits} bit · ${started.channels}` : "–"),
      figure(t("samples"), done ? String(done.samples) : "–"),
      figure("MD5", done ? done.md5 : "–"));
  }

  offer(flac, name) {
    const blob = new Blob([flac], { type: "audio/flac" });
    if (this.playing) URL.revokeObjectURL(this.playing);
    this.playing = URL.createObjectURL(blob);
    $("convert-result").replaceChildren(
      make("audio", { controls: true, src: this.playing, "aria-label": `${name} · FLAC` }),
      make("div", { className: "actions" },
        make("button", { type: "button", className: "main", textContent: `${t("save")} FLAC`, onclick: () => save(blob, name.replace(/\.[^.]*$/, "") + ".flac") })));
  }
}
