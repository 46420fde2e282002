/** Client of swaram's server, protocol version 1: docs/protocol.md says what each message holds. */

export declare const PROTOCOL: 1;

export type Format = "flac" | "pcm" | "wav" | "opus" | "mp3";

/** Start and end in the text (code points), then in the sound (samples); ends are exclusive. */
export type Mark = [start: number, end: number, startSample: number, endSample: number];

export interface SpeakOptions {
  /** The whole text, of any length; left out, `write` and `end` follow. */
  text?: string;
  voice?: string;
  speaker?: string | number;
  language?: string;
  style?: string;
  /** 0.25 to 4. */
  speed?: number;
  /** -12 to 12 semitones. */
  pitch?: number;
  seed?: number;
  pause_scale?: number;
  format?: Format;
  bits?: 16 | 24;
  marks?: "none" | "word" | "symbol";
  /** Whether sound comes no more than seconds before it is heard; true where it is left out. */
  pace?: boolean;
}

export interface Started {
  type: "started";
  request_id: string;
  voice: string;
  speaker: string | null;
  language: string;
  format: Format;
  sample_rate: number;
  channels: number;
  bits: number;
  block_samples: number;
}
export interface Sound {
  type: "sound";
  data: Uint8Array;
  /** Whether this is the header of a FLAC stream rather than a frame. */
  header: boolean;
}
export interface Marked {
  type: "mark";
  start: number;
  end: number;
  start_sample: number;
  end_sample: number;
  words?: Mark[];
  symbols?: Mark[];
}
export interface Warned {
  type: "warning";
  start: number;
  end: number;
  message: string;
}
export interface Done {
  type: "done";
  samples: number;
  seconds: number;
  /** Of the samples; null where a long text was spoken in several requests. */
  md5: string | null;
  header: string | null;
  ttfa_ms: number;
  real_time_factor: number | null;
}
export type SpeechMessage = Started | Sound | Marked | Warned | Done;

export interface Word {
  word: string;
  /** Seconds from the beginning. */
  start: number;
  end: number;
  /** 0 to 1. */
  confidence: number;
}
export type TranscriptMessage =
  | { type: "hello"; protocol: 1; languages: string[] }
  | { type: "started"; language: string; sample_rate: number }
  | { type: "partial" | "final"; text: string; words: Word[] }
  | { type: "done"; text: string; seconds: number };

export type ConversionMessage =
  | Sound
  | { type: "hello"; protocol: 1 }
  | { type: "started"; sample_rate: number; channels: number; bits: number; samples: number | null; lossless: boolean }
  | { type: "done"; samples: number; md5: string; header: string };

export interface Voice {
  name: string;
  title: string;
  languages: { code: string; name: string }[];
  sample_rate: number;
  speakers: { id: number; name: string; gender?: string | null }[];
  default_speaker: number | null;
  styles: string[];
  licence: string;
  attribution: string | string[] | null;
}
export interface Language {
  code: string;
  name: string;
  native_name: string;
  direction: "ltr" | "rtl";
  scripts: { name: string; ranges: [number, number][] }[];
  /** Names of the voices of this server that speak it. */
  voices: string[];
  /** Whether the server can write it down. */
  recognizer: boolean;
}
export interface Explained {
  language: string;
  steps: { step: string; text: string }[];
  rules: { step: string; rule: string; start: number; end: number; before: string; said: string }[];
  sentences: { text: string; start: number; end: number; pause_after: number }[];
  notices: { kind: "dropped" | "refused" | "assumed"; start: number; end: number; message: string }[];
}

export declare class SwaramError extends Error {
  constructor(message: string, code?: string, retryAfter?: number | null);
  readonly code: string;
  readonly retryAfter: number | null;
}

export interface ClientOptions {
  key?: string;
  /** Where there is no global one (Node before 22): the class of the package `ws`, for example. */
  WebSocket?: new (address: string) => any;
  fetch?: typeof fetch;
}

export declare class SwaramClient {
  constructor(address: string | URL, options?: ClientOptions);
  readonly address: string;
  key: string;
  voices(): Promise<Voice[]>;
  languages(): Promise<Language[]>;
  explain(text: string, language: string, lexicon?: Record<string, string>): Promise<Explained>;
  speak(options?: SpeakOptions): Speech;
  transcribe(options?: { language?: string; sampleRate?: number }): Transcription;
  convert(options?: { lossy?: boolean }): Conversion;
  json(path: string, options?: RequestInit): Promise<any>;
  request(path: string, options?: RequestInit): Promise<Response>;
}

/** Iterate over it once. Errors of the server and a lost connection are thrown there as SwaramError. */
export declare class Speech implements AsyncIterable<SpeechMessage> {
  readonly options: SpeakOptions;
  readonly done?: Done;
  write(text: string): void;
  flush(): void;
  end(): void;
  cancel(): void;
  /** What has come as one file; null for FLAC and WAV of a text that took several requests. */
  file(): Uint8Array | null;
  [Symbol.asyncIterator](): AsyncIterator<SpeechMessage>;
}

export declare class Transcription implements AsyncIterable<TranscriptMessage> {
  send(samples: Int16Array): void;
  end(): void;
  cancel(): void;
  [Symbol.asyncIterator](): AsyncIterator<TranscriptMessage>;
}

export declare class Conversion implements AsyncIterable<ConversionMessage> {
  /** Bytes that have been sent. */
  readonly sent: number;
  send(file: Blob, piece?: number): Promise<void>;
  cancel(): void;
  file(): Uint8Array;
  [Symbol.asyncIterator](): AsyncIterator<ConversionMessage>;
}

export declare function splitText(text: string, limit?: number): string[];
export declare function fromBase64(text: string): Uint8Array;
export declare function joined(pieces: Uint8Array[]): Uint8Array;
