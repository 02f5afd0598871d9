import { find, make } from "../shared/dom.js";

const INK = "#16202b";
const PAPER = "#ffffff";

/** @typedef {{width: number, points: [number, number][]}} Stroke in pixels of the pad */

/** A sheet to draw on with finger, pen or mouse; an image may lie on it. `change` is told of every change. */
export class Pad {
  constructor(canvas, change) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.change = change;
    this.strokes = [];
    this.image = null;
    this.thickness = 18;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
    this.draw();
  }

  get isEmpty() {
    return !this.strokes.length && !this.image;
  }

  begin(event) {
    if (event.button) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: this.thickness, points: [this.locate(event)] };
    this.strokes.push(this.current);
    this.draw();
    this.change();
  }

  go(event) {
    if (!this.current) return;
    const moved = event.getCoalescedEvents?.() ?? [];
    this.current.points.push(...(moved.length ? moved : [event]).map((one) => this.locate(one)));
    this.draw();
    this.change();
  }

  end() {
    this.current = null;
  }

  locate({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.canvas.width, ((clientY - box.top) / box.height) * this.canvas.height];
  }

  undo() {
    if (this.strokes.length) this.strokes.pop();
    else this.image = null;
    this.draw();
    this.change();
  }

  clear() {
    this.strokes = [];
    this.image = null;
    this.draw();
    this.change();
  }

  /** @param {Stroke[]} strokes */
  setStrokes(strokes) {
    this.image = null;
    this.strokes = strokes;
    this.draw();
    this.change();
  }

  /** Another width keeps what is drawn. */
  setSize(width, height) {
    if (this.canvas.width === width && this.canvas.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.draw();
  }

  /** @param {import("../shared/image.js").Image} image */
  async setImage(image) {
    this.strokes = [];
    this.image = { ...image, bitmap: await createImageBitmap(image.pixels) };
    this.draw();
    this.change();
  }

  /** Where the image lies on the pad: left, top, and pixels of the pad to one of the image. */
  get placement() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.image.pixels.width, height / this.image.pixels.height);
    return { scale, left: (width - this.image.pixels.width * scale) / 2, top: (height - this.image.pixels.height * scale) / 2 };
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

  /** What is to be read, and how its pixels lie on the pad. An image that was not drawn on goes as it is. */
  async export() {
    if (this.image && !this.strokes.length) return { blob: this.image.live, name: this.image.name, ...this.placement };
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
    return { blob, name: "drawing.png", scale: 1, left: 0, top: 0 };
  }
}

/** The buttons around a pad. */
export function drawPadTools(root, pad) {
  const thickness = make("input", { type: "range", id: "thickness", min: 4, max: 48, value: pad.thickness, oninput: () => { pad.thickness = Number(thickness.value); } });
  root.append(
    make("button", { type: "button", id: "undo", onclick: () => pad.undo() }, "Undo"),
    make("button", { type: "button", id: "clear", onclick: () => pad.clear() }, "Clear"),
    make("label", { class: "thickness", for: "thickness" }, "Thickness ", thickness));
  addEventListener("keydown", (event) => {
    const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName) && document.activeElement.type === "text";
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing && !find("#digits-room").hidden) {
      event.preventDefault();
      pad.undo();
    }
  });
}
