// For whoever runs the server: what /metrics says, every two seconds, in words.

import { $, figure, make, say } from "./dom.js";

const EVERY = 2000; // ms
const MOST_POINTS = 150;
const listeners = [];

/** The text that Prometheus reads, as `{name, labels, value}` for each line. */
export function parseMetrics(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const [, name, inside, value] = /^(\w+)(?:\{(.*)\})? ([^ ]+)/.exec(line) ?? [];
    if (!name) continue;
    const labels = Object.fromEntries([...(inside ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, it]) => [key, it.replace(/\\(.)/g, "$1")]));
    found.push({ name, labels, value: value === "+Inf" ? Infinity : Number(value) });
  }
  return found;
}

/** Which bucket of a histogram holds a share of all, by its upper end; null where nothing was measured. */
export function quantile(buckets, share) {
  const all = buckets.at(-1)?.value ?? 0;
  return all ? (buckets.find((bucket) => bucket.value >= share * all)?.end ?? null) : null;
}

function sum(metrics, name, labels = {}) {
  return metrics
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((total, one) => total + one.value, 0);
}

function row(...cells) {
  return make("tr", {}, ...cells.map((cell, i) => make(i ? "td" : "th", i ? { textContent: cell } : { textContent: cell, scope: "row" })));
}

function within(seconds) {
  return seconds === null ? "–" : seconds === Infinity ? "longer" : `${Math.round(1000 * seconds)} ms`;
}

function show(metrics, ready) {
  const active = sum(metrics, "tts_active_sessions");
  $("now").replaceChildren(
    figure("State", ready.status === "ready" ? "takes listeners" : (ready.error?.message ?? "not ready")),
    figure("Listeners", String(active)),
    figure("Places", String(ready.capacity ?? "–")),
    figure("Open sockets", String(sum(metrics, "tts_connections"))),
    figure("Steps waiting", String(sum(metrics, "tts_queue_depth"))),
    figure("Late windows", String(sum(metrics, "tts_underrun_total"))),
    figure("Speech sent", `${(sum(metrics, "tts_audio_seconds_total") / 60).toFixed(1)} min`),
    figure("Written down", String(sum(metrics, "stt_requests_total"))),
    figure("Converted", String(sum(metrics, "tts_convert_requests_total"))));
  drawListeners(active);
  const models = metrics.filter((one) => one.name === "tts_model_info" && one.value);
  $("voices").replaceChildren(...models.map(({ labels: { voice, sha256 } }) =>
    row(voice, `${sha256}…`, `${sum(metrics, "tts_audio_seconds_total", { voice }).toFixed(0)} s`, sum(metrics, "tts_input_characters_total", { voice }).toFixed(0))));
  $("first").replaceChildren(...models.map(({ labels: { voice } }) => {
    const buckets = metrics.filter((one) => one.name === "tts_time_to_first_audio_seconds_bucket" && one.labels.voice === voice)
      .map((one) => ({ end: one.labels.le === "+Inf" ? Infinity : Number(one.labels.le), value: one.value }));
    const count = sum(metrics, "tts_time_to_first_audio_seconds_count", { voice });
    const mean = count ? `${((1000 * sum(metrics, "tts_time_to_first_audio_seconds_sum", { voice })) / count).toFixed(0)} ms` : "–";
    const factors = sum(metrics, "tts_real_time_factor_count", { voice });
    const factor = factors ? `${(sum(metrics, "tts_real_time_factor_sum", { voice }) / factors).toFixed(3)} s` : "–";
    return row(voice, String(count), within(quantile(buckets, 0.5)), within(quantile(buckets, 0.95)), mean, factor);
  }));
  const kinds = { tts_rejected_total: ["refused", "reason"], tts_cancelled_total: ["cancelled", "reason"], tts_errors_total: ["error told", "code"] };
  const rows = metrics.filter((one) => kinds[one.name] && one.value).map((one) => row(kinds[one.name][0], one.labels[kinds[one.name][1]], String(one.value)));
  $("refused").replaceChildren(...(rows.length ? rows : [row("nothing yet", "", "")]));
}

function drawListeners(active) {
  listeners.push(active);
  if (listeners.length > MOST_POINTS) listeners.shift();
  const most = Math.max(1, ...listeners);
  const points = listeners.map((value, i) => `${(300 * i) / (MOST_POINTS - 1)},${57 - (54 * value) / most}`).join(" ");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  for (const [name, value] of Object.entries({ points, fill: "none", stroke: "currentColor", "stroke-width": 2, "vector-effect": "non-scaling-stroke" })) {
    line.setAttribute(name, value);
  }
  $("listeners").replaceChildren(line);
  $("listeners").setAttribute("aria-label", `Listeners over time; now ${active}, at most ${most}`);
}

async function look() {
  try {
    const [metrics, ready] = await Promise.all([fetch("metrics"), fetch("readyz")]);
    show(parseMetrics(await metrics.text()), await ready.json());
    if ($("message").textContent || $("error").textContent) say("");
  } catch {
    say("The server does not answer; is it still running?", true);
  }
}

if (typeof document !== "undefined") {
  await look();
  setInterval(() => document.hidden || look(), EVERY);
}
