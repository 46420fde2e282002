// The microphone as blocks of samples.

import { openContext } from "../client/player.js";

const BLOCK_SECONDS = 0.1;

export class Microphone {
  /** `take` gets Float32Arrays of a tenth of a second. Throws what the browser says where there is no microphone. */
  static async open(sampleRate, take) {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("No microphone here", "NotSupportedError");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false } });
    const microphone = new Microphone();
    microphone.stream = stream;
    microphone.context = openContext(sampleRate);
    try {
      microphone.source = microphone.context.createMediaStreamSource(stream);
    } catch {
      // Firefox takes a microphone only at the device's own rate.
      microphone.context.close();
      microphone.context = new AudioContext();
      microphone.source = microphone.context.createMediaStreamSource(stream);
    }
    await microphone.context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
    const node = new AudioWorkletNode(microphone.context, "recorder", { numberOfOutputs: 0 });
    microphone.source.connect(node);
    const block = Math.round(BLOCK_SECONDS * microphone.sampleRate);
    let held = [];
    let count = 0;
    node.port.onmessage = ({ data }) => {
      held.push(data);
      count += data.length;
      if (count < block) return;
      const samples = new Float32Array(count);
      let at = 0;
      for (const piece of held) {
        samples.set(piece, at);
        at += piece.length;
      }
      held = [];
      count = 0;
      take(samples);
    };
    return microphone;
  }

  get sampleRate() {
    return this.context.sampleRate;
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}
