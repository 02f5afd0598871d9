/** Which pixels mattered: the occlusion map or the gradient, over the drawing and over the input of the diagram. */

import { find, make, makeRadio, setText } from "../shared/dom.js";
import { findLargestIndex, formatNumber } from "../shared/numbers.js";
import { debounce } from "../shared/scheduling.js";
import { FIELD } from "./inference.js";
import { paintImportance } from "./map-images.js";

/**
 * @typedef {{left: number, top: number, side: number}} Place of the whole field on the pad, in its pixels
 * @typedef {{scale: number, left: number, top: number}} Placement of an image on the pad: its corner, and pixels of the pad to
 *   one pixel of the image
 */

const DELAY_MS = 120;
/** Fainter pixels are outside the digit's box: INK_FLOOR of models/mnist_field.py. */
const INK_FLOOR = 0.02;
const KINDS = { none: "nothing", occlusion: "occlusion", gradient: "gradient" };
const MEANINGS = {
  occlusion: (digit, odds) => `A 6×6 patch is covered with paper, and the digit is read again. Orange: the log odds of ${digit} (${odds}) fall: the ink there counts for ${digit}. Blue: they rise.`,
  gradient: (digit, odds) => `The derivative of the log odds of ${digit} (${odds}) by the ink of each pixel. Orange: a little more ink there makes ${digit} more certain. Blue: less certain.`,
};

export class ImportanceMap {
  /** @param {HTMLElement} root @param {import("./network.js").Network} network @param {HTMLElement} paper @param {() => void} onChange */
  constructor(root, network, paper, onChange) {
    this.network = network;
    this.onChange = onChange;
    /** @type {"none"|"occlusion"|"gradient"} */
    this.kind = "none";
    /** Painted map, to be drawn over the input; null if there is none. @type {HTMLCanvasElement|null} */
    this.image = null;
    /** @type {{computed: import("./workings.js").Computed, place: Place|null}|null} */
    this.shown = null;
    /** The digit that the user chose; null for the likeliest. @type {number|null} */
    this.chosen = null;
    this.canvas = document.createElement("canvas");
    this.cover = make("canvas", { id: "importance-cover", "aria-hidden": "true" });
    paper.append(this.cover);
    this.text = make("p", { class: "quiet", role: "status" });
    root.replaceChildren(make("fieldset", {}, make("legend", {}, "Over the drawing:"), ...Object.entries(KINDS).map(([value, label]) => makeRadio("importance", value, label, value === this.kind))), this.text);
    root.addEventListener("change", ({ target }) => {
      this.kind = /** @type {any} */ (target).value;
      this.update();
    });
    this.updateSoon = debounce(() => this.update(), DELAY_MS);
  }

  /** @param {import("./workings.js").Computed|null} computed null for an empty pad @param {Place|null} place */
  follow(computed, place) {
    this.shown = computed && { computed, place };
    if (!computed) this.chosen = null;
    this.erase();
    this.updateSoon();
  }

  /** @param {number|null} digit null for the likeliest */
  choose(digit) {
    this.chosen = digit;
    this.update();
  }

  async update() {
    const { kind, shown, chosen } = this;
    if (kind === "none" || !shown) return this.erase();
    const { field, answer: { probabilities } } = shown.computed;
    const digit = chosen ?? findLargestIndex(probabilities);
    const importance = await this.network.explain(field, digit).catch((error) => {
      setText(this.text, `The map cannot be computed: ${error.message}`);
      return null;
    });
    if (!importance || kind !== this.kind || shown !== this.shown || chosen !== this.chosen) return; // another one is under way
    paintImportance(this.canvas, importance[kind]);
    this.image = this.canvas;
    this.drawCover(shown.place);
    setText(this.text, `${MEANINGS[kind](digit, formatNumber(importance.logOdds, 1))} Click an output to ask about another digit.`);
    this.onChange();
  }

  /** @param {Place|null} place */
  drawCover(place) {
    const pad = find("#pad", this.cover.parentElement);
    Object.assign(this.cover, { width: pad.width, height: pad.height });
    if (!place) return;
    const context = this.cover.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, place.left, place.top, place.side, place.side);
  }

  erase() {
    this.image = null;
    this.cover.width = this.cover.height = 0;
    if (this.kind === "none" || !this.shown) setText(this.text, "");
    this.onChange();
  }
}

/**
 * Where the field lies on the pad: the box of its ink is that of the digit in the image, whose longer side it has scaled.
 * @param {Float32Array} field @param {{left: number, top: number, width: number, height: number}} box of the digit, in pixels of the image
 * @param {Placement} placement @returns {Place}
 */
export function placeField(field, box, { left, top, scale }) {
  const [columns, rows] = [[], []];
  field.forEach((ink, index) => {
    if (ink <= INK_FLOOR) return;
    columns.push(index % FIELD);
    rows.push(Math.floor(index / FIELD));
  });
  const [first, last] = [Math.min, Math.max].map((choose) => [choose(...columns), choose(...rows)]);
  const pixel = (scale * Math.max(box.width, box.height)) / Math.max(last[0] - first[0] + 1, last[1] - first[1] + 1);
  const middle = (side) => (first[side] + last[side] + 1) / 2;
  return {
    left: left + scale * (box.left + box.width / 2) - pixel * middle(0),
    top: top + scale * (box.top + box.height / 2) - pixel * middle(1),
    side: pixel * FIELD,
  };
}
