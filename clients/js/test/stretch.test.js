// Speech at another speed keeps its pitch and loses nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeStretch } from "../stretch.js";

const RATE = 16000;
const tone = Float32Array.from({ length: 2 * RATE }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 220 * i) / RATE));

function stretched(source, speed) {
  const stretch = new TimeStretch(RATE);
  const out = [];
  for (let at = 0; at < source.length; at += stretch.hop * speed) out.push(...stretch.next(source, Math.round(at)));
  return Float32Array.from(out);
}

function crossings(sound) {
  let count = 0;
  for (let i = 1; i < sound.length; i++) if (sound[i - 1] < 0 && sound[i] >= 0) count++;
  return count / (sound.length / RATE);
}

for (const speed of [0.5, 0.75, 1.25, 1.5, 2]) {
  test(`at ${speed} times the speed the pitch stays`, () => {
    const sound = stretched(tone, speed);
    assert.ok(Math.abs(sound.length / tone.length - 1 / speed) < 0.02 / speed + 0.02);
    const heard = crossings(sound.subarray(800, sound.length - 2400));
    assert.ok(Math.abs(heard - 220) < 4, `${heard} Hz`);
  });
}

test("pieces join without clicks", () => {
  const sound = stretched(tone, 1.5);
  let jump = 0;
  for (let i = 1; i < sound.length - 3000; i++) jump = Math.max(jump, Math.abs(sound[i] - sound[i - 1]));
  assert.ok(jump < 0.12, `a step of ${jump}`); // the tone itself moves by 0.043 from sample to sample
});
