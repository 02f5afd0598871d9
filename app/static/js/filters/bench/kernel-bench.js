import { find, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";
import { findWinner, hasNoWeights } from "../pixel.js";
import { Loupe } from "./loupe.js";
import { drawMapChoice } from "./map-choice.js";
import { Overview } from "./overview.js";
import { StepValues } from "./step-values.js";
import { drawSumSteps, showSumMessage } from "./sum-steps.js";
import { chooseSide, followPixel, listResults, placeWindow } from "./window.js";

const OUTSIDE = {
  edge: "the nearest pixel", zero: "0", reflect: "the pixels mirrored at the edge pixel", symmetric: "the pixels mirrored at the edge",
  wrap: "the pixels of the other side", valid: "nothing: no result there", none: "nothing: these pixels do not count",
};
const NARROW = matchMedia("(max-width: 60rem)");
/** Products in a window that the page computes for one drawing; beyond it shows the service's pixels. */
const MAX_PRODUCTS = 80_000;

/**
 * The input and the result of one step, magnified, around the inspected pixel. `sweep` is the number of the last painted
 * pixel while the animation runs, null if all are painted.
 *
 * @typedef {Omit<import("../pixel-inspector.js").InspectedResult, "pixels"> & {pixels: ImageData|null,
 *   values: import("../maps.js").Maps|null}} Subject `values` takes the place of `pixels` if the maps are no image
 * @typedef {{source: import("../pixel.js").Source, range?: [number, number]}} Input
 */
export class KernelBench {
  /**
   * @param {HTMLElement} root @param {import("./kernel-board.js").KernelBoard} board
   * @param {{onPick: (at: [number, number], keep: boolean) => void, onShowImage: () => void}} listeners
   */
  constructor(root, board, { onPick, onShowImage }) {
    this.root = root;
    this.board = board;
    this.onPick = onPick;
    /** The map of the result whose numbers are shown, and that of the input if a layer combines several. */
    this.channel = this.inputChannel = 0;
    this.sweep = null;
    /** False: the next drawing puts the inspected pixel in the middle of the window. */
    this.centered = false;
    /** @type {{left: number, top: number}|null} the first input pixel of the window */
    this.windows = null;
    this.isPlaying = () => false;
    /** Called before another image or another layout is shown. */
    this.onReshape = () => {};
    /** @type {Subject|null} */
    this.subject = null;
    /** @type {StepValues|null} */
    this.values = null;
    this.inputLoupe = new Loupe(find("#input-loupe", root), "Pixels of the image. The arrow keys move the kernel, the space bar plays.", (i, j, keep) => this.pickInput(i, j, keep));
    this.outputLoupe = new Loupe(find("#output-loupe", root), "Pixels of the result. The arrow keys move the kernel, the space bar plays.", (i, j, keep) => this.pickOutput(i, j, keep));
    this.inputOverview = new Overview(find("#input-overview", root), (x, y, keep) => this.pickPlace(x, y, keep));
    this.outputOverview = new Overview(find("#output-overview", root));
    find("#output-overview", root).addEventListener("click", onShowImage);
    find("#to-corner", root).addEventListener("click", () => this.goToCorner());
    const redraw = () => this.subject && this.draw();
    const rooms = new ResizeObserver(redraw);
    for (const room of root.querySelectorAll(".loupe-room")) rooms.observe(room);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.board.colourCells();
      redraw();
    });
  }

  /**
   * Shows a step. @param {Subject} subject @param {Input|null} input null: no sum can be shown
   * @param {[number, number]} at @param {string} obstacle why there is no sum; empty if there is one
   */
  show(subject, input, at, obstacle) {
    const shape = JSON.stringify([subject.axes.at(-1), subject.image.pixels.width, subject.image.pixels.height]);
    if (this.subject && (shape !== this.shape || subject.image !== this.subject.image)) {
      this.onReshape();
      this.recenter();
    }
    Object.assign(this, { shape, subject });
    this.values = new StepValues(subject, input, obstacle);
    this.channel = Math.min(this.channel, this.plan.outputs - 1);
    this.inputChannel = Math.min(this.inputChannel, this.plan.inputs - 1);
    this.place(this.sweep === null ? at : this.at);
    this.draw();
  }

  /** @param {string} text why there is nothing to show */
  clear(text) {
    this.onReshape();
    this.subject = null;
    this.recenter();
    this.inputLoupe.clear();
    this.outputLoupe.clear();
    showSumMessage(find("#sum", this.root), text);
    for (const place of ["#input-place", "#output-place", "#outside"]) setText(find(place, this.root), "");
  }

  get axes() {
    return this.subject.axes.at(-1);
  }

  get plan() {
    return this.subject.plans.at(-1);
  }

  /** Puts the window where the kernel is completely visible. */
  place(at) {
    const { rows, columns } = this.axes;
    this.at = [Math.min(at[0], columns.output - 1), Math.min(at[1], rows.output - 1)];
    this.side = chooseSide(this.axes, NARROW.matches);
    const start = this.centered ? this.windows : {
      left: placeWindow(columns, this.side, this.at[0] * columns.stride + columns.first),
      top: placeWindow(rows, this.side, this.at[1] * rows.stride + rows.first),
    };
    this.centered = true;
    const moved = { left: followPixel(columns, this.side, start.left, this.at[0]), top: followPixel(rows, this.side, start.top, this.at[1]) };
    const changed = moved.left !== this.windows?.left || moved.top !== this.windows?.top;
    this.windows = moved;
    this.results = { columns: listResults(columns, this.side, moved.left), rows: listResults(rows, this.side, moved.top) };
    return changed;
  }

  /** Makes the next drawing put the inspected pixel in the middle. */
  recenter() {
    this.centered = false;
  }

  /** Moves the kernel without drawing the pixels again, if it stays in the window. @param {[number, number]} at */
  moveTo(at) {
    if (!this.subject || this.isPlaying()) return;
    if (this.place(at)) this.draw();
    else this.drawKernel();
  }

  draw() {
    const { columns, rows } = this.results;
    const sides = [this.inputLoupe.roomSide, this.outputLoupe.roomSide].filter(Boolean);
    const cell = Math.max(Math.floor(Math.min(...sides) / this.side), 2);
    const { left, top } = this.windows;
    this.drawChannels();
    if (sides.length) {
      const readInput = this.values.readInput(this.values.combinesMaps ? this.inputChannel : this.channel);
      this.inputLoupe.draw(this.side, this.side, cell, (i, j) => readInput(left + i, top + j));
      this.outputLoupe.draw(columns.count, rows.count, cell, (i, j) => this.readOutput(i, j));
    }
    const { image, pixels, placements } = this.subject;
    const { x, y, scaleX, scaleY } = placements.at(-2);
    this.inputOverview.draw(image.pixels, [x + left * scaleX, y + top * scaleY, this.side * scaleX, this.side * scaleY]);
    const whole = pixels ?? this.values.drawWholeMap(this.channel);
    if (whole) this.outputOverview.draw(whole, [columns.first, rows.first, columns.count, rows.count]);
    setText(find("#outside", this.root), this.describeOutside());
    this.drawKernel();
  }

  /** A cell of the result, which is empty until the animation has painted it. */
  readOutput(i, j) {
    const { columns, rows } = this.results;
    if (this.sweep !== null && j * columns.count + i > this.sweep) return null;
    const isQuick = columns.count * rows.count * this.plan.parts.flat(2).length <= MAX_PRODUCTS;
    const [x, y] = [columns.first + i, rows.first + j];
    return this.values.readOutput(x, y, this.channel, isQuick || (x === this.at[0] && y === this.at[1]));
  }

  /** The frames, the products and the sum. @param {number} [share] of the products to light */
  drawKernel(share = 1) {
    const [x, y] = this.at;
    const { columns, rows } = this.axes;
    const [left, top] = [x * columns.stride - columns.before - this.windows.left, y * rows.stride - rows.before - this.windows.top];
    this.inputLoupe.moveFrame([left, top, columns.footprint, rows.footprint]);
    this.inputLoupe.moveSpot([left + columns.anchor, top + rows.anchor]);
    this.outputLoupe.moveFrame([x - this.results.columns.first, y - this.results.rows.first, 1, 1]);
    setText(find("#output-place", this.root), `pixel ${x}, ${y}`);
    setText(find("#input-place", this.root), `around ${x * columns.stride + columns.first}, ${y * rows.stride + rows.first}`);
    const explained = this.values.explain(x, y, this.channel);
    this.board.showOutput(this.channel);
    this.board.showProducts(explained?.computation ?? null, share);
    const sum = find("#sum", this.root);
    if (!explained) return showSumMessage(sum, this.values.obstacle || "The sum appears when the service has responded.");
    const { computation, returned } = explained;
    if (share < 1) return showSumMessage(sum, describeRunningSum(this.values.combinesMaps ? computation.taps.flat(2) : computation.taps[0].flat(), share, this.plan));
    const winner = findWinner(computation);
    if (winner) this.inputLoupe.moveSpot([winner.x - this.windows.left, winner.y - this.windows.top]);
    drawSumSteps(sum, computation, this.plan, { linear: this.subject.linear, returned });
  }

  drawChannels() {
    const { channels, inputs, outputs } = this.plan;
    const isGrey = channels === "gray" || channels === "luma";
    const choose = (name) => (map) => {
      this[name] = map;
      this.draw();
    };
    const isSingle = inputs === 1 || (isGrey && inputs === 3);
    const { combinesMaps } = this.values;
    const shownInput = combinesMaps ? "inputChannel" : "channel";
    drawMapChoice(find("#channels", this.root), isSingle ? 1 : inputs, this[shownInput], choose(shownInput));
    drawMapChoice(find("#outputs", this.root), combinesMaps ? outputs : 1, this.channel, choose("channel"));
  }

  describeOutside() {
    const { left, top } = this.windows;
    const { columns, rows } = this.axes;
    const visible = left < 0 || top < 0 || left + this.side > columns.input || top + this.side > rows.input;
    return visible ? `Hatched: outside the image, border “${this.plan.border}”: ${OUTSIDE[this.plan.border]}.` : "";
  }

  pickInput(i, j, keep) {
    const { columns, rows } = this.axes;
    const toResult = ({ stride, first }, { first: from, count }, index) => clamp(Math.round((index - first) / stride), from, from + count - 1);
    this.pick([toResult(columns, this.results.columns, this.windows.left + i), toResult(rows, this.results.rows, this.windows.top + j)], keep);
  }

  pickOutput(i, j, keep) {
    const { columns, rows } = this.results;
    this.pick([columns.first + clamp(i, 0, columns.count - 1), rows.first + clamp(j, 0, rows.count - 1)], keep);
  }

  /** @param {[number, number]} at @param {boolean} keep */
  pick(at, keep) {
    if (this.isPlaying()) return;
    if (this.sweep !== null && !keep) return;
    if (String(at) !== String(this.at) || keep) this.onPick(at, keep);
  }

  /** @param {number} x @param {number} y in pixels of the image */
  pickPlace(x, y, keep) {
    if (!this.subject || this.isPlaying()) return;
    const { placements } = this.subject;
    const { columns, rows } = this.axes;
    const from = placements.at(-1);
    this.recenter();
    this.onPick([clamp(Math.round((x - from.x) / from.scaleX), 0, columns.output - 1), clamp(Math.round((y - from.y) / from.scaleY), 0, rows.output - 1)], keep);
  }

  goToCorner() {
    const { columns, rows } = this.axes;
    const [right, bottom] = [columns.output - 1, rows.output - 1];
    const corners = [[0, 0], [right, 0], [right, bottom], [0, bottom]];
    const now = corners.findIndex(([x, y]) => x === this.at[0] && y === this.at[1]);
    this.recenter();
    this.onPick(/** @type {[number, number]} */ (corners[(now + 1) % corners.length]), true);
  }
}

/** @param {import("../pixel.js").Tap[]} taps @param {number} share @param {import("../plan.js").Plan} plan */
function describeRunningSum(taps, share, plan) {
  const lit = taps.slice(0, Math.ceil(share * taps.length));
  if (hasNoWeights(plan)) return `${lit.length} of ${taps.length} pixels`;
  return `Sum of ${lit.length} of ${taps.length} products: ${formatNumber(lit.reduce((sum, { product }) => sum + product, 0), 1)}`;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(high, low));
