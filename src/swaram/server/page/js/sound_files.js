// Samples and words as files: WAV, SubRip, WebVTT.

const PAUSE = 0.6; // seconds between words that end a line
const LONGEST_LINE = 60; // characters
const LONGEST_SECONDS = 7;

/** 16-bit mono WAV (Uint8Array) of Float32Array samples, -1..1. */
export function wav(samples, sampleRate) {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const letters = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  letters(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  letters(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  letters(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, toInteger(value), true));
  return bytes;
}

/** -1..1 as a 16-bit integer. */
export function toInteger(value) {
  return Math.max(-32768, Math.min(32767, Math.round(32768 * value)));
}

/** Words `{text, start, end}` (seconds) in lines: a pause ends one, and so does its length. */
export function lines(words) {
  const groups = [];
  for (const word of words) {
    const last = groups.at(-1);
    const full = last && (word.start - last.at(-1).end > PAUSE || word.end - last[0].start > LONGEST_SECONDS ||
      last.reduce((sum, one) => sum + [...one.text].length + 1, 0) + [...word.text].length > LONGEST_LINE);
    if (!last || full) groups.push([word]);
    else last.push(word);
  }
  return groups.map((group) => ({ text: group.map((word) => word.text).join(" "), start: group[0].start, end: group.at(-1).end }));
}

export function subrip(words) {
  return lines(words).map((line, i) => `${i + 1}\n${time(line.start, ",")} --> ${time(line.end, ",")}\n${line.text}\n`).join("\n");
}

export function webVtt(words) {
  return ["WEBVTT\n", ...lines(words).map((line) => `${time(line.start, ".")} --> ${time(line.end, ".")}\n${line.text}\n`)].join("\n");
}

function time(seconds, point) {
  const all = Math.round(1000 * seconds);
  const part = (value, digits) => String(Math.floor(value)).padStart(digits, "0");
  return `${part(all / 3_600_000, 2)}:${part((all / 60_000) % 60, 2)}:${part((all / 1000) % 60, 2)}${point}${part(all % 1000, 3)}`;
}
