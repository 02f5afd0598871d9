/** Presentation mode for projectors: large type, one part of the lesson at a time, and beside it only the image. */

const KEYS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };
/** Where the arrow keys have a meaning of their own. */
const KEY_USERS = "input, select, textarea, [role=application], canvas, .loupe";

export class Presentation {
  /** @param {HTMLElement} root with elements `[data-slide]` @param {(by: 1|-1) => void} onLeave after the last slide or before the first @param {() => void} onChange after a change of mode or slide */
  constructor(root, onLeave, onChange) {
    this.root = root;
    this.onLeave = onLeave;
    this.onChange = onChange;
    this.slide = 0;
    addEventListener("keydown", (event) => this.isOn && this.takeKey(event));
    document.addEventListener("fullscreenchange", () => this.isOn && this.wasFull && !document.fullscreenElement && this.end());
  }

  get isOn() {
    return "presenting" in document.documentElement.dataset;
  }

  begin() {
    document.documentElement.dataset.presenting = "";
    this.showSlide(0);
    this.wasFull = false;
    document.documentElement.requestFullscreen?.().then(() => { this.wasFull = true; }, () => {}); // a frame may not be allowed to
  }

  end() {
    if (!this.isOn) return;
    delete document.documentElement.dataset.presenting;
    if (document.fullscreenElement) document.exitFullscreen();
    this.onChange();
  }

  /** @param {KeyboardEvent} event */
  takeKey(event) {
    if (event.key === "Escape") return this.end();
    const by = KEYS[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || (event.target instanceof Element && event.target.closest(KEY_USERS))) return;
    event.preventDefault();
    this.turn(by);
  }

  /** @param {1|-1} by */
  turn(by) {
    if (this.isAtEnd(by)) this.onLeave(by);
    else this.showSlide(this.slide + by);
  }

  /** Whether there is no slide after the present one, or before it. @param {1|-1} by */
  isAtEnd(by) {
    const last = this.root.querySelectorAll("[data-slide]").length - 1;
    return this.slide + by < 0 || this.slide + by > last;
  }

  showSlide(number) {
    this.slide = number;
    for (const part of this.root.querySelectorAll("[data-slide]")) {
      part.classList.toggle("current", /** @type {HTMLElement} */ (part).dataset.slide === String(number));
    }
    this.onChange();
  }
}
