import { make } from "../shared/dom.js";

const INK = "#16202b";
const PAPER = "#ffffff";
const DEFAULT_THICKNESS = 18;

/**
 * @typedef {{width: number, points: [number, number][]}} Stroke in pixels of the pad
 * @typedef {{scale: number, left: number, top: number}} Placement of an image: its corner, and pixels of the pad to one pixel
 *   of the image
 * @typedef {{blob: Blob, name: string} & Placement} Drawing a file to send and its place on the pad
 */

/** A canvas to draw on with finger, pen or mouse, over an image or a blank page. */
export class DrawPad {
  /** @param {HTMLCanvasElement} canvas @param {() => void} onChange */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.onChange = onChange;
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke|null} */
    this.current = null;
    /** @type {(import("../shared/image.js").Image & {bitmap: ImageBitmap})|null} */
    this.image = null;
    this.thickness = DEFAULT_THICKNESS;
    canvas.addEventListener("pointerdown", (event) => this.beginStroke(event));
    canvas.addEventListener("pointermove", (event) => this.extendStroke(event));
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => { this.current = null; });
    this.draw();
  }

  get isEmpty() {
    return !this.strokes.length && !this.image;
  }

  beginStroke(event) {
    if (event.button) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: this.thickness, points: [this.locate(event)] };
    this.strokes.push(this.current);
    this.redraw();
  }

  extendStroke(event) {
    if (!this.current) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    this.current.points.push(...(coalesced.length ? coalesced : [event]).map((one) => this.locate(one)));
    this.redraw();
  }

  /** @returns {[number, number]} */
  locate({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.canvas.width, ((clientY - box.top) / box.height) * this.canvas.height];
  }

  undo() {
    if (this.strokes.length) this.strokes.pop();
    else this.image = null;
    this.redraw();
  }

  clear() {
    this.strokes = [];
    this.image = null;
    this.redraw();
  }

  /** @param {Stroke[]} strokes */
  setStrokes(strokes) {
    this.image = null;
    this.strokes = strokes;
    this.redraw();
  }

  /** Resizes the pad and keeps the drawing. */
  setSize(width, height) {
    if (this.canvas.width === width && this.canvas.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.draw();
  }

  /** @param {import("../shared/image.js").Image} image */
  async setImage(image) {
    this.strokes = [];
    this.image = { ...image, bitmap: await createImageBitmap(image.pixels) };
    this.redraw();
  }

  /** @returns {Placement} */
  get placement() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.image.pixels.width, height / this.image.pixels.height);
    return { scale, left: (width - this.image.pixels.width * scale) / 2, top: (height - this.image.pixels.height * scale) / 2 };
  }

  redraw() {
    this.draw();
    this.onChange();
  }

  draw() {
    const { context, canvas } = this;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.image) {
      const { left, top, scale } = this.placement;
      context.imageSmoothingEnabled = scale < 1;
      context.drawImage(this.image.bitmap, left, top, this.image.pixels.width * scale, this.image.pixels.height * scale);
    }
    Object.assign(context, { strokeStyle: INK, lineCap: "round", lineJoin: "round" });
    for (const { width, points } of this.strokes) {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.slice(points.length > 1 ? 1 : 0)) context.lineTo(...point);
      context.stroke();
    }
  }

  /** The drawing as PNG. An image without strokes is exported unchanged. @returns {Promise<Drawing>} */
  async export() {
    if (this.image && !this.strokes.length) return { blob: this.image.preview, name: this.image.name, ...this.placement };
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
    return { blob, name: "drawing.png", scale: 1, left: 0, top: 0 };
  }
}

/** Undo, clear and stroke thickness. @param {HTMLElement} root @param {DrawPad} pad @param {() => boolean} isVisible */
export function drawPadTools(root, pad, isVisible) {
  const thickness = make("input", { type: "range", id: "thickness", min: 4, max: 48, value: pad.thickness, oninput: () => { pad.thickness = Number(thickness.value); } });
  root.append(
    make("button", { type: "button", id: "undo", onclick: () => pad.undo() }, "Undo"),
    make("button", { type: "button", id: "clear", onclick: () => pad.clear() }, "Clear"),
    make("label", { class: "thickness", for: "thickness" }, "Thickness ", thickness));
  addEventListener("keydown", (event) => {
    const focused = /** @type {HTMLInputElement|null} */ (document.activeElement);
    const typing = focused?.type === "text";
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing && isVisible()) {
      event.preventDefault();
      pad.undo();
    }
  });
}
