// The whole of a sound at one sight: waveform above, spectrogram below, drawn while it comes.

const HOP = 256;
const WINDOW = 512;
const BANDS = 48;
const REDRAW = 100; // ms

export class Overview {
  /** `seek` is called with the sample where the person clicks. `expected`: samples that are likely to come; `signal`
   * ends what it watches. */
  constructor(element, { seek, expected = 0, signal }) {
    this.canvas = element.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("aria-hidden", "true");
    this.cursor = element.appendChild(document.createElement("div"));
    this.cursor.className = "cursor";
    this.element = element;
    this.expected = expected;
    this.length = 0;
    this.rest = new Float32Array(0);
    this.peaks = [];
    this.loudest = 0;
    this.columns = [];
    this.complete = false;
    this.at = 0;
    this.fft = new Spectrum(WINDOW);
    element.addEventListener("click", (event) => seek(((event.clientX - element.getBoundingClientRect().left) / element.clientWidth) * this.total));
    new ResizeObserver(() => {
      this.redraw();
      this.moveTo(this.at);
    }).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw(), { signal });
  }

  /** Samples that the width stands for. */
  get total() {
    return this.complete ? Math.max(1, this.length) : Math.max(this.expected, this.length, 1);
  }

  append(samples, sampleRate) {
    this.bands ??= bandEdges(sampleRate);
    this.length += samples.length;
    const all = new Float32Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    let at = 0;
    for (; at + WINDOW <= all.length; at += HOP) this.column(all.subarray(at, at + WINDOW));
    this.rest = all.slice(at);
    this.redraw();
  }

  finish() {
    if (this.rest.length && this.bands) {
      const last = new Float32Array(WINDOW);
      last.set(this.rest.subarray(0, WINDOW));
      this.column(last);
      this.rest = new Float32Array(0);
    }
    this.complete = true;
    this.redraw();
  }

  column(samples) {
    let peak = 0;
    for (let i = 0; i < HOP; i++) peak = Math.max(peak, Math.abs(samples[i]));
    this.peaks.push(peak);
    this.loudest = Math.max(this.loudest, peak);
    const power = this.fft.power(samples);
    const levels = new Uint8Array(BANDS);
    for (let band = 0; band < BANDS; band++) {
      let most = 0;
      for (let bin = this.bands[band]; bin < this.bands[band + 1]; bin++) most = Math.max(most, power[bin]);
      levels[band] = Math.max(0, Math.min(255, (10 * Math.log10(most + 1e-9) + 38) * 4)); // dB, 0 to 64
    }
    this.columns.push(levels);
  }

  /** Show where one is, in samples. */
  moveTo(sample) {
    this.at = sample;
    this.cursor.style.transform = `translateX(${(sample / this.total) * (this.element.clientWidth - 2)}px)`;
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.draw();
    }, REDRAW);
  }

  draw() {
    const scale = Math.min(2, devicePixelRatio || 1);
    const width = (this.canvas.width = Math.max(1, Math.round(this.element.clientWidth * scale)));
    const height = (this.canvas.height = Math.round(120 * scale));
    const half = Math.round(height * 0.45);
    const pen = this.canvas.getContext("2d");
    const colours = getComputedStyle(document.documentElement);
    pen.fillStyle = colours.getPropertyValue("--leaf");
    const image = pen.createImageData(width, height - half);
    const [paper, leaf] = ["--paper", "--leaf"].map((name) => rgb(colours.getPropertyValue(name)));
    const each = this.total / HOP / width;
    const loudest = Math.max(0.1, this.loudest);
    for (let x = 0; x < width; x++) {
      const first = Math.floor(x * each);
      const last = Math.min(Math.max(first + 1, Math.floor((x + 1) * each)), this.columns.length);
      if (first >= this.columns.length) break;
      let peak = 0;
      for (let i = first; i < last; i++) peak = Math.max(peak, this.peaks[i]);
      const tall = Math.max(scale, (peak / loudest) * (half - 2 * scale));
      pen.fillRect(x, (half - tall) / 2, 1, tall);
      for (let y = 0; y < height - half; y++) {
        const band = Math.min(BANDS - 1, Math.floor((1 - y / (height - half)) * BANDS));
        let level = 0;
        for (let i = first; i < last; i++) level = Math.max(level, this.columns[i][band]);
        const at = 4 * (y * width + x);
        for (let part = 0; part < 3; part++) image.data[at + part] = paper[part] + ((leaf[part] - paper[part]) * level) / 255;
        image.data[at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, half);
  }
}

function rgb(text) {
  const hex = text.trim().slice(1);
  const whole = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((at) => parseInt(whole.slice(at, at + 2), 16));
}

/** Edges of bands that are equally wide on the mel scale, as bins of the spectrum. */
function bandEdges(sampleRate) {
  const mel = (hertz) => 1127 * Math.log(1 + hertz / 700);
  const hertz = (mels) => 700 * (Math.exp(mels / 1127) - 1);
  const top = mel(Math.min(8000, sampleRate / 2));
  const edges = Array.from({ length: BANDS + 1 }, (_, i) => Math.round((hertz((top * i) / BANDS) * WINDOW) / sampleRate));
  for (let i = 1; i <= BANDS; i++) edges[i] = Math.min(WINDOW / 2 + 1, Math.max(edges[i], edges[i - 1] + 1));
  return edges;
}

/** Power of a windowed piece of `size` samples (a power of two), by a radix-2 fast Fourier transform. */
export class Spectrum {
  constructor(size) {
    this.size = size;
    this.window = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
    this.cosine = Float32Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.sine = Float32Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    const bits = Math.log2(size);
    this.order = Uint16Array.from({ length: size }, (_, i) => {
      let turned = 0;
      for (let bit = 0; bit < bits; bit++) turned |= ((i >> bit) & 1) << (bits - 1 - bit);
      return turned;
    });
    this.real = new Float32Array(size);
    this.imaginary = new Float32Array(size);
  }

  power(samples) {
    const { size, real, imaginary } = this;
    for (let i = 0; i < size; i++) real[i] = samples[this.order[i]] * this.window[this.order[i]];
    imaginary.fill(0);
    for (let width = 2; width <= size; width *= 2) {
      const step = size / width;
      for (let start = 0; start < size; start += width) {
        for (let k = 0; k < width / 2; k++) {
          const [a, b] = [start + k, start + k + width / 2];
          const [c, s] = [this.cosine[k * step], this.sine[k * step]];
          const re = real[b] * c + imaginary[b] * s;
          const im = imaginary[b] * c - real[b] * s;
          real[b] = real[a] - re;
          imaginary[b] = imaginary[a] - im;
          real[a] += re;
          imaginary[a] += im;
        }
      }
    }
    return Float32Array.from({ length: size / 2 + 1 }, (_, i) => real[i] ** 2 + imaginary[i] ** 2);
  }
}
