// OpenAI's official JavaScript client against a server: prints one JSON object of what it saw.
// Run by test_openai_js.py: node openai_client.mjs <address> <recording>
import fs from "node:fs";
import OpenAI from "openai";

const [address, recording] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0 });
const text = "എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും.";
const seen = { formats: {} };

for (const format of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
  const answer = await client.audio.speech.create({
    model: "gpt-4o-mini-tts", voice: "nova", input: text, response_format: format,
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  seen.formats[format] = { bytes: bytes.length, voice: answer.headers.get("x-voice"), type: answer.headers.get("content-type") };
}
const streamed = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: text, response_format: "pcm" });
seen.pieces = 0;
for await (const _ of streamed.body) seen.pieces += 1;

seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);
seen.model = (await client.models.retrieve("tts-1")).id;

try {
  await client.audio.speech.create({ model: "tts-1", voice: "nobody", input: text });
} catch (error) {
  const { status, code, param, type, requestID } = error;
  seen.error = { name: error.constructor.name, status, code, param, type, requestID, message: error.message };
}
try {
  await client.models.retrieve("davinci");
} catch (error) {
  seen.missing = { name: error.constructor.name, status: error.status, code: error.code };
}

const file = () => fs.createReadStream(recording);
seen.text = (await client.audio.transcriptions.create({ file: file(), model: "whisper-1", language: "ml-IN" })).text;
const words = await client.audio.transcriptions.create({
  file: file(), model: "whisper-1", response_format: "verbose_json", timestamp_granularities: ["word"],
});
seen.words = words.words.map((word) => word.word);
seen.events = [];
for await (const event of await client.audio.transcriptions.create({ file: file(), model: "gpt-4o-transcribe", stream: true })) {
  seen.events.push(event.type);
  seen.streamed = event.text;
}
console.log(JSON.stringify(seen));
