// What openapi.json says, for people: each address, what it takes, what it answers, and a way to try it.

import { $, make, say } from "./dom.js";

let schemas = {};

$("key").value = sessionStorage.getItem("key") ?? "";
$("key").addEventListener("input", () => sessionStorage.setItem("key", $("key").value.trim()));

/** A schema with what it refers to in its place. */
function resolved(schema = {}) {
  return schema.$ref ? resolved(schemas[schema.$ref.split("/").at(-1)]) : schema;
}

/** A schema's kind in a few words. */
function kind(schema) {
  const it = resolved(schema);
  if (it.anyOf) return it.anyOf.map(kind).join(" or ");
  if (it.enum) return it.enum.map((value) => JSON.stringify(value)).join(", ");
  if (it.const !== undefined) return JSON.stringify(it.const);
  if (it.type === "array") return `list of ${kind(it.items)}`;
  const limits = [
    it.minimum !== undefined && `from ${it.minimum}`, it.maximum !== undefined && `to ${it.maximum}`,
    it.maxLength !== undefined && `at most ${it.maxLength} characters`,
  ].filter(Boolean).join(" ");
  return [it.format === "binary" ? "file" : (it.type ?? "anything"), limits].filter(Boolean).join(", ");
}

function example(schema) {
  const it = resolved(schema);
  const required = it.required ?? [];
  return Object.fromEntries(Object.entries(it.properties ?? {}).filter(([name]) => required.includes(name))
    .map(([name]) => [name, { text: "അമ്മ വന്നു 25", input: "അമ്മ വന്നു.", language: "ml" }[name] ?? ""]));
}

function table(title, heads, rows) {
  return make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, make("caption", { textContent: title }),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col", textContent: head })))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, cell)))))));
}

function operation(path, method, told) {
  const parts = [];
  const rows = (told.parameters ?? []).map((one) => [`${one.name} (${one.in})`, kind(one.schema), one.description ?? ""]);
  const [type, body] = Object.entries(told.requestBody?.content ?? {})[0] ?? [];
  const shape = resolved(body?.schema);
  for (const [name, schema] of Object.entries(shape.properties ?? {})) {
    const rest = schema.default !== undefined && schema.default !== null ? ` Default: ${JSON.stringify(schema.default)}.` : "";
    rows.push([`${name}${shape.required?.includes(name) ? " *" : ""}`, kind(schema), (schema.description ?? "") + rest]);
  }
  if (rows.length) parts.push(table(type ? `Takes ${type}` : "Takes", ["Name", "Kind", "Meaning"], rows));
  parts.push(table("Answers", ["Status", "Meaning", "Form"], Object.entries(told.responses ?? {}).map(([status, answer]) =>
    [status, answer.description ?? "", Object.keys(answer.content ?? {}).join(", ")])));
  parts.push(type?.startsWith("multipart") ? tryForm(path) : tryIt(path, method, type && body.schema));
  return make("details", { className: "card" }, make("summary", {}, make("code", { textContent: `${method.toUpperCase()} ${path}` }), ` ${told.description ?? told.summary ?? ""}`), ...parts);
}

function headers() {
  return $("key").value ? { Authorization: `Bearer ${$("key").value.trim()}` } : {};
}

/** Send a JSON body, or none, and show the answer. */
function tryIt(path, method, schema) {
  const field = schema ? make("textarea", { value: JSON.stringify(example(schema), null, 1), spellcheck: false, "aria-label": `Body of ${path}` }) : null;
  return trial(path, field, () => ({ method: method.toUpperCase(), headers: { ...headers(), ...(field && { "Content-Type": "application/json" }) }, body: field?.value }));
}

function tryForm(path) {
  const file = make("input", { type: "file", "aria-label": `File for ${path}` });
  return trial(path, file, () => {
    const form = new FormData();
    if (file.files.length) form.append("file", file.files[0]);
    return { method: "POST", headers: headers(), body: form };
  });
}

function trial(path, field, request) {
  const answer = make("div", { "aria-live": "polite" });
  const button = make("button", { type: "button", textContent: `Try ${path}`, onclick: async () => {
    try {
      const came = await fetch(path.slice(1), request());
      const type = came.headers.get("content-type") ?? "";
      const shown = type.startsWith("audio/")
        ? make("audio", { controls: true, src: URL.createObjectURL(await came.blob()), "aria-label": `Answer of ${path}` })
        : make("pre", { tabIndex: 0, textContent: pretty(await came.text(), type) });
      answer.replaceChildren(make("p", { textContent: `${came.status} ${type}` }), shown);
    } catch {
      answer.replaceChildren(make("p", { textContent: "The server does not answer; is it still running?" }));
    }
  } });
  return make("div", {}, field, make("div", { className: "actions small" }, button), answer);
}

function pretty(text, type) {
  return (type.includes("json") ? JSON.stringify(JSON.parse(text), null, 1) : text).slice(0, 20_000);
}

try {
  const told = await (await fetch("openapi.json")).json();
  schemas = told.components?.schemas ?? {};
  $("operations").replaceChildren(...Object.entries(told.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operation(path, method, one))));
  say("");
} catch {
  say("openapi.json cannot be read; is the server still running?", true);
}
