import { make } from "../../shared/dom.js";

const MAX_PIXEL_RATIO = 2;

/** The whole image, small, with a frame around the magnified part. */
export class Overview {
  /** @param {HTMLElement} root @param {(x: number, y: number, keep: boolean) => void} [onPick] a place in pixels of the image */
  constructor(root, onPick) {
    this.root = root;
    this.canvas = make("canvas", { width: 0, height: 0 });
    this.frame = make("div", { class: "overview-frame", hidden: true });
    root.append(make("div", { class: "overview-plate" }, this.canvas, this.frame));
    if (!onPick) return;
    const pick = (event, keep) => {
      const box = this.canvas.getBoundingClientRect();
      onPick(Math.floor((event.clientX - box.left) / this.scale), Math.floor((event.clientY - box.top) / this.scale), keep);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      pick(event, false);
    });
    this.canvas.addEventListener("pointermove", (event) => this.canvas.hasPointerCapture(event.pointerId) && pick(event, false));
    this.canvas.addEventListener("pointerup", (event) => pick(event, true));
  }

  /** @param {ImageData} pixels @param {[number, number, number, number]} part left, top, width, height of the magnified part */
  draw(pixels, part) {
    if (!this.root.clientWidth) return;
    const scale = Math.min(this.root.clientWidth / pixels.width, this.root.clientHeight / pixels.height);
    if (pixels !== this.pixels || scale !== this.scale) this.paint(pixels, scale);
    this.frame.hidden = false;
    const [left, top, width, height] = part.map((length) => length * scale);
    Object.assign(this.frame.style, { transform: `translate(${left}px, ${top}px)`, width: `${width}px`, height: `${height}px` });
  }

  paint(pixels, scale) {
    const ratio = Math.min(devicePixelRatio || 1, MAX_PIXEL_RATIO);
    Object.assign(this, { pixels, scale });
    const [width, height] = [Math.round(pixels.width * scale), Math.round(pixels.height * scale)];
    const full = make("canvas", { width: pixels.width, height: pixels.height });
    full.getContext("2d").putImageData(pixels, 0, 0);
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = this.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(full, 0, 0, width * ratio, height * ratio);
  }
}
