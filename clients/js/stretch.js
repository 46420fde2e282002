// Speech faster or slower at the same pitch: waveform-similarity overlap-add (WSOLA; Verhelst and Roelands, ICASSP 1993).

const FRAME_SECONDS = 0.04;
const SEARCH_SECONDS = 0.01;

export class TimeStretch {
  constructor(sampleRate) {
    this.hop = Math.round((FRAME_SECONDS / 2) * sampleRate);
    this.search = Math.round(SEARCH_SECONDS * sampleRate);
    this.fade = Float32Array.from({ length: this.hop }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / this.hop));
    this.previous = null;
  }

  /** Begin anew, at any place. */
  reset() {
    this.previous = null;
  }

  /** Samples of `source` that must be there beyond `position` for one more piece. */
  get reach() {
    return 3 * this.hop + this.search;
  }

  /** One piece of `hop` samples of the sound at `position`, whose end fades into the next piece. */
  next(source, position) {
    const start = this.previous === null ? position : this.nearest(source, position);
    const piece = new Float32Array(this.hop);
    for (let i = 0; i < this.hop; i++) {
      const now = source[start + i] ?? 0;
      const before = this.previous === null ? now : (source[this.previous + this.hop + i] ?? 0);
      piece[i] = before + (now - before) * this.fade[i];
    }
    this.previous = start;
    return piece;
  }

  /** Where, near `position`, the sound is most like what would have followed the piece before. */
  nearest(source, position) {
    const wanted = this.previous + this.hop;
    let best = position;
    let most = -Infinity;
    for (let shift = -this.search; shift <= this.search; shift += 2) {
      const at = position + shift;
      if (at < 0) continue;
      let product = 0;
      let power = 1e-9;
      for (let i = 0; i < this.hop; i += 2) {
        const value = source[at + i] ?? 0;
        product += value * (source[wanted + i] ?? 0);
        power += value * value;
      }
      const likeness = product / Math.sqrt(power);
      if (likeness > most) {
        most = likeness;
        best = at;
      }
    }
    return best;
  }
}
