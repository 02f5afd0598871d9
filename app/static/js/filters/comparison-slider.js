import { find, make } from "../shared/dom.js";

/**
 * The image before and after filtering, one over the other, with a line between them that can be dragged. From 1× on, each
 * pixel is drawn as a square.
 *
 * @typedef {[number, number]} Position x, y
 * @typedef {[number, number, number, number]} Box left, top, width, height in pixels of the image before
 * @typedef {{patch: Box, anchor: Box}} Marks the pixels under the kernel, and the one under its anchor
 */
export class ComparisonSlider {
  /**
   * @param {HTMLElement} root
   * @param {{onPick: (x: number, y: number, keep: boolean) => void, onSplit: (percent: number) => void}} listeners `onPick`
   *   receives the place of the chosen pixel on the image before; `keep` for a click or an arrow key
   */
  constructor(root, { onPick, onSplit }) {
    this.onPick = onPick;
    this.onSplit = onSplit;
    this.viewer = find(".viewer", root);
    this.range = find("input[type=range]", root);
    this.handle = find(".handle", root);
    this.handle.hidden = true;
    this.before = make("canvas", { class: "before" });
    this.after = make("canvas", { class: "after" });
    this.patch = make("div", { class: "patch", hidden: true });
    this.anchor = make("div", { class: "anchor", hidden: true });
    this.afterLayer = make("div", { class: "after-layer" }, this.after);
    this.images = make("div", { class: "images", hidden: true }, this.before, this.afterLayer, this.patch, this.anchor);
    this.viewer.append(this.images);
    this.zoom = "fit";
    this.scale = 1;
    this.split = 50;
    /** @type {import("./plan.js").Placement|null} */
    this.placement = null;
    /** @type {Marks|null} */
    this.marks = null;
    this.listen();
  }

  listen() {
    this.range.addEventListener("input", () => this.moveSplit(Number(this.range.value)));
    this.viewer.addEventListener("scroll", () => this.drawSplit());
    new ResizeObserver(() => this.fit()).observe(this.viewer);
    this.handle.addEventListener("pointerdown", (event) => {
      this.handle.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.handle.addEventListener("pointermove", (event) => {
      if (!this.handle.hasPointerCapture(event.pointerId)) return;
      const box = this.viewer.getBoundingClientRect();
      this.moveSplit(Math.min(Math.max(((event.clientX - box.left) / this.viewer.clientWidth) * 100, 0), 100));
    });
    this.images.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.pickByPointer(event, false));
    this.images.addEventListener("click", (event) => this.pickByPointer(event, true));
    this.viewer.addEventListener("keydown", (event) => this.pickByKey(event));
  }

  moveSplit(percent) {
    this.setSplit(percent);
    this.onSplit(this.split);
  }

  /** @param {number} percent from the left */
  setSplit(percent) {
    this.split = Math.round(percent);
    this.range.value = String(this.split);
    this.drawSplit();
  }

  /** The line keeps its place in the viewer while the image scrolls under it. */
  drawSplit() {
    const { clientWidth, scrollLeft } = this.viewer;
    const line = (this.split / 100) * clientWidth;
    const lineInImages = line + scrollLeft - this.images.offsetLeft;
    const percent = Math.min(Math.max((lineInImages / Math.max(this.images.offsetWidth, 1)) * 100, 0), 100);
    this.afterLayer.style.clipPath = `inset(0 0 0 ${percent}%)`;
    this.handle.style.left = `${line}px`;
  }

  /** @param {ImageData} pixels */
  showBefore(pixels) {
    paint(this.before, pixels);
    this.images.hidden = false;
    this.after.hidden = true;
    this.placement = null;
    this.mark(null);
    this.fit();
  }

  /** @param {ImageData} pixels @param {import("./plan.js").Placement} placement */
  showAfter(pixels, placement) {
    paint(this.after, pixels);
    this.after.hidden = this.handle.hidden = false;
    this.placement = placement;
    this.fit();
  }

  /** Keeps the middle of the viewer in place, or centres the marked pixel. */
  setZoom(zoom) {
    if (zoom === this.zoom) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.viewer;
    const middle = [(scrollLeft + clientWidth / 2) / this.scale, (scrollTop + clientHeight / 2) / this.scale];
    this.zoom = zoom;
    this.fit();
    this.center(this.marks ? this.marks.anchor : middle);
  }

  /** @param {number[]} at x, y in pixels of the image before */
  center([x, y]) {
    this.viewer.scrollTo(x * this.scale - this.viewer.clientWidth / 2, y * this.scale - this.viewer.clientHeight / 2);
  }

  fit() {
    if (!this.viewer.clientWidth) return; // hidden
    const { width, height } = this.before;
    const fitting = Math.min(this.viewer.clientWidth / width, this.viewer.clientHeight / height);
    const scale = this.zoom === "fit" ? (fitting >= 2 ? Math.floor(fitting) : fitting) : Number(this.zoom);
    this.scale = scale;
    this.images.style.width = `${width * scale}px`;
    this.images.style.height = `${height * scale}px`;
    this.images.classList.toggle("large", scale >= 1);
    if (this.placement) {
      const { x, y, scaleX, scaleY } = this.placement;
      place(this.after, [x, y, this.after.width * scaleX, this.after.height * scaleY], scale);
    }
    this.mark(this.marks);
    this.drawSplit();
  }

  /** @param {Marks|null} marks */
  mark(marks) {
    this.marks = marks;
    this.patch.hidden = this.anchor.hidden = !marks;
    if (!marks) return;
    place(this.patch, marks.patch, this.scale);
    place(this.anchor, marks.anchor, this.scale);
  }

  /** The pixel of the result under the pointer. @returns {Position} */
  locate(event) {
    const box = this.images.getBoundingClientRect();
    const { x, y, scaleX, scaleY } = this.placement;
    const toIndex = (distance, start, step, length) => clampIndex(Math.floor((distance / this.scale - start) / step), length);
    return [
      toIndex(event.clientX - box.left, x, scaleX, this.after.width),
      toIndex(event.clientY - box.top, y, scaleY, this.after.height),
    ];
  }

  pickByPointer(event, keep) {
    if (this.placement) this.pick(this.locate(event), keep);
  }

  /** @param {Position} at a pixel of the result */
  pick([column, row], keep) {
    const { x, y, scaleX, scaleY } = this.placement;
    this.onPick(x + column * scaleX, y + row * scaleY, keep);
  }

  /** The marked pixel of the result; else the one in the middle. @returns {Position} */
  get at() {
    if (!this.marks) return [this.after.width >> 1, this.after.height >> 1];
    const [left, top] = this.marks.anchor;
    const { x, y, scaleX, scaleY } = this.placement;
    return [Math.round((left - x) / scaleX), Math.round((top - y) / scaleY)];
  }

  pickByKey(event) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction || !this.placement || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [x, y] = this.at;
    const distance = event.shiftKey ? 10 : 1;
    this.pick([clampIndex(x + distance * direction[0], this.after.width), clampIndex(y + distance * direction[1], this.after.height)], true);
    this.anchor.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

const clampIndex = (index, length) => Math.min(Math.max(index, 0), length - 1);

function paint(canvas, pixels) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function place(element, [left, top, width, height], scale) {
  for (const [name, value] of Object.entries({ left, top, width, height })) element.style[name] = `${value * scale}px`;
}
