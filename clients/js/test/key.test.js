// A key stands in a header; what stands in a socket's address ends soon.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwaramClient } from "../swaram.js";

/** The address of the socket that a client with a key opens, and what it asked for before. */
async function opened(answer) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push([url, options.method, options.headers.Authorization]);
    return answer;
  };
  const address = await new Promise((resolve, reject) => {
    class WebSocket {
      readyState = 0;
      constructor(url) {
        resolve(url);
      }
      close() {}
    }
    const speech = new SwaramClient("http://a/tts", { key: "my key", fetch, WebSocket }).speak({ text: "a" });
    (async () => {
      for await (const message of speech) void message;
    })().catch(reject);
  });
  return { address, asked };
}

test("a token goes into the address, the key into the header", async () => {
  const { address, asked } = await opened(Response.json({ token: "swaram-token.x.y", expires_in: 60 }));
  assert.equal(address, "ws://a/tts/v1/speak?key=swaram-token.x.y");
  assert.deepEqual(asked, [["http://a/tts/v1/tokens", "POST", "Bearer my key"]]);
});

test("a server that gives no tokens gets the key", async () => {
  const { address } = await opened(Response.json({ error: { code: "http_404", message: "Nothing." } }, { status: 404 }));
  assert.equal(address, "ws://a/tts/v1/speak?key=my%20key");
});

test("a key that is itself a token is used as it is", async () => {
  const { address } = await opened(Response.json({ error: { code: "token", message: "No." } }, { status: 403 }));
  assert.equal(address, "ws://a/tts/v1/speak?key=my%20key");
});

test("a wrong key is told as the server tells it", async () => {
  const wrong = Response.json({ error: { code: "unauthorised", message: "A key is needed." } }, { status: 401 });
  await assert.rejects(opened(wrong), { code: "unauthorised", message: "A key is needed." });
});
