// Against a running server, whose address is in SWARAM_ADDRESS.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwaramClient, SwaramError } from "../swaram.js";

const address = process.env.SWARAM_ADDRESS;
const wav = process.env.SWARAM_WAV;
const options = { skip: address ? false : "SWARAM_ADDRESS names no server" };
const client = new SwaramClient(address ?? "http://127.0.0.1:9");
const TEXT = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും. നാളെ രാവിലെ വരാം!";

async function all(stream) {
  const messages = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

test("a text becomes a FLAC file, with words that lie in it", options, async () => {
  const speech = client.speak({ text: TEXT, pace: false });
  const messages = await all(speech);
  assert.equal(messages[0].type, "started");
  assert.equal(messages.at(-1).type, "done");
  const file = speech.file();
  assert.equal(new TextDecoder().decode(file.subarray(0, 4)), "fLaC");
  const length = Number((BigInt(file[21] & 15) << 32n) | BigInt(new DataView(file.buffer).getUint32(22)));
  assert.equal(length, speech.done.samples);
  const words = messages.filter((one) => one.type === "mark").flatMap((one) => one.words);
  assert.deepEqual(words.map(([start, end]) => [...TEXT].slice(start, end).join("")), TEXT.match(/[\u0d00-\u0d7f]+/gu));
  assert.ok(words.at(-1)[3] <= speech.done.samples);
});

test("a text that is still being written is spoken as one that was there at once", options, async () => {
  const whole = client.speak({ text: TEXT, pace: false });
  await all(whole);
  const written = client.speak({ pace: false });
  for (const piece of TEXT.match(/.{1,7}/gsu)) written.write(piece);
  written.end();
  await all(written);
  assert.equal(written.done.md5, whole.done.md5);
});

test("a text beyond the server's limit is one speech, and its marks count on", options, async () => {
  const text = `${TEXT}\n`.repeat(110); // more than 5,000 characters
  const speech = client.speak({ text, pace: false, format: "pcm" });
  const messages = await all(speech);
  assert.equal(messages.filter((one) => one.type === "started").length, 1);
  assert.equal(messages.filter((one) => one.type === "done").length, 1);
  assert.equal(speech.file().length, 2 * speech.done.samples);
  const words = messages.filter((one) => one.type === "mark").flatMap((one) => one.words);
  assert.equal(words.length, 110 * TEXT.match(/[\u0d00-\u0d7f]+/gu).length);
  const characters = [...text];
  assert.equal(characters.slice(words.at(-1)[0], words.at(-1)[1]).join(""), "വരാം");
  for (let i = 1; i < words.length; i++) assert.ok(words[i][0] > words[i - 1][0] && words[i][2] >= words[i - 1][2]);
  assert.ok(words.at(-1)[3] <= speech.done.samples);
});

test("what cannot be spoken is one sentence", options, async () => {
  await assert.rejects(all(client.speak({ text: "😀" })), (error) => error instanceof SwaramError && error.code === "nothing_to_say");
  await assert.rejects(all(client.speak({ text: "അ", voice: "none" })), { code: "unknown_voice" });
  await assert.rejects(client.explain("नमस्ते", "hi"), /leaves Hindi out/);
  await assert.rejects(new SwaramClient("http://127.0.0.1:9").voices(), { code: "unreachable" });
  await assert.rejects(all(new SwaramClient("http://127.0.0.1:9").speak({ text: "a" })), { code: "lost" });
});

test("cancel ends at once and keeps what has come", options, async () => {
  const speech = client.speak({ text: TEXT.repeat(30) });
  await assert.rejects(async () => {
    for await (const message of speech) if (message.type === "sound" && !message.header) speech.cancel();
  }, { name: "AbortError" });
  assert.ok(speech.file().length > 42);
});

test("voices, languages and the steps of a text", options, async () => {
  const [voices, languages] = await Promise.all([client.voices(), client.languages()]);
  assert.ok(voices.length);
  const malayalam = languages.find((one) => one.code === "ml");
  assert.deepEqual(malayalam.voices, voices.filter((one) => one.languages.some(({ code }) => code === "ml")).map((one) => one.name));
  const told = await client.explain("25 രൂപ", "ml");
  assert.equal(told.steps.at(-1).text, "ഇരുപത്തിയഞ്ച് രൂപ");
  assert.ok(told.rules.some((rule) => rule.before.includes("25")));
  const spelled = await client.explain("Swaram", "ml", { swaram: "സ്വരം" });
  assert.equal(spelled.sentences[0].text, "സ്വരം");
});

test("a WAV comes back as FLAC", { skip: options.skip || (wav ? false : "SWARAM_WAV names no file") }, async () => {
  const { readFile } = await import("node:fs/promises");
  const content = await readFile(wav);
  const conversion = client.convert();
  const sending = conversion.send(new Blob([content]), 1000);
  const messages = await all(conversion);
  await sending;
  assert.equal(messages.at(-1).samples, (content.length - 44) / 2);
  assert.equal(new TextDecoder().decode(conversion.file().subarray(0, 4)), "fLaC");
});
