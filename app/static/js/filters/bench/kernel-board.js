import { find, make, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";
import { chooseInk, findLargest, readSignedScale, toCss } from "../../shared/signed-colour.js";
import { drawWeightMap } from "../../shared/weight-map.js";
import { isLayer } from "../layer-plan.js";
import { findWinner, nameMap } from "../pixel.js";
import { MAX_EDITABLE_SIDE, formatRows, mirror, normalise, parseNumber, parseRows, resize, rotate, shorten, toRows, transpose } from "../weights.js";
import { dragNumbers } from "./number-drag.js";
import { drawInput, drawTable, showBareValue, showProduct, writeWeight } from "./weight-cells.js";

const SIDES = Array.from({ length: MAX_EDITABLE_SIDE }, (_, index) => index + 1);
const MAX_SIDE_WITH_FACTORS = 4;
const MAX_SIDE_WITH_PRODUCTS = 7;
/** A layer with more inputs, or a larger window, has an image for each input. */
const MAX_TABLES = 4;
const MAX_SIDE_OF_SEVERAL = 5;

/**
 * The kernel as a table of cells in the colours of signed numbers. Weights are typed or dragged. While a pixel is inspected
 * each cell also has the pixel under it and their product. Large kernels and combined ones are only shown.
 */
export class KernelBoard {
  /** @param {HTMLElement} root @param {string} [errorId] of the element that says which weight is invalid */
  constructor(root, errorId = "weights-error") {
    this.root = root;
    this.errorId = errorId;
    /** @type {(parts: string[][][]) => void} */
    this.onChange = () => {};
    /** The weights as typed, of each table. @type {string[][][]} */
    this.parts = [];
    this.shape = "";
    /** The layer on display, if there is one, and the map of its result. */
    this.layer = null;
    this.output = 0;
    this.shownOutput = null;
    /** @type {HTMLTableElement[]} */
    this.tables = [];
    /** @type {HTMLInputElement[]} */
    this.inputs = [];
    /** The weights that were last edited: when they come back they must not change the field being typed into. */
    this.sent = "";
    dragNumbers(root, (input) => this.validate(input));
  }

  /**
   * @param {any} kernel or layer as `GET /kernels/{name}` describes it
   * @param {string|undefined} typed the weights of a custom kernel as text, which keeps fractions
   * @param {{onEditWeights: (weights: string) => void, onEditFilters: (filters: import("../layer-description.js").Filters) => void}} listeners
   *   called when all weights are valid numbers
   */
  show(kernel, typed, { onEditWeights, onEditFilters }) {
    this.layer = isLayer(kernel) ? kernel : null;
    if (this.layer) return this.showLayer(onEditFilters);
    this.onChange = ([rows]) => onEditWeights(formatRows(rows));
    this.onEditWeights = onEditWeights;
    if (kernel.combine === "median") return this.showMessage("The result is the middle of the sorted pixels under the kernel. There are no weights.");
    if (kernel.factors) return this.showMessage(`${kernel.rows} × ${kernel.columns} weights, too many to list: each is a number of a column times one of a row.`);
    const parts = kernel.combine === "single" ? [kernel.weights] : kernel.weights;
    const editable = parts.length === 1 && Math.max(kernel.rows, kernel.columns) <= MAX_EDITABLE_SIDE;
    if (editable) this.showCells([typed ? parseRows(typed) : toRows(kernel.weights)]);
    else if (parts.length > 1) this.showParts(parts, kernel.combine);
    else this.showMap(kernel);
    this.colourCells();
  }

  /** @param {(filters: import("../layer-description.js").Filters) => void} onEditFilters */
  showLayer(onEditFilters) {
    const { kind, step } = this.layer;
    this.shownOutput = null;
    this.onEditFilters = onEditFilters;
    if (!step) return this.showMessage("This layer needs weights.");
    if (step.weights) return this.showOutput(this.output);
    this.clear();
    const [rows, columns] = step.size;
    if (Math.max(rows, columns) > MAX_EDITABLE_SIDE) return this.showMessage(`${describeWindow(kind)} ${rows} × ${columns} pixels.`);
    const table = drawTable(Array.from({ length: rows }, () => Array.from({ length: columns }, () => make("span", { class: "weight" }))));
    table.classList.add("bare");
    this.tables = [table];
    this.root.replaceChildren(make("p", { class: "quiet" }, `${describeWindow(kind)} ${rows === 1 && columns === 1 ? "one pixel" : `${rows} × ${columns} pixels`}.`),
      make("div", { class: "board-room" }, table), drawErrorLine(this.errorId));
  }

  /** The weights of a layer for one map of its result: a table for each map of its input. @param {number} output */
  showOutput(output) {
    this.output = output;
    const { layer } = this;
    if (!layer?.step?.weights || this.shownOutput === output) return;
    const { weights, rectified } = layer.step;
    const filters = weights[Math.min(output, weights.length - 1)];
    const [rows, columns] = layer.step.size;
    const isSmall = filters.length <= MAX_TABLES && Math.max(rows, columns) <= MAX_SIDE_OF_SEVERAL;
    if (!isSmall) this.showFilterMaps(filters);
    else if (rectified) this.showSpans(filters, drawCaptions(filters.length));
    else {
      this.onChange = (parts) => this.onEditFilters(weights.map((one, index) => (index === output ? parts.map((part) => part.map((row) => row.map(parseNumber))) : one)));
      this.showCells(filters.map((rows) => rows.map((row) => row.map((weight) => String(shorten(weight))))), listCaptions(filters.length));
    }
    this.shownOutput = output;
    this.colourCells();
  }

  /** A layer with many inputs or a large window: each table as an image, with its sum below. @param {number[][][]} filters */
  showFilterMaps(filters) {
    this.clear();
    this.root.replaceChildren(make("p", { class: "quiet" }, `${filters.length} maps are combined: the sums below the weights are added.`),
      make("div", { class: "filter-maps" }, ...filters.map((weights, index) => make("figure", {},
        drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": `Weights for map ${index}` }), make("figcaption", {})))));
  }

  /**
   * Replaces the tables only if their shape changes: an edit must not take the focus or the pointer from a cell.
   * @param {string[][][]} parts @param {string[]} [captions] of several tables
   */
  showCells(parts, captions = []) {
    const shape = [...parts.map((rows) => `${rows.length} × ${rows[0].length}`), ...captions].join(" ");
    if (shape === this.shape && formatParts(parts) === this.sent) return;
    this.parts = parts;
    this.sent = "";
    if (shape === this.shape) {
      parts.flat(2).forEach((text, index) => writeWeight(this.inputs[index], text));
      this.clearErrors();
      return;
    }
    this.shape = shape;
    this.tables = parts.map((rows, part) => drawTable(rows.map((row, y) => row.map((text, x) =>
      drawInput(text, `${captions.length > 1 ? `${captions[part]}, ` : ""}row ${y + 1}, column ${x + 1}`, this.errorId, (event) => this.validate(event.target))))));
    this.inputs = this.tables.flatMap((table) => [...table.querySelectorAll("input")]);
    const room = captions.length > 1 ? make("div", { class: "parts" }, ...this.tables.map((table, index) => make("figure", {}, make("figcaption", { "data-name": captions[index] }, captions[index]), table)))
      : make("div", { class: "board-room" }, this.tables[0]);
    this.root.replaceChildren(room, drawErrorLine(this.errorId), ...(this.layer ? [] : [this.drawTools()]));
  }

  /** @param {HTMLInputElement} changed */
  validate(changed) {
    changed.dataset.weight = changed.value.trim();
    const texts = this.inputs.map((input) => input.dataset.weight);
    this.parts = this.parts.map((rows) => rows.map((row) => row.map(() => texts.shift())));
    const invalid = this.inputs.filter((input) => parseNumber(input.dataset.weight) === null);
    this.clearErrors();
    for (const input of invalid) input.setAttribute("aria-invalid", "true");
    if (invalid.length) setText(find(`#${this.errorId}`, this.root), `${invalid[0].getAttribute("aria-label")}: '${invalid[0].dataset.weight}' is not a number. Allowed: 5, -1.5, 1e-3, 1/16.`);
    this.colourCells();
    if (!invalid.length) this.send();
  }

  send() {
    this.sent = formatParts(this.parts);
    this.onChange(this.parts);
  }

  clearErrors() {
    for (const input of this.inputs) input.removeAttribute("aria-invalid");
    setText(find(`#${this.errorId}`, this.root), "");
  }

  drawTools() {
    const replace = (next, message) => {
      if (!next) return setText(find(`#${this.errorId}`, this.root), message);
      this.showCells([next]);
      this.colourCells();
      this.send();
    };
    const [rows, columns] = [this.parts[0].length, this.parts[0][0].length];
    const drawSide = (label, value, apply) => make("label", {}, make("span", { class: "visually-hidden" }, label),
      make("select", { title: label, onchange: (event) => replace(apply(Number(event.target.value))) },
        ...SIDES.map((side) => make("option", { value: side, selected: side === value }, side))));
    const drawTool = (label, apply, message) => make("button", { type: "button", class: "small", onclick: () => replace(apply(this.parts[0]), message) }, label);
    return make("div", { class: "row tools" },
      drawSide("Rows", rows, (side) => resize(this.parts[0], side, this.parts[0][0].length)), "×",
      drawSide("Columns", columns, (side) => resize(this.parts[0], this.parts[0].length, side)),
      drawTool("Transpose", transpose), drawTool("Rotate 90°", rotate), drawTool("Mirror", mirror),
      drawTool("Normalise", normalise, "Cannot normalise: the sum is 0 and no weight is positive."));
  }

  /** The kernels that are combined. Each can be edited as a kernel of its own. */
  showParts(parts, combine) {
    const method = combine === "magnitude" ? "the square root of the sum of their squares" : "the maximum of their results";
    this.showSpans(parts, parts.map((part, index) =>
      make("button", { type: "button", class: "small", onclick: () => this.onEditWeights(formatRows(toRows(part))) }, `Edit kernel ${index + 1}`)));
    this.root.prepend(make("p", { class: "quiet" }, `${parts.length} kernels; the result is ${method}.`));
  }

  /** Weights that are only shown. @param {number[][][]} parts @param {(HTMLElement|null)[]} notes one below each table */
  showSpans(parts, notes) {
    this.clear();
    this.tables = parts.map((part) => drawTable(part.map((row) => row.map((weight) => make("span", { class: "weight", "data-weight": weight }, formatNumber(weight, 3))))));
    this.root.replaceChildren(
      make("div", { class: parts.length > 4 ? "parts many" : "parts" }, ...this.tables.map((table, index) => make("figure", {}, table, notes[index]))),
      drawErrorLine(this.errorId));
  }

  showMap({ rows, columns, weights }) {
    this.clear();
    this.root.replaceChildren(
      drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": "The weights as an image" }),
      make("p", { class: "quiet" }, `${rows} × ${columns} weights, too many to edit (at most ${MAX_EDITABLE_SIDE} × ${MAX_EDITABLE_SIDE}).`),
      drawErrorLine(this.errorId));
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
    const largest = findLargest([...this.root.querySelectorAll("[data-weight]")].map((cell) => parseNumber(cell.dataset.weight) ?? 0));
    for (const table of this.tables) {
      const cells = [...table.querySelectorAll("td")];
      if (table.classList.contains("bare")) continue;
      const weights = cells.map((cell) => parseNumber(cell.firstChild.dataset.weight) ?? 0);
      cells.forEach((cell, index) => {
        const colour = scale(weights[index] / largest);
        cell.style.backgroundColor = toCss(colour);
        cell.style.color = chooseInk(colour);
      });
    }
  }

  /**
   * Writes the pixel under each weight and the product into the cells.
   * @param {import("../pixel.js").Computation|null} computation null clears them @param {number} [share] of the products to light, 0 to 1
   */
  showProducts(computation, share = 1) {
    const winner = computation && share === 1 ? findWinner(computation) : undefined;
    // The sums of a layer are added one after the other; kernels that are combined are filtered side by side.
    const sizes = this.tables.map((table) => table.querySelectorAll("td").length);
    const lit = this.layer ? Math.ceil(share * sizes.reduce((sum, size) => sum + size, 0)) : 0;
    let before = 0;
    this.tables.forEach((table, part) => {
      const cells = table.querySelectorAll("td");
      const shown = computation?.taps[part]?.flat() ?? [];
      const count = this.layer ? lit - before : Math.ceil(share * cells.length);
      const side = Math.max(table.rows.length, table.rows[0].cells.length);
      cells.forEach((cell, index) => {
        const tap = cells.length === shown.length && index < count && side <= MAX_SIDE_WITH_PRODUCTS ? shown[index] : null;
        if (table.classList.contains("bare")) showBareValue(cell, tap);
        else showProduct(cell, tap, side <= MAX_SIDE_WITH_FACTORS && this.tables.length === 1);
        cell.classList.toggle("lit", (share < 1 && index === count - 1) || (winner !== undefined && shown[index] === winner));
      });
      before += cells.length;
    });
    [...this.root.querySelectorAll("figcaption")].forEach((caption, part) => {
      const sum = computation && share === 1 && (this.layer?.step.weights[0].length ?? 1) > 1 ? formatNumber(computation.sums[part], 1) : "";
      setText(caption, [caption.dataset.name, sum].filter(Boolean).join(": "));
    });
  }
}

/** What the window of a layer without weights does. */
const describeWindow = (kind) => ({
  relu: "Negative values become 0, the others stay. The window is", "max-pool": "The result is the largest pixel in a window of",
  "min-pool": "The result is the smallest pixel in a window of", "average-pool": "The result is the average of the pixels in a window of",
})[kind];

/** @param {number} count of the inputs */
const listCaptions = (count) => Array.from({ length: count }, (_, map) => (count === 4 && map === 3 ? "alpha" : nameMap(map, count === 4 ? 3 : count)));

const drawCaptions = (count) => listCaptions(count).map((name) => (count > 1 ? make("figcaption", { "data-name": name }, name) : null));

const drawErrorLine = (id) => make("p", { class: "field-error", id, role: "alert" });

/** The numbers of weights, however they are written. @param {string[][][]} parts */
const formatParts = (parts) => JSON.stringify(parts.map((rows) => rows.map((row) => row.map((text) => parseNumber(text)?.toPrecision(12)))));
