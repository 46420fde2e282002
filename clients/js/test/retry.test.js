// A long text survives a server that is full for a moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwaramClient } from "../swaram.js";

const LIMITS = { message_characters: 20, request_characters: 20 };

/** A server that speaks one sample a character, and refuses the requests whose numbers are in `refused`. */
function serverThatRefuses(refused, asked) {
  return class {
    readyState = 0;
    bufferedAmount = 0;
    constructor() {
      queueMicrotask(() => {
        this.readyState = 1;
        this.onopen();
        this.tell({ type: "hello", protocol: 1, limits: LIMITS });
      });
    }
    tell(message) {
      this.onmessage({ data: JSON.stringify(message) });
    }
    send(data) {
      const { text } = JSON.parse(data);
      asked.push(text);
      if (refused.includes(asked.length)) return this.tell({ type: "error", code: "overloaded", message: "Full.", retry_after: 0.01 });
      this.tell({ type: "started", format: "pcm", sample_rate: 100 });
      this.tell({ type: "mark", start: 0, end: text.length, start_sample: 0, end_sample: text.length, words: [[0, 1, 0, 1]] });
      this.onmessage({ data: new Uint8Array(2 * text.length).buffer });
      this.tell({ type: "done", samples: text.length, header: "", ttfa_ms: 1, real_time_factor: 0.1 });
    }
    close() {
      this.readyState = 3;
    }
  };
}

const TEXT = "one two three. four five six. seven eight nine. ten.";

async function speak(refused) {
  const asked = [];
  const client = new SwaramClient("http://a", { WebSocket: serverThatRefuses(refused, asked) });
  const speech = client.speak({ text: TEXT, format: "pcm" });
  const messages = [];
  for await (const message of speech) messages.push(message);
  return { asked, speech, messages };
}

test("a later part that is refused is asked for again, and nothing is lost", async () => {
  const { asked, speech, messages } = await speak([2, 3]);
  assert.deepEqual(asked.filter((text, i) => text !== asked[i - 1]).join(""), TEXT);
  assert.equal(speech.done.samples, TEXT.length);
  assert.equal(speech.file().length, 2 * TEXT.length);
  const starts = messages.filter((one) => one.type === "mark").map((one) => one.start);
  assert.deepEqual(starts, messages.filter((one) => one.type === "mark").map((one) => one.start_sample));
});

test("a first request that is refused is an error at once", async () => {
  await assert.rejects(speak([1]), { code: "overloaded", retryAfter: 0.01 });
});
