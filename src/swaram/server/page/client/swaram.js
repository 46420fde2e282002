// A client of swaram's server, protocol version 1 (docs/protocol.md), for browsers and Node, without dependencies.
// Times are seconds, positions in a text Unicode code points, positions in sound samples.

import { Inbox } from "./inbox.js";

export const PROTOCOL = 1;
const MESSAGE_CHARACTERS = 2000;
const REQUEST_CHARACTERS = 5000;
const RETRIES = 10;
const TOKEN_SECONDS = 60;

/** What went wrong, in one sentence; `code` as in the protocol, `retryAfter` in seconds or null. */
export class SwaramError extends Error {
  constructor(message, code = "failed", retryAfter = null) {
    super(message);
    this.name = "SwaramError";
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** One server. `key` goes into a header; into a socket's address, where a browser must put it, goes a token for it. */
export class SwaramClient {
  constructor(address, { key = "", WebSocket = globalThis.WebSocket, fetch = globalThis.fetch } = {}) {
    this.address = String(address).replace(/[?#].*$/, "").replace(/\/*$/, "/");
    this.key = key;
    this.WebSocket = WebSocket;
    this.fetch = (...all) => fetch(...all);
  }

  /** The voices of the server. */
  async voices() {
    return (await this.json("v1/voices")).voices;
  }

  /** The languages that swaram reads, with their scripts, and which voices here speak them. */
  async languages() {
    return (await this.json("v1/languages")).languages;
  }

  /** What the text front end makes of a text, step by step; `lexicon` is an object of word to spelling. */
  async explain(text, language, lexicon) {
    return this.json("v1/text", { method: "POST", body: JSON.stringify({ text, language, lexicon }) });
  }

  /** Begin to speak. With `text` the request is complete; without, `write`, `flush` and `end` follow. */
  speak(options = {}) {
    return new Speech(this, options);
  }

  /** Begin to write down 16-bit mono PCM that is sent while somebody speaks. */
  transcribe(options = {}) {
    return new Transcription(this, options);
  }

  /** Begin to turn the bytes of a WAV into FLAC. */
  convert(options = {}) {
    return new Conversion(this, options);
  }

  /** An answer of the server as JSON. Throws SwaramError with the server's own sentence. */
  async json(path, options = {}) {
    return (await this.request(path, options)).json();
  }

  /** An answer of the server. Throws SwaramError for one that is an error, and where there is no answer. */
  async request(path, options = {}) {
    const headers = { ...(this.key && { Authorization: `Bearer ${this.key}` }), ...options.headers };
    if (typeof options.body === "string") headers["Content-Type"] ??= "application/json";
    let answer;
    try {
      answer = await this.fetch(this.url(path), { ...options, headers });
    } catch (error) {
      if (error?.name === "AbortError") throw error;
      throw new SwaramError("The server does not answer; is it still running?", "unreachable");
    }
    if (answer.ok) return answer;
    const told = (await answer.json().catch(() => ({}))).error ?? {};
    const retry = Number(answer.headers.get("retry-after")) || null;
    throw new SwaramError(told.message ?? `The server answered ${answer.status}.`, told.code ?? `http_${answer.status}`, retry);
  }

  url(path) {
    return this.address + path;
  }

  /** An open socket as an inbox of its messages. */
  socket(path) {
    if (!this.WebSocket) throw new SwaramError("There is no WebSocket here; give one as the option WebSocket.", "no_websocket");
    const address = this.url(path).replace(/^http/, "ws");
    const open = (pass) => new this.WebSocket(pass ? `${address}?key=${encodeURIComponent(pass)}` : address);
    return new Inbox(this.key ? this.pass().then(open) : open(""), lost);
  }

  /** What opens a socket: a token that ends soon, or the key itself, where it is a token or the server gives none. */
  async pass() {
    try {
      return (await this.json("v1/tokens", { method: "POST", body: JSON.stringify({ expires_in: TOKEN_SECONDS }) })).token;
    } catch (error) {
      if (["http_404", "http_405", "token"].includes(error.code)) return this.key;
      throw error;
    }
  }
}

function lost(event) {
  const known = { 4401: "unauthorised", 4403: "origin", 4408: "idle", 1012: "restarting", 1013: "overloaded" };
  return new SwaramError(event?.reason || "The connection was lost; try again.", known[event?.code] ?? "lost");
}

function told(message) {
  return new SwaramError(message.message, message.code, message.retry_after ?? null);
}

/** The pieces in which a long text is asked for: cut after a sentence, else a word; none is longer than `limit`. */
export function splitText(text, limit = REQUEST_CHARACTERS) {
  const characters = [...text];
  const parts = [];
  for (let start = 0; start < characters.length; ) {
    let end = Math.min(start + limit, characters.length);
    if (end < characters.length) {
      const piece = characters.slice(start, end);
      const sentence = piece.findLastIndex((c, i) => c === "\n" || (/[.?!।॥۔؟]/u.test(c) && /\s/u.test(piece[i + 1] ?? "")));
      const space = piece.findLastIndex((c) => /\s/u.test(c));
      end = start + (sentence > limit / 4 ? sentence + 1 : space > 0 ? space + 1 : limit);
    }
    parts.push(characters.slice(start, end).join(""));
    start = end;
  }
  return parts;
}

/** Speech that is being made: iterate over it for its messages, sound as `{type: "sound", data, header}`.
 *
 * A text beyond the server's limit is asked for in several requests on one socket, of which the caller sees one:
 * `mark`s and `warning`s count from the beginning of the whole text and sound.
 */
export class Speech {
  constructor(client, { text, ...options }) {
    this.options = { marks: "word", format: "flac", ...options };
    this.whole = text;
    this.written = "";
    this.waiting = [];
    this.parts = [];
    this.samples = 0;
    this.inbox = client.socket("v1/speak");
    this.events = this.read();
  }

  [Symbol.asyncIterator]() {
    return this.events;
  }

  /** The next piece of a text that is still being written. */
  write(text) {
    this.written += text;
    for (const piece of splitText(text, MESSAGE_CHARACTERS)) this.say({ type: "text", text: piece });
  }

  /** Speak what has come; do not wait for the end of the sentence. */
  flush() {
    this.say({ type: "flush" });
  }

  /** No more text follows. */
  end() {
    this.say({ type: "end" });
  }

  /** Stop; what has come stays. */
  cancel() {
    this.cancelled = true;
    this.inbox.close();
  }

  /** All the sound so far as one file (Uint8Array), or null where FLAC or WAV came in several requests. */
  file() {
    const framed = ["flac", "wav"].includes(this.options.format);
    if (framed && this.parts.length > 1) return null;
    return joined(this.parts.flatMap((part) => (framed && part.final ? [part.final, ...part.frames.slice(1)] : part.frames)));
  }

  say(message) {
    if (this.started) this.inbox.send(message);
    else this.waiting.push(message);
  }

  async *read() {
    try {
      const hello = await this.hello();
      const texts = this.whole === undefined ? [undefined] : splitText(this.whole, hello.limits?.request_characters ?? REQUEST_CHARACTERS);
      let at = 0;
      let last = null;
      for (const text of texts.length ? texts : [""]) {
        const offset = { text: at, sound: this.samples };
        for await (const message of this.part(text, hello)) {
          if (message.type === "done") last = message;
          else if (!(message.type === "started" && this.parts.length > 1)) yield shifted(message, offset);
        }
        at += [...(text ?? this.written)].length;
        this.samples += last.samples;
      }
      const one = this.parts.length === 1;
      const rate = this.parts[0].started.sample_rate;
      this.done = one ? last : { type: "done", samples: this.samples, seconds: this.samples / rate, md5: null, header: null,
        ttfa_ms: this.parts[0].done.ttfa_ms, real_time_factor: last.real_time_factor };
      yield this.done;
    } finally {
      this.inbox.close();
    }
  }

  async hello() {
    const hello = await this.inbox.next();
    if (hello.type === "error") throw told(hello);
    if (hello.protocol !== PROTOCOL) throw new SwaramError("The server speaks another version of the protocol.", "protocol");
    return hello;
  }

  /** One request of several; a server that has no place for it at the moment is asked again when it says so. */
  async *part(text, hello) {
    for (let tries = 0; ; tries++) {
      const part = { frames: [], started: null, done: null, final: null };
      this.parts.push(part);
      try {
        return yield* this.request(part, text, hello);
      } catch (error) {
        if (this.parts.length === 1 || part.started || !error.retryAfter || tries === RETRIES) throw error;
        this.parts.pop();
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
      }
    }
  }

  async *request(part, text, hello) {
    const whole = text !== undefined && [...text].length <= (hello.limits?.message_characters ?? MESSAGE_CHARACTERS);
    this.asked = performance.now();
    this.inbox.send({ type: "start", ...this.options, ...(whole && { text }) });
    this.started = true;
    for (const message of this.waiting.splice(0)) this.inbox.send(message);
    if (text !== undefined && !whole) {
      for (const piece of splitText(text, hello.limits?.message_characters ?? MESSAGE_CHARACTERS)) this.inbox.send({ type: "text", text: piece });
      this.inbox.send({ type: "end" });
    }
    while (!part.done) {
      const message = await this.inbox.next();
      if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
        const header = this.options.format === "flac" && part.frames.length === 0;
        part.frames.push(new Uint8Array(message));
        yield { type: "sound", data: part.frames.at(-1), header };
        continue;
      }
      if (message.type === "error") throw told(message);
      if (message.type === "started") part.started = message;
      if (message.type === "done") {
        part.done = message;
        part.final = message.header ? fromBase64(message.header) : null;
      }
      yield message;
    }
  }
}

function shifted(message, { text, sound }) {
  if (message.type === "warning") return { ...message, start: message.start + text, end: message.end + text };
  if (message.type !== "mark") return message;
  const move = (m) => [m[0] + text, m[1] + text, m[2] + sound, m[3] + sound];
  const [start, end, start_sample, end_sample] = move([message.start, message.end, message.start_sample, message.end_sample]);
  return { ...message, start, end, start_sample, end_sample,
    ...(message.words && { words: message.words.map(move) }), ...(message.symbols && { symbols: message.symbols.map(move) }) };
}

/** Speech being written down: `send` samples, iterate over `partial` and `final` messages, `end` to hear the last. */
export class Transcription {
  constructor(client, { language, sampleRate = 16000 } = {}) {
    this.inbox = client.socket("v1/transcribe");
    this.inbox.send({ type: "start", sample_rate: sampleRate, ...(language && { language }) });
    this.events = this.read();
  }

  [Symbol.asyncIterator]() {
    return this.events;
  }

  /** `samples`: Int16Array, mono, at `sampleRate` Hz. */
  send(samples) {
    this.inbox.send(samples);
  }

  /** Nothing more is said. */
  end() {
    this.inbox.send({ type: "end" });
  }

  cancel() {
    this.inbox.close();
  }

  async *read() {
    try {
      for (;;) {
        const message = await this.inbox.next();
        if (message.type === "error") throw told(message);
        yield message;
        if (message.type === "done") return;
      }
    } finally {
      this.inbox.close();
    }
  }
}

/** A WAV on its way to FLAC: iterate for `{type: "sound", data}` while `send` goes on; `file()` once it is done. */
export class Conversion {
  constructor(client, { lossy = false } = {}) {
    this.inbox = client.socket("v1/convert");
    this.frames = [];
    this.sent = 0;
    if (lossy) this.inbox.send({ type: "start", lossy: true });
    this.events = this.read();
  }

  [Symbol.asyncIterator]() {
    return this.events;
  }

  /** Send a file (Blob) in pieces, no faster than the network takes them. */
  async send(file, piece = 1 << 18) {
    for (let at = 0; at < file.size && !this.inbox.over; at += piece) {
      await this.inbox.drained(4 * piece);
      this.inbox.send(await file.slice(at, at + piece).arrayBuffer());
      this.sent = Math.min(at + piece, file.size);
    }
    this.inbox.send({ type: "end" });
  }

  cancel() {
    this.inbox.close();
  }

  file() {
    return joined(this.final ? [this.final, ...this.frames.slice(1)] : this.frames);
  }

  async *read() {
    try {
      for (;;) {
        const message = await this.inbox.next();
        if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
          this.frames.push(new Uint8Array(message));
          yield { type: "sound", data: this.frames.at(-1), header: this.frames.length === 1 };
          continue;
        }
        if (message.type === "error") throw told(message);
        if (message.type === "done") this.final = fromBase64(message.header);
        yield message;
        if (message.type === "done") return;
      }
    } finally {
      this.inbox.close();
    }
  }
}

/** Bytes of base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** Many pieces as one. */
export function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
