import { encodePng } from "../shared/png.js";

const INK = "#16202b";
const PAPER = "#ffffff";
const DEFAULT_THICKNESS = 18;
const MAX_UNDO_STEPS = 200;

/**
 * @typedef {{width: number, points: [number, number][]}} Stroke in pixels of the pad
 * @typedef {import("../shared/image.js").Image & {bitmap: ImageBitmap}} PadImage
 * @typedef {{strokes: Stroke[], image: PadImage|null}} Content of the pad: strokes over an image or a blank page
 * @typedef {import("../network/importance-map.js").Placement} Placement
 * @typedef {{blob: Blob, name: string} & Placement} Drawing a file to send and its place on the pad
 */

/** A canvas to draw on with finger, pen or mouse, over an image or a blank page. Every change can be undone. */
export class DrawPad {
  /** @param {HTMLCanvasElement} canvas @param {Stroke[]} strokes to begin with @param {() => void} onChange */
  constructor(canvas, strokes, onChange) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.onChange = onChange;
    /** @type {Content} */
    this.content = { strokes, image: null };
    /** The last frame of a camera. @type {Content|null} */
    this.frame = null;
    /** @type {Content[]} */
    this.past = [];
    /** @type {Content[]} */
    this.future = [];
    /** @type {Stroke|null} */
    this.current = null;
    /** The pointer that draws. Others, such as a resting palm, draw nothing. @type {number|null} */
    this.pointer = null;
    this.thickness = DEFAULT_THICKNESS;
    canvas.addEventListener("pointerdown", (event) => this.beginStroke(event));
    canvas.addEventListener("pointermove", (event) => this.extendStroke(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(type, (event) => {
        if (/** @type {PointerEvent} */ (event).pointerId === this.pointer) this.pointer = this.current = null;
      });
    }
    this.draw();
  }

  get strokes() {
    return this.content.strokes;
  }

  get image() {
    return this.content.image;
  }

  get isEmpty() {
    return !this.strokes.length && !this.image;
  }

  beginStroke(event) {
    if (event.button || this.pointer !== null) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: this.thickness, points: [this.locate(event)] };
    this.change({ ...this.content, strokes: [...this.strokes, this.current] });
  }

  extendStroke(event) {
    if (event.pointerId !== this.pointer) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    this.current.points.push(...(coalesced.length ? coalesced : [event]).map((one) => this.locate(one)));
    this.redraw();
  }

  /** @returns {[number, number]} */
  locate({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.canvas.width, ((clientY - box.top) / box.height) * this.canvas.height];
  }

  /** @param {Content} content */
  change(content) {
    this.past = [...this.past, this.content].slice(-MAX_UNDO_STEPS);
    this.future = [];
    this.content = content;
    this.redraw();
  }

  undo() {
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  /** @param {Content[]} from @param {Content[]} to */
  step(from, to) {
    if (!from.length || this.current) return;
    to.push(this.content);
    this.content = from.pop();
    this.redraw();
  }

  clear() {
    if (!this.isEmpty) this.change({ strokes: [], image: null });
  }

  /** @param {Stroke[]} strokes */
  setStrokes(strokes) {
    this.change({ strokes, image: null });
  }

  /** @param {import("../shared/image.js").Image} image */
  async setImage(image) {
    this.change({ strokes: [], image: { ...image, bitmap: await createImageBitmap(image.pixels) } });
  }

  /** Shows a frame of a camera. Undo returns to what was there before the first frame. @param {import("../shared/image.js").Image} image */
  async setFrame(image) {
    const frame = { strokes: [], image: { ...image, bitmap: await createImageBitmap(image.pixels) } };
    if (this.content === this.frame) this.content = this.past.pop();
    this.change((this.frame = frame));
  }

  /** Resizes the pad and keeps the drawing. */
  setSize(width, height) {
    if (this.canvas.width === width && this.canvas.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.draw();
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

  /**
   * The drawing as PNG. An image without strokes is exported unchanged. Not with `canvas.toBlob`, which waits until the
   * browser is idle: up to a second while somebody draws.
   * @returns {Promise<Drawing>}
   */
  async export() {
    if (this.image && !this.strokes.length) return { blob: this.image.preview, name: this.image.name, ...this.placement };
    const pixels = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    return { blob: await encodePng(pixels, false), name: "drawing.png", scale: 1, left: 0, top: 0 };
  }
}
