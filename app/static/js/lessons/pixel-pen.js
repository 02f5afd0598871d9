/** Changes single pixels of a small image on the pad: a click or the space bar turns ink on and off. */

import { WHITE } from "../filters/colour.js";
import { make, setText } from "../shared/dom.js";
import { openImage } from "../shared/image.js";
import { encodePng } from "../shared/png.js";
import { countChangedPixels, haveOneSize, parseDrawing } from "./drawing.js";
import { keepDrawing, loadDrawing } from "./kept-drawing.js";

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Puts the drawing of a lesson on the pad, with the changes of the learner.
 * @param {import("../digits/draw-pad.js").DrawPad} pad @param {string} lesson its name @param {string} drawing
 * @param {boolean} anew without the changes
 * @returns {() => void} takes the pen away
 */
export function attachPixelPen(pad, lesson, drawing, anew) {
  const pen = new PixelPen(pad, lesson, parseDrawing(drawing));
  const field = anew ? pen.original : loadDrawing(lesson, pen.original);
  if (!pen.isOnField || countChangedPixels(pad.image.pixels, field)) pen.write(field);
  return () => pen.detach();
}

class PixelPen {
  /** @param {import("../digits/draw-pad.js").DrawPad} pad @param {string} lesson @param {ImageData} original */
  constructor(pad, lesson, original) {
    this.pad = pad;
    this.lesson = lesson;
    this.original = original;
    this.paper = pad.canvas.parentElement;
    this.at = [original.width >> 1, original.height >> 1];
    this.isDown = false;
    this.writing = Promise.resolve();
    this.unwritten = 0;
    this.cursor = make("span", { class: "pixel-cursor", "aria-hidden": "true" });
    this.count = make("p", { class: "quiet", id: "changed-pixels", role: "status" });
    /** For screen readers: where the keyboard has moved the pen, and what is there. */
    this.place = make("p", { class: "visually-hidden", id: "pixel-place", role: "status" });
    this.listening = new AbortController();
    const { signal } = this.listening;
    const take = (event) => event.target === pad.canvas && this.isOnField && this.takePointer(event);
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) this.paper.addEventListener(type, take, { capture: true, signal });
    pad.canvas.addEventListener("keydown", (event) => this.isOnField && this.takeKey(event), { signal });
    pad.canvas.tabIndex = 0;
    this.attributes = ["role", "aria-label"].map((name) => [name, pad.canvas.getAttribute(name)]);
    pad.canvas.setAttribute("role", "application");
    pad.canvas.setAttribute("aria-label", "A digit of 28 by 28 pixels. The arrow keys move the pen, the space bar changes a pixel.");
    this.paper.append(this.cursor);
    this.paper.after(this.count, this.place);
    this.onChange = pad.onChange;
    pad.onChange = () => {
      this.onChange();
      if (this.isOnField) keepDrawing(lesson, pad.image.pixels);
      this.showCount();
    };
    this.drawCursor();
    this.showCount();
  }

  /** Whether the pad has the lesson's field, and no strokes over it. */
  get isOnField() {
    return !this.pad.strokes.length && haveOneSize(this.pad.image?.pixels ?? null, this.original);
  }

  takePointer(event) {
    event.stopPropagation();
    if (event.type === "pointerdown" && !event.button) {
      event.preventDefault();
      this.pad.canvas.focus({ preventScroll: true });
      this.isDown = true;
      this.takeField();
      this.move(this.locate(event));
      this.ink = this.read() < WHITE / 2 ? WHITE : 0;
      this.paint();
    } else if (event.type === "pointermove" && this.isDown && event.buttons) {
      this.move(this.locate(event));
      this.paint();
    } else if (event.type !== "pointermove") {
      this.isDown = false;
    }
  }

  /** @param {KeyboardEvent} event */
  takeKey(event) {
    const by = MOVES[event.key];
    if (!by && event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    this.takeField();
    if (by) {
      this.move([this.at[0] + by[0], this.at[1] + by[1]]);
    } else {
      this.ink = this.read() < WHITE / 2 ? WHITE : 0;
      this.paint();
    }
    setText(this.place, `x ${this.at[0]}, y ${this.at[1]}: ${this.read() < WHITE / 2 ? "no ink" : "ink"}`);
  }

  locate(event) {
    const [x, y] = this.pad.locate(event);
    const { scale, left, top } = this.pad.placement;
    return [Math.floor((x - left) / scale), Math.floor((y - top) / scale)];
  }

  move([x, y]) {
    const { width, height } = this.original;
    this.at = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
    this.drawCursor();
  }

  get index() {
    return 4 * (this.at[1] * this.original.width + this.at[0]);
  }

  read() {
    return this.field.data[this.index];
  }

  paint() {
    if (this.read() === this.ink) return;
    const { width, height, data } = this.field;
    const field = new ImageData(new Uint8ClampedArray(data), width, height);
    field.data.set([this.ink, this.ink, this.ink, WHITE], this.index);
    this.write(field);
  }

  /** Puts a field on the pad, after those before it. A failure does not affect the next ones. @param {ImageData} field */
  write(field) {
    this.field = field;
    this.unwritten++;
    this.writing = this.writing.then(() => this.put(field)).catch((error) => {
      setText(this.count, `The drawing could not be put on the pad: ${error.message}`);
    }).finally(() => { this.unwritten--; });
  }

  /** Begins with what the pad shows, or will show when the changes under way are written. */
  takeField() {
    if (!this.unwritten) this.field = this.pad.image.pixels;
  }

  /** @param {ImageData} field */
  async put(field) {
    await this.pad.setImage(await openImage(await encodePng(field, false), "digit.png"));
  }

  drawCursor() {
    const { width, height } = this.original;
    Object.assign(this.cursor.style, {
      left: `${(100 * this.at[0]) / width}%`, top: `${(100 * this.at[1]) / height}%`, width: `${100 / width}%`, height: `${100 / height}%`,
    });
  }

  showCount() {
    this.cursor.hidden = !this.isOnField;
    setText(this.count, this.isOnField ? `Click a pixel to change it. Changed pixels: ${countChangedPixels(this.pad.image.pixels, this.original)}.` : "");
  }

  detach() {
    this.listening.abort();
    this.cursor.remove();
    this.count.remove();
    this.place.remove();
    this.pad.onChange = this.onChange;
    for (const [name, value] of this.attributes) this.pad.canvas.setAttribute(name, value);
    this.pad.canvas.removeAttribute("tabindex");
  }
}
