import { make } from "../../shared/dom.js";
import { chooseInk, toCss } from "../../shared/signed-colour.js";

const MAX_PIXEL_RATIO = 2;
const MIN_CELL_WITH_NUMBER = 19;
const HATCH_STEP = 6;

/**
 * Magnified pixels with their values, a frame that slides over them, and a mark on one of them.
 *
 * @typedef {{colour: import("../../shared/signed-colour.js").Colour, text: string, outside?: boolean, opacity?: number}} Cell
 *   `outside`: padding, which is hatched
 * @typedef {(column: number, row: number) => Cell|null} ReadCell null: nothing there (yet)
 */
export class Loupe {
  /**
   * @param {HTMLElement} root @param {string} label
   * @param {(column: number, row: number, keep: boolean) => void} onPick `keep` for a click
   */
  constructor(root, label, onPick) {
    this.root = root;
    this.canvas = make("canvas", { class: "cells", width: 0, height: 0 });
    this.frame = make("div", { class: "slide cover", hidden: true });
    this.spot = make("div", { class: "slide spot", hidden: true });
    this.plate = make("div", { class: "plate" }, this.canvas, this.frame, this.spot);
    this.cell = 1;
    root.append(this.plate);
    for (const [name, value] of Object.entries({ tabindex: "0", role: "application", "aria-roledescription": "magnified image", "aria-label": label })) root.setAttribute(name, value);
    const pick = (event, keep) => {
      const box = this.canvas.getBoundingClientRect();
      onPick(Math.floor((event.clientX - box.left) / this.cell), Math.floor((event.clientY - box.top) / this.cell), keep);
    };
    this.plate.addEventListener("pointermove", (event) => event.pointerType === "mouse" && pick(event, false));
    this.plate.addEventListener("click", (event) => pick(event, true));
  }

  /** The room for the cells, in CSS pixels; 0 while hidden. */
  get roomSide() {
    const room = this.root.parentElement;
    return Math.min(room.clientWidth, room.clientHeight);
  }

  /** @param {number} columns @param {number} rows @param {number} cell side of a cell in CSS pixels @param {ReadCell} read */
  draw(columns, rows, cell, read) {
    const ratio = Math.min(devicePixelRatio || 1, MAX_PIXEL_RATIO);
    this.cell = cell;
    this.read = read;
    this.canvas.width = columns * cell * ratio;
    this.canvas.height = rows * cell * ratio;
    this.plate.style.width = `${columns * cell}px`;
    this.plate.style.height = `${rows * cell}px`;
    this.context = this.canvas.getContext("2d");
    this.context.scale(ratio, ratio);
    this.context.textAlign = "center";
    this.context.textBaseline = "middle";
    this.context.font = `${Math.min(Math.round(cell * 0.4), 18)}px system-ui, "DejaVu Sans", sans-serif`;
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) this.drawCell(column, row);
  }

  clear() {
    this.canvas.width = this.canvas.height = 0;
    this.moveFrame(null);
    this.moveSpot(null);
  }

  drawCell(column, row) {
    const { cell, context } = this;
    const [x, y] = [column * cell, row * cell];
    const gap = cell >= 8 ? 1 : 0;
    const shown = this.read(column, row);
    context.clearRect(x, y, cell, cell);
    if (!shown) return;
    context.globalAlpha = shown.opacity ?? 1;
    context.fillStyle = toCss(shown.colour);
    context.fillRect(x, y, cell - gap, cell - gap);
    context.globalAlpha = 1;
    const ink = chooseInk(shown.colour);
    if (shown.outside) this.hatch(x, y, cell - gap, ink);
    if (cell < MIN_CELL_WITH_NUMBER) return;
    context.fillStyle = ink;
    context.fillText(shown.text, x + (cell - gap) / 2, y + cell / 2, cell - 3);
  }

  hatch(x, y, side, ink) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, side, side);
    context.clip();
    context.strokeStyle = ink;
    context.globalAlpha = 0.35;
    context.beginPath();
    for (let offset = -side; offset < side; offset += HATCH_STEP) {
      context.moveTo(x + offset, y + side);
      context.lineTo(x + offset + side, y);
    }
    context.stroke();
    context.restore();
  }

  /** @param {[number, number, number, number]|null} box column, row, width, height of the frame, in cells */
  moveFrame(box) {
    move(this.frame, box, this.cell);
  }

  /** @param {[number, number]|null} at the column and row that are marked */
  moveSpot(at) {
    move(this.spot, at && [...at, 1, 1], this.cell);
  }
}

function move(element, box, cell) {
  element.hidden = !box;
  if (!box) return;
  const [column, row, width, height] = box;
  element.style.transform = `translate(${column * cell}px, ${row * cell}px)`;
  element.style.width = `${width * cell - 1}px`;
  element.style.height = `${height * cell - 1}px`;
}
