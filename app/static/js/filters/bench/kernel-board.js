import { find, make, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";
import { chooseInk, findLargest, readSignedScale, toCss } from "../../shared/signed-colour.js";
import { drawWeightMap } from "../../shared/weight-map.js";
import { MAX_EDITABLE_SIDE, formatRows, mirror, normalise, parseNumber, parseRows, resize, rotate, toRows, transpose } from "../weights.js";
import { dragNumbers } from "./number-drag.js";

const SIDES = Array.from({ length: MAX_EDITABLE_SIDE }, (_, index) => index + 1);
const MAX_SIDE_WITH_FACTORS = 4;
const MAX_SIDE_WITH_PRODUCTS = 7;
const MAX_SHOWN_CHARACTERS = 5;

/**
 * The kernel as a table of cells in the colours of signed numbers. Weights are typed or dragged. While a pixel is inspected
 * each cell also has the pixel under it and their product. Large kernels and combined ones are only shown.
 */
export class KernelBoard {
  /** @param {HTMLElement} root @param {string} [errorId] of the element that says which weight is invalid */
  constructor(root, errorId = "weights-error") {
    this.root = root;
    this.errorId = errorId;
    this.onChange = (weights) => {};
    /** @type {string[][]} the weights as typed */
    this.cells = [];
    this.shape = "";
    /** @type {HTMLTableElement[]} */
    this.tables = [];
    /** @type {HTMLInputElement[]} */
    this.inputs = [];
    /** The weights that were last edited: when they come back they must not change the field being typed into. */
    this.sent = "";
    dragNumbers(root, (input) => this.validate(input));
  }

  /**
   * @param {any} kernel as `GET /kernels/{name}` describes it
   * @param {string|undefined} typed the weights of a custom kernel as text, which keeps fractions
   * @param {(weights: string) => void} onChange called when all weights are valid numbers
   */
  show(kernel, typed, onChange) {
    this.onChange = onChange;
    if (kernel.combine === "median") return this.showMessage("The result is the middle of the sorted pixels under the kernel. There are no weights.");
    if (kernel.factors) return this.showMessage(`${kernel.rows} × ${kernel.columns} weights, too many to list: each is a number of a column times one of a row.`);
    const parts = kernel.combine === "single" ? [kernel.weights] : kernel.weights;
    const editable = parts.length === 1 && Math.max(kernel.rows, kernel.columns) <= MAX_EDITABLE_SIDE;
    if (editable) this.showCells(typed ? parseRows(typed) : toRows(kernel.weights));
    else if (parts.length > 1) this.showParts(parts, kernel.combine);
    else this.showMap(kernel);
    this.colourCells();
  }

  /** Replaces the table only if its shape changes: an edit must not take the focus or the pointer from a cell. */
  showCells(cells) {
    const shape = `${cells.length} × ${cells[0].length}`;
    if (shape === this.shape && formatRows(cells) === this.sent) return;
    this.cells = cells;
    this.sent = "";
    if (shape === this.shape) {
      cells.flat().forEach((text, index) => writeWeight(this.inputs[index], text));
      this.clearErrors();
      return;
    }
    this.shape = shape;
    const table = drawTable(cells.map((row, y) => row.map((text, x) => drawInput(text, y, x, this.errorId, (event) => this.validate(event.target)))));
    this.tables = [table];
    this.inputs = [...table.querySelectorAll("input")];
    this.root.replaceChildren(make("div", { class: "board-room" }, table),
      make("p", { class: "field-error", id: this.errorId, role: "alert" }), this.drawTools());
  }

  /** @param {HTMLInputElement} changed */
  validate(changed) {
    const index = this.inputs.indexOf(changed);
    const columns = this.cells[0].length;
    changed.dataset.weight = changed.value.trim();
    this.cells = this.cells.map((row, y) => row.map((text, x) => (y * columns + x === index ? changed.dataset.weight : text)));
    const invalid = this.inputs.filter((input) => parseNumber(input.dataset.weight) === null);
    this.clearErrors();
    for (const input of invalid) input.setAttribute("aria-invalid", "true");
    if (invalid.length) setText(find(`#${this.errorId}`, this.root), `${invalid[0].getAttribute("aria-label")}: '${invalid[0].dataset.weight}' is not a number. Allowed: 5, -1.5, 1e-3, 1/16.`);
    this.colourCells();
    if (!invalid.length) this.send();
  }

  send() {
    this.sent = formatRows(this.cells);
    this.onChange(this.sent);
  }

  clearErrors() {
    for (const input of this.inputs) input.removeAttribute("aria-invalid");
    setText(find(`#${this.errorId}`, this.root), "");
  }

  drawTools() {
    const replace = (next, message) => {
      if (!next) return setText(find(`#${this.errorId}`, this.root), message);
      this.showCells(next);
      this.colourCells();
      this.send();
    };
    const [rows, columns] = [this.cells.length, this.cells[0].length];
    const drawSide = (label, value, apply) => make("label", {}, make("span", { class: "visually-hidden" }, label),
      make("select", { title: label, onchange: (event) => replace(apply(Number(event.target.value))) },
        ...SIDES.map((side) => make("option", { value: side, selected: side === value }, side))));
    const drawTool = (label, apply, message) => make("button", { type: "button", class: "small", onclick: () => replace(apply(this.cells), message) }, label);
    return make("div", { class: "row tools" },
      drawSide("Rows", rows, (side) => resize(this.cells, side, this.cells[0].length)), "×",
      drawSide("Columns", columns, (side) => resize(this.cells, this.cells.length, side)),
      drawTool("Transpose", transpose), drawTool("Rotate 90°", rotate), drawTool("Mirror", mirror),
      drawTool("Normalise", normalise, "Cannot normalise: the sum is 0 and no weight is positive."));
  }

  /** The kernels that are combined. Each can be edited as a kernel of its own. */
  showParts(parts, combine) {
    this.shape = "";
    this.inputs = [];
    this.tables = parts.map((part) => drawTable(part.map((row) => row.map((weight) => make("span", { class: "weight", "data-weight": weight }, formatNumber(weight, 3))))));
    const method = combine === "magnitude" ? "the square root of the sum of their squares" : "the maximum of their results";
    this.root.replaceChildren(make("p", { class: "quiet" }, `${parts.length} kernels; the result is ${method}.`),
      make("div", { class: parts.length > 4 ? "parts many" : "parts" }, ...parts.map((part, index) => make("figure", {}, this.tables[index],
        make("button", { type: "button", class: "small", onclick: () => this.onChange(formatRows(toRows(part))) }, `Edit kernel ${index + 1}`)))),
      make("p", { class: "field-error", id: this.errorId }));
  }

  showMap({ rows, columns, weights }) {
    this.shape = "";
    this.tables = [];
    this.inputs = [];
    this.root.replaceChildren(
      drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": "The weights as an image" }),
      make("p", { class: "quiet" }, `${rows} × ${columns} weights, too many to edit (at most ${MAX_EDITABLE_SIDE} × ${MAX_EDITABLE_SIDE}).`),
      make("p", { class: "field-error", id: this.errorId }));
  }

  /** @param {string} text why there are no weights */
  showMessage(text) {
    this.clear();
    this.root.replaceChildren(make("p", { class: "quiet" }, text));
  }

  clear() {
    this.shape = this.sent = "";
    this.tables = [];
    this.inputs = [];
    this.root.replaceChildren();
  }

  colourCells() {
    const scale = readSignedScale();
    for (const table of this.tables) {
      const cells = [...table.querySelectorAll("td")];
      const weights = cells.map((cell) => parseNumber(cell.firstChild.dataset.weight) ?? 0);
      const largest = findLargest(weights);
      cells.forEach((cell, index) => {
        const colour = scale(weights[index] / largest);
        cell.style.backgroundColor = toCss(colour);
        cell.style.color = chooseInk(colour);
      });
    }
  }

  /**
   * Writes the pixel under each weight and the product into the cells.
   * @param {import("../pixel.js").Tap[][][]|null} taps null clears them @param {number} [share] of the products to light, 0 to 1
   */
  showProducts(taps, share = 1) {
    this.tables.forEach((table, part) => {
      const cells = table.querySelectorAll("td");
      const shown = taps?.[part]?.flat() ?? [];
      const count = Math.ceil(share * cells.length);
      const side = Math.max(table.rows.length, table.rows[0].cells.length);
      cells.forEach((cell, index) => {
        const tap = cells.length === shown.length && index < count && side <= MAX_SIDE_WITH_PRODUCTS ? shown[index] : null;
        const factor = tap && side <= MAX_SIDE_WITH_FACTORS && this.tables.length === 1 ? `× ${formatNumber(tap.value, 1)}` : "";
        setText(cell.children[1], factor);
        setText(cell.children[2], tap ? `${factor && "= "}${formatNumber(tap.product, 1)}` : "");
        cell.classList.toggle("lit", share < 1 && index === count - 1);
      });
    });
  }
}

/** @param {HTMLElement[][]} contents */
function drawTable(contents) {
  const side = Math.max(contents.length, contents[0].length);
  const drawCell = (content) => make("td", {}, content, make("span", { class: "factor" }), make("span", { class: "product" }));
  return make("table", { class: `weights side-${Math.min(side, MAX_EDITABLE_SIDE)}` },
    make("tbody", {}, ...contents.map((row) => make("tr", {}, ...row.map(drawCell)))));
}

function drawInput(text, y, x, errorId, oninput) {
  const input = make("input", {
    "aria-label": `row ${y + 1}, column ${x + 1}`, "aria-describedby": errorId, spellcheck: "false", autocomplete: "off",
    oninput, onkeydown: moveByKey, onfocus: () => { input.value = input.dataset.weight; }, onblur: () => writeWeight(input, input.dataset.weight),
  });
  writeWeight(input, text);
  return input;
}

/** A weight with many digits is shown rounded, until its cell has the focus. @param {HTMLInputElement} input @param {string} text */
function writeWeight(input, text) {
  input.dataset.weight = text;
  const number = parseNumber(text);
  const long = text.length > MAX_SHOWN_CHARACTERS && !text.includes("/") && number !== null;
  input.value = long && document.activeElement !== input ? String(Number(number.toFixed(3))) : text;
  input.title = long ? text : "";
}

/** Moves between rows with the arrow keys and Enter, as in a spreadsheet. */
function moveByKey(event) {
  const rows = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (!rows) return;
  event.preventDefault();
  const cell = event.target.closest("td");
  const row = cell.closest("table").rows[cell.parentElement.rowIndex + rows];
  row?.cells[cell.cellIndex].firstChild.focus();
}
