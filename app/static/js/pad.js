import { find, make } from "./dom.js";

const INK = "#16202b";
const PAPER = "#ffffff";

/** @typedef {{width: number, points: [number, number][]}} Stroke in pixels of the pad */

/** A sheet to draw on with finger, pen or mouse; a picture may lie on it. `change` is told of every change. */
export class Pad {
  constructor(canvas, change) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.change = change;
    this.strokes = [];
    this.picture = null;
    this.thickness = 18;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
    this.draw();
  }

  get isEmpty() {
    return !this.strokes.length && !this.picture;
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
    else this.picture = null;
    this.draw();
    this.change();
  }

  clear() {
    this.strokes = [];
    this.picture = null;
    this.draw();
    this.change();
  }

  /** @param {Stroke[]} strokes */
  setStrokes(strokes) {
    this.picture = null;
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

  /** @param {import("./picture.js").Picture} picture */
  async setPicture(picture) {
    this.strokes = [];
    this.picture = { ...picture, bitmap: await createImageBitmap(picture.pixels) };
    this.draw();
    this.change();
  }

  /** Where the picture lies on the pad: left, top, and pixels of the pad to one of the picture. */
  get placement() {
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.picture.pixels.width, height / this.picture.pixels.height);
    return { scale, left: (width - this.picture.pixels.width * scale) / 2, top: (height - this.picture.pixels.height * scale) / 2 };
  }

  draw() {
    const { context, canvas } = this;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.picture) {
      const { left, top, scale } = this.placement;
      context.imageSmoothingEnabled = scale < 1;
      context.drawImage(this.picture.bitmap, left, top, this.picture.pixels.width * scale, this.picture.pixels.height * scale);
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

  /** What is to be read, and how its pixels lie on the pad. A picture that was not drawn on goes as it is. */
  async export() {
    if (this.picture && !this.strokes.length) return { blob: this.picture.live, name: this.picture.name, ...this.placement };
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
