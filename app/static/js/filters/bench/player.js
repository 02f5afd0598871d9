/**
 * The clock of the animation: it calls `onPixel` for each pixel of a sweep and `onProgress` between two pixels, so that the
 * products can appear one after the other.
 */

/** Milliseconds per pixel. */
export const SPEEDS = { slow: 1800, normal: 260, fast: 30 };
/** A first-time visitor sees so many pixels at normal speed, then the rest fast. */
const INTRODUCTION_PIXELS = 16;

export class Player {
  /** @param {{onPixel: (index: number) => void, onProgress: (share: number) => void, onStateChange: () => void}} listeners */
  constructor({ onPixel, onProgress, onStateChange }) {
    this.onPixel = onPixel;
    this.onProgress = onProgress;
    this.onStateChange = onStateChange;
    /** @type {keyof typeof SPEEDS} */
    this.speed = "normal";
    this.playing = false;
  }

  /**
   * Plays a sweep from pixel `index` to `count` - 1.
   * @param {number} index @param {number} count @param {{introduction?: boolean}} [options]
   */
  play(index, count, { introduction = false } = {}) {
    this.pause();
    Object.assign(this, { playing: true, index, count, introduction, elapsedMs: 0, lastMs: performance.now() });
    this.onPixel(index);
    this.onStateChange();
    this.frame = requestAnimationFrame((now) => this.advance(now));
  }

  pause() {
    cancelAnimationFrame(this.frame);
    if (!this.playing) return;
    this.playing = false;
    this.onProgress(1);
    this.onStateChange();
  }

  get pixelMs() {
    return this.introduction && this.index >= INTRODUCTION_PIXELS ? SPEEDS.fast : SPEEDS[this.speed];
  }

  /** Whether the pixels follow one another too fast for a transition. */
  get isFast() {
    return this.playing && this.pixelMs < 100;
  }

  advance(now) {
    if (!this.playing) return;
    // A hidden tab has no frames: what was missed is not made up for.
    this.elapsedMs += Math.min(now - this.lastMs, 4 * this.pixelMs);
    this.lastMs = now;
    while (this.elapsedMs >= this.pixelMs) {
      this.elapsedMs -= this.pixelMs;
      if (this.index + 1 >= this.count) return this.pause();
      this.index += 1;
      this.onPixel(this.index);
    }
    this.onProgress(this.elapsedMs / this.pixelMs);
    this.frame = requestAnimationFrame((time) => this.advance(time));
  }

  /** @param {number} by 1 is faster, -1 slower */
  changeSpeed(by) {
    const names = /** @type {(keyof typeof SPEEDS)[]} */ (Object.keys(SPEEDS));
    this.speed = names[Math.min(Math.max(names.indexOf(this.speed) + by, 0), names.length - 1)];
    this.introduction = false;
    this.onStateChange();
  }
}
