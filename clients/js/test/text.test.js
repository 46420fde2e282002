// Long texts are cut where a reader would breathe, and nothing is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwaramClient, splitText } from "../swaram.js";

test("pieces are no longer than the limit and joined are the text", () => {
  const text = "ഒന്നാമത്തെ വാക്യം ഇതാണ്. രണ്ടാമത്തേത് ഇതാ!\nമൂന്നാമത്തെ വരി 😀 ഇവിടെ. ".repeat(20);
  for (const limit of [1, 7, 40, 100, 5000]) {
    const parts = splitText(text, limit);
    assert.equal(parts.join(""), text);
    assert.ok(parts.every((part) => [...part].length <= limit && part.length));
  }
});

test("a piece ends with a sentence where there is one", () => {
  const parts = splitText("അമ്മ വന്നു. അച്ഛൻ വന്നു. എല്ലാവരും വന്നു.", 30);
  assert.deepEqual(parts.map((part) => part.trim().at(-1)), parts.map(() => "."));
});

test("an empty text has no pieces", () => assert.deepEqual(splitText(""), []));

test("addresses end with one slash, whatever was given", () => {
  for (const given of ["http://a/tts", "http://a/tts/", "http://a/tts/?x=1", "http://a/tts#text=b", new URL("http://a/tts//")]) {
    assert.equal(new SwaramClient(given).address, "http://a/tts/");
  }
});
