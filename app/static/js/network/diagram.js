/** The network as one picture: input, kernels and maps, features and outputs, with the computation of the unit at the pointer. */

import { find, setText } from "../shared/dom.js";
import { findLargestIndex } from "../shared/numbers.js";
import { runOneAtATime } from "../shared/scheduling.js";
import { findDependencies, findWindows } from "./dependencies.js";
import { DiagramDrawing } from "./diagram-drawing.js";
import { PIXELS, findUnit, layOutDiagram, moveUnit } from "./diagram-layout.js";
import { ImportanceMap, placeField } from "./importance-map.js";
import { DIGITS, MAPS, SIDES } from "./inference.js";
import { describeNetwork } from "./network-words.js";
import { Readout } from "./readout.js";

/**
 * @typedef {import("./diagram-layout.js").Unit} Unit
 * @typedef {{field: Float32Array, box: {left: number, top: number, width: number, height: number}, placement: import("./importance-map.js").Placement}} Drawn
 *   a prepared field (28, 28), the box of its digit in the image, and the place of the image on the pad
 */

/** Arrow keys, to the right and down. @type {Record<string, [number, number]>} */
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

export class NetworkDiagram {
  /**
   * @param {HTMLElement} root with the elements of `layOutNetwork` of the digit view @param {import("./network.js").Network} network
   * @param {HTMLElement} paper of the drawing, on which the maps of importance are laid
   */
  constructor(root, network, paper) {
    this.root = root;
    this.network = network;
    /** @type {HTMLCanvasElement} */
    this.canvas = find("#diagram", root);
    this.drawing = new DiagramDrawing(this.canvas, network.layers.conv1);
    this.fit();
    /** What is shown; null for an empty pad. @type {import("./workings.js").Computed|null} */
    this.computed = null;
    /** The unit at the pointer or at the keys, and the unit that was clicked. @type {Unit} */
    this.cursor = { stage: "conv1", index: 0, x: 14, y: 14 };
    /** @type {Unit|null} */
    this.pinned = null;
    this.isPointed = false;
    this.readout = new Readout(find("#readout", root), network, (x, y) => this.point({ ...this.cursor, x, y }));
    this.importance = new ImportanceMap(find("#importance", root), network, paper, () => this.redraw());
    /** @type {Drawn|null} */
    this.wanted = null;
    this.update = runOneAtATime(() => this.compute());
    this.listen();
    setText(find("#network-model", root), `The service's model, version ${network.version}.`);
    this.redraw();
  }

  listen() {
    const { canvas } = this;
    const locate = ({ clientX, clientY }) => {
      const box = canvas.getBoundingClientRect();
      return findUnit(this.layout, clientX - box.left, clientY - box.top);
    };
    canvas.addEventListener("pointermove", (event) => {
      const unit = locate(event);
      this.isPointed = Boolean(unit);
      canvas.classList.toggle("pointing", this.isPointed);
      if (unit) this.point(unit);
      else this.redraw();
    });
    canvas.addEventListener("pointerleave", () => { this.isPointed = false; this.redraw(); });
    canvas.addEventListener("click", (event) => this.pin(locate(event)));
    canvas.addEventListener("keydown", (event) => this.followKey(event));
    for (const type of ["focus", "blur"]) canvas.addEventListener(type, () => this.redraw());
    find("#network-words", this.root).addEventListener("toggle", () => this.describe());
    new ResizeObserver(() => {
      if (canvas.clientWidth && Math.abs(canvas.clientWidth - this.layout.width) >= 1) this.arrange();
    }).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.drawing.readTheme(); this.arrange(); });
  }

  fit() {
    this.layout = layOutDiagram(this.canvas.clientWidth);
    this.canvas.style.aspectRatio = `${this.layout.width} / ${this.layout.height}`;
  }

  /** Lays the diagram out again, for another width or theme. */
  arrange() {
    this.fit();
    if (this.computed) this.drawing.paint(this.computed, this.layout.isTall);
    this.redraw();
  }

  /** Shows the values for a drawing, as soon as those before it are computed. @param {Drawn|null} drawn null for an empty pad */
  show(drawn) {
    this.wanted = drawn;
    this.update();
  }

  async compute() {
    const { wanted } = this;
    if (!wanted) return this.clear();
    const answer = await this.network.run(wanted.field).catch((error) => this.showFailure(error));
    if (!answer || !this.wanted) return; // the pad was cleared
    const computed = { field: wanted.field, answer };
    if (!this.computed && !this.isPointed && !this.pinned) this.cursor = findStrongest(computed.answer.maps.conv1);
    this.computed = computed;
    this.drawing.paint(computed, this.layout.isTall);
    this.importance.follow(computed, placeField(wanted.field, wanted.box, wanted.placement));
    this.root.dataset.digit = String(findLargestIndex(computed.answer.probabilities));
    this.redraw();
    this.describe();
  }

  /** @param {Error} error of the worker @returns {null} */
  showFailure(error) {
    const message = find("#network-message", this.root);
    message.hidden = false;
    setText(message, `The network does not run in this browser: ${error.message}`);
    return null;
  }

  clear() {
    this.computed = this.pinned = null;
    this.importance.follow(null, null);
    delete this.root.dataset.digit;
    this.redraw();
    this.describe();
  }

  /** @param {Unit} unit */
  point(unit) {
    this.cursor = unit;
    this.redraw();
  }

  /** Keeps the dependencies of a unit on the screen; again, or null, ends that. @param {Unit|null} unit */
  pin(unit) {
    const isSame = unit && this.pinned?.stage === unit.stage && this.pinned.index === unit.index;
    this.pinned = isSame || unit?.stage === "input" ? null : unit;
    if (unit) this.cursor = unit;
    if (unit?.stage === "output" && unit.index < DIGITS) this.importance.choose(this.pinned ? unit.index : null);
    this.redraw();
  }

  /** @param {KeyboardEvent} event */
  followKey(event) {
    const step = STEPS[event.key];
    if (step) this.point(moveUnit(this.layout, this.cursor, ...step, event.shiftKey));
    else if (event.key === "Enter" || event.key === " ") this.pin(this.cursor);
    else if (event.key === "Escape") this.pin(null);
    else return;
    event.preventDefault();
    this.draw();
    setText(find("#diagram-status", this.root), this.computed ? find(".worked", this.root).textContent : nameUnit(this.cursor));
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const isFocused = this.canvas === document.activeElement;
    const isShown = this.isPointed || isFocused;
    const shown = this.pinned ?? (isShown ? this.cursor : null);
    const highlight = shown && { ...findDependencies(this.layout, this.network.layers, this.computed, shown), windows: findWindows(isShown ? this.cursor : shown) };
    this.drawing.draw(this.layout, this.computed, { highlight, pinned: this.pinned, cursor: isShown ? this.cursor : null, importance: this.importance.image, isFocused });
    if (this.computed) this.readout.show(this.computed, this.cursor);
    find("#readout", this.root).classList.toggle("waiting", !this.computed);
    Object.assign(this.canvas.dataset, { stage: this.cursor.stage, index: this.cursor.index, pinned: this.pinned ? `${this.pinned.stage} ${this.pinned.index}` : "" });
  }

  describe() {
    const details = find("#network-words", this.root);
    if (details.open) find("div", details).replaceChildren(describeNetwork(this.computed));
  }
}

/** @param {Unit} unit */
const nameUnit = ({ stage, index, x, y }) => `${stage} ${index}${PIXELS[stage] > 1 ? `, x = ${x}, y = ${y}` : ""}`;

/** The largest value of the maps of conv1. @param {Float32Array} values @returns {Unit} */
function findStrongest(values) {
  const best = findLargestIndex(values);
  const place = Math.floor(best / MAPS.conv1);
  return { stage: "conv1", index: best % MAPS.conv1, x: place % SIDES.conv1, y: Math.floor(place / SIDES.conv1) };
}
