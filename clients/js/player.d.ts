import type { Sound, Speech, SpeechMessage, Started } from "./swaram.js";

export type PlayerState = "paused" | "playing" | "waiting" | "ended";

/** Plays samples while they arrive. Fires `change`, and `scheduled` with `{samples, from}` in `detail`. */
export declare class Player extends EventTarget {
  constructor(options: { context: AudioContext; destination?: AudioNode });
  readonly state: PlayerState;
  readonly playing: boolean;
  /** Float32Array of all that has come, -1..1. */
  readonly samples: Float32Array;
  readonly length: number;
  /** Seconds that have come. */
  readonly duration: number;
  /** The sample that is heard now. */
  readonly position: number;
  readonly speed: number;
  open(sampleRate: number): void;
  append(samples: Float32Array): void;
  finish(): void;
  play(): void;
  pause(): void;
  seek(sample: number): void;
  setSpeed(speed: number): void;
  setVolume(volume: number): void;
  setLoop(loop: [from: number, to: number] | null): void;
  close(): void;
}

export declare class Decoder {
  constructor(started: Started, give: (samples: Float32Array) => void, fail: (error: Error) => void);
  push(sound: Sound): void;
  finish(): Promise<void>;
}

export declare function openContext(sampleRate: number): AudioContext;
export declare function playableFormat(sampleRate?: number): Promise<"flac" | "pcm">;
export declare function playSpeech(
  speech: Speech,
  player: Pick<Player, "open" | "append" | "finish">,
  on?: (message: SpeechMessage) => void,
): Promise<void>;
