// Plays samples while they still arrive: play, pause, seek, speed at the same pitch, volume, repeat.

import { TimeStretch } from "./stretch.js";

const LEAD = 0.12; // seconds between scheduling the first sample and hearing it
const AHEAD = 0.4; // seconds that are scheduled in advance
const AHEAD_HIDDEN = 2.5; // in a tab that is not shown, timers run once a second
const BLOCK = 4096;
const TICK = 50; // ms

/** Fires `change` when it begins, pauses, waits for sound or ends, and `scheduled` with the samples that will be heard. */
export class Player extends EventTarget {
  constructor({ context, destination } = {}) {
    super();
    this.context = context;
    this.gain = context.createGain();
    this.gain.connect(destination ?? context.destination);
    this.store = new Float32Array(1 << 16);
    this.length = 0;
    this.complete = false;
    this.state = "paused"; // paused, playing, waiting or ended
    this.cursor = 0; // the next sample to schedule
    this.blocks = [];
    this.speed = 1;
    this.loop = null;
    this.sampleRate = null;
    this.gone = new AbortController();
    globalThis.document?.addEventListener("visibilitychange", () => this.pump(), { signal: this.gone.signal });
  }

  /** Say how fast the samples are, in Hz; before the first of them. */
  open(sampleRate) {
    if (this.sampleRate === sampleRate) return;
    this.sampleRate = sampleRate;
    this.stretch = new TimeStretch(sampleRate);
  }

  /** More samples: Float32Array, mono, -1..1. */
  append(samples) {
    if (this.length + samples.length > this.store.length) {
      const larger = new Float32Array(Math.max(2 * this.store.length, this.length + samples.length));
      larger.set(this.store.subarray(0, this.length));
      this.store = larger;
    }
    this.store.set(samples, this.length);
    this.length += samples.length;
    if (this.state === "waiting") this.pump();
  }

  /** Nothing more comes. */
  finish() {
    this.complete = true;
    if (this.state === "waiting") this.pump();
  }

  /** What has come so far: Float32Array, a view. */
  get samples() {
    return this.store.subarray(0, this.length);
  }

  /** Seconds that have come. */
  get duration() {
    return this.sampleRate ? this.length / this.sampleRate : 0;
  }

  /** The sample that is heard now. */
  get position() {
    const now = this.context.currentTime;
    let at = this.blocks[0]?.from ?? this.cursor;
    for (const block of this.blocks) {
      if (block.start > now) break;
      at = block.from + (block.to - block.from) * Math.min(1, (now - block.start) / block.seconds);
    }
    return at;
  }

  get playing() {
    return this.state === "playing" || this.state === "waiting";
  }

  play() {
    if (this.playing) return;
    if (this.state === "ended" || (this.complete && this.cursor >= this.length)) this.cursor = this.loop?.[0] ?? 0;
    this.context.resume();
    this.next = null;
    this.become("waiting");
    this.timer = setInterval(() => this.pump(), TICK);
    this.pump();
  }

  pause() {
    if (!this.playing) return;
    this.cursor = Math.round(this.position);
    this.silence();
    this.become("paused");
  }

  /** Go to a sample; what plays goes on playing from there. */
  seek(sample) {
    const playing = this.playing;
    this.silence();
    this.cursor = Math.min(Math.max(0, Math.round(sample)), this.length);
    this.state = playing ? "waiting" : "paused";
    if (playing) {
      this.timer = setInterval(() => this.pump(), TICK);
      this.pump();
    }
    this.become(this.state, true);
  }

  /** 0.5 to 3, at the same pitch. */
  setSpeed(speed) {
    const at = this.playing ? this.position : null;
    this.speed = speed;
    if (at !== null) this.seek(at);
  }

  /** 0 to 1. */
  setVolume(volume) {
    this.gain.gain.setTargetAtTime(volume, this.context.currentTime, 0.01);
  }

  /** Repeat all (`[0, Infinity]`), a stretch of samples, or nothing (null). */
  setLoop(loop) {
    this.loop = loop;
  }

  /** Stop for good. */
  close() {
    this.silence();
    this.gone.abort();
    this.gain.disconnect();
    this.become("paused");
  }

  silence() {
    clearInterval(this.timer);
    for (const block of this.blocks) {
      block.source.onended = null;
      try {
        block.source.stop();
      } catch {
        // it was never started
      }
      block.source.disconnect();
    }
    this.blocks = [];
    this.next = null;
    this.stretch?.reset();
  }

  /** Schedule what is due. */
  pump() {
    if (!this.playing || !this.sampleRate) return;
    const now = this.context.currentTime;
    const ahead = globalThis.document?.hidden ? AHEAD_HIDDEN : AHEAD;
    if (this.next !== null && this.next < now) this.next = null; // after a gap everything later moves
    while (this.next === null || this.next < now + ahead) {
      const block = this.take();
      if (!block) break;
      if (this.next === null) this.next = Math.ceil((now + LEAD) * this.context.sampleRate) / this.context.sampleRate;
      this.schedule(block);
    }
    while (this.blocks.length > 1 && this.blocks[1].start <= now) this.blocks.shift();
    const heard = this.next === null || this.next <= now;
    if (heard && this.complete && this.cursor >= this.length && !(this.loop && this.length)) {
      this.silence();
      this.become("ended");
    } else this.become(heard ? "waiting" : "playing");
  }

  /** The next samples to schedule, and which samples of the sound they are; null where none has come. */
  take() {
    const end = Math.min(this.length, this.loop?.[1] ?? Infinity);
    if (this.loop && this.cursor >= end && (this.complete || end < this.length) && end > this.loop[0]) {
      this.cursor = this.loop[0];
      this.stretch.reset();
    }
    const from = this.cursor;
    if (from >= end) return null;
    if (this.speed === 1) {
      this.cursor = Math.min(end, from + BLOCK);
      return { samples: this.store.slice(from, this.cursor), from, to: this.cursor };
    }
    if (end - from < this.stretch.reach * Math.max(1, this.speed) && !this.complete) return null;
    const samples = this.stretch.next(this.samples, Math.round(from));
    this.cursor = Math.min(end, from + samples.length * this.speed);
    return { samples, from, to: this.cursor };
  }

  schedule({ samples, from, to }) {
    const buffer = this.context.createBuffer(1, samples.length, this.sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.gain);
    source.start(this.next);
    this.blocks.push({ source, from, to, start: this.next, seconds: buffer.duration });
    this.next += samples.length / this.sampleRate;
    this.dispatchEvent(new CustomEvent("scheduled", { detail: { samples, from } }));
  }

  become(state, always = false) {
    if (state === this.state && !always) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** An AudioContext at a rate of sound, or at the device's own where the browser refuses that. */
export function openContext(sampleRate) {
  try {
    return new AudioContext({ sampleRate });
  } catch {
    return new AudioContext();
  }
}

/** The format to ask for: FLAC where frames can be decoded as they come, else PCM. */
export async function playableFormat(sampleRate = 16000) {
  if (!("AudioDecoder" in globalThis)) return "pcm";
  try {
    const support = await AudioDecoder.isConfigSupported({ codec: "flac", sampleRate, numberOfChannels: 1, description: new Uint8Array(42) });
    return support.supported ? "flac" : "pcm";
  } catch {
    return "pcm";
  }
}

/** Frames of FLAC, or pieces of 16-bit PCM, to samples. `give` takes Float32Arrays in order. */
export class Decoder {
  constructor(started, give, fail) {
    this.started = started;
    this.give = give;
    this.fail = fail;
    this.frames = 0;
    this.odd = new Uint8Array(0);
  }

  push({ data, header }) {
    if (this.started.format === "pcm") return this.take(data);
    if (header) return this.configure(data);
    const timestamp = Math.round((1e6 * this.frames++ * this.started.block_samples) / this.started.sample_rate);
    this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
  }

  configure(description) {
    if (this.decoder) return;
    this.decoder = new AudioDecoder({
      output: (data) => {
        this.give(samplesOf(data));
        data.close();
      },
      error: (error) => this.fail(error),
    });
    const { sample_rate: sampleRate, channels } = this.started;
    this.decoder.configure({ codec: "flac", sampleRate, numberOfChannels: channels ?? 1, description });
  }

  take(data) {
    const bytes = this.odd.length ? new Uint8Array([...this.odd, ...data]) : data;
    const whole = bytes.length - (bytes.length % 2);
    this.odd = bytes.slice(whole);
    const view = new DataView(bytes.buffer, bytes.byteOffset, whole);
    this.give(Float32Array.from({ length: whole / 2 }, (_, i) => view.getInt16(2 * i, true) / 32768));
  }

  /** Wait until everything that was pushed has been given. */
  async finish() {
    if (this.decoder?.state === "configured") {
      await this.decoder.flush();
      this.decoder.close();
    }
  }
}

/** The first channel of an AudioData. Integers are taken as they are: a browser may scale those above 0 by 32767. */
function samplesOf(data) {
  const whole = ["s16", "s16-planar"].includes(data.format) && data.numberOfChannels === 1;
  const samples = new (whole ? Int16Array : Float32Array)(data.numberOfFrames);
  data.copyTo(samples, { planeIndex: 0, format: whole ? data.format : "f32-planar" });
  return whole ? Float32Array.from(samples, (value) => value / 32768) : samples;
}

/** Play a Speech while it arrives; resolves once all of it has come. `on` sees every message. */
export async function playSpeech(speech, player, on = () => {}) {
  let decoder = null;
  let fault = null;
  try {
    for await (const message of speech) {
      if (fault) throw fault;
      if (message.type === "started") {
        player.open(message.sample_rate);
        decoder = new Decoder(message, (samples) => player.append(samples), (error) => (fault = error));
      } else if (message.type === "sound") decoder.push(message);
      else if (message.type === "done") await decoder.finish();
      on(message);
    }
  } finally {
    await decoder?.finish().catch(() => {});
    player.finish();
  }
}
