/** The unit that the pointer is at: its map enlarged, the patch, the kernel and the products, and the sum worked out. */

import { make, setText } from "../shared/dom.js";
import { drawHeatmap } from "../shared/heatmap.js";
import { formatNumber, formatProbability } from "../shared/numbers.js";
import { PIXELS } from "./diagram-layout.js";
import { DIGITS, MAPS } from "./inference.js";
import { listMap } from "./map-images.js";
import { workOut } from "./workings.js";

/** @typedef {import("./diagram-layout.js").Unit} Unit @typedef {import("./workings.js").Computed} Computed */

const SIDE = 136;
const DECIMALS = 2;
const PARTS_IN_A_ROW = 8;

export class Readout {
  /**
   * @param {HTMLElement} root @param {import("./network.js").Network} network
   * @param {(x: number, y: number) => void} onPixel called when the pointer is at a pixel of the enlarged map
   */
  constructor(root, network, onPixel) {
    this.network = network;
    const drawTable = (name) => make("figure", { class: `unit-${name}` }, make("canvas", { "aria-hidden": "true" }), make("figcaption"));
    const tables = ["enlarged", "patch", "kernel", "products", "parts"].map(drawTable);
    [this.map, this.patch, this.kernel, this.products, this.parts] = tables;
    const sign = (text) => make("span", { class: "operator", "aria-hidden": "true" }, text);
    this.text = make("p", { class: "worked" });
    this.note = make("p", { class: "quiet" });
    root.replaceChildren(this.text,
      make("div", { class: "tables" }, this.map, this.patch, sign("×"), this.kernel, sign("="), this.products, this.parts), this.note);
    const point = (event) => {
      const box = event.target.getBoundingClientRect();
      const locate = (share) => Math.min(Math.max(Math.floor(share * this.pixels), 0), this.pixels - 1);
      onPixel(locate((event.clientX - box.left) / box.width), locate((event.clientY - box.top) / box.height));
    };
    this.map.firstChild.addEventListener("pointermove", point);
    this.map.firstChild.addEventListener("pointerdown", point);
    this.pixels = 1;
  }

  /** @param {Computed} computed @param {Unit} unit */
  show(computed, unit) {
    const workings = workOut(this.network.layers, computed, unit);
    this.pixels = PIXELS[unit.stage];
    this.map.hidden = this.pixels === 1;
    if (this.pixels > 1) this.drawMap(computed, unit);
    const { patch, kernel, products, parts } = workings;
    const rows = parts && Array.from({ length: parts.length / PARTS_IN_A_ROW }, (_, row) => parts.slice(row * PARTS_IN_A_ROW, (row + 1) * PARTS_IN_A_ROW));
    for (const [figure, numbers, caption] of [
      [this.patch, patch, unit.stage === "input" ? "the pixel" : workings.shown],
      [this.kernel, kernel, unit.stage === "output" ? "their weights" : "kernel"], [this.products, products, "products"],
      [this.parts, rows, `what each of the ${parts?.length} maps adds`],
    ]) {
      figure.classList.toggle("absent", !numbers);
      setText(figure.lastChild, numbers ? caption : "");
      if (numbers) drawHeatmap(figure.firstChild, numbers, { side: SIDE, decimals: DECIMALS });
    }
    setText(this.text, this.describe(workings, computed, unit));
    this.showNote(unit);
  }

  drawMap({ field, answer: { maps } }, { stage, index, x, y }) {
    const [side, count] = [PIXELS[stage], stage === "input" ? 1 : MAPS[stage]];
    const values = stage === "input" ? field : maps[stage];
    const canvas = this.map.firstChild;
    drawHeatmap(canvas, listMap(values, side, count, index), { side: SIDE, decimals: 1 });
    const context = canvas.getContext("2d");
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    context.strokeRect((x * SIDE) / side - 1, (y * SIDE) / side - 1, SIDE / side + 1, SIDE / side + 1);
    setText(this.map.lastChild, stage === "input" ? "input" : `${stage}, map ${index}`);
  }

  /** The computation in a sentence. @param {import("./workings.js").Workings} workings */
  describe({ value, inputs, sum, bias, shown, parts, strongest }, { answer }, { stage, index, x, y }) {
    const [total, shift] = [formatNumber(sum, 3), `${bias < 0 ? "−" : "+"} ${formatNumber(Math.abs(bias), 3)} (bias)`];
    const most = parts ? ` ${capitalise(shown)} adds most (${formatNumber(parts[strongest], 3)}) and is shown here.` : "";
    const relu = sum + bias > 0 ? `= ${formatNumber(value, 3)}, which ReLU keeps.` : `= ${formatNumber(sum + bias, 3)}, which ReLU makes 0.`;
    switch (stage) {
      case "input": return `Input at x = ${x}, y = ${y}: ink ${formatNumber(value, 3)}. 0 is paper, 1 is full ink.`;
      case "conv1":
      case "conv2": return `Map ${index} of ${stage} at x = ${x}, y = ${y}: ${inputs} products add up to ${total} ${shift} ${relu}${most}`;
      case "pool1":
      case "pool2": return `Map ${index} of ${stage} at x = ${x}, y = ${y}: the largest of 4 values is ${formatNumber(value, 3)}.`;
      case "dense": return `Feature ${index}: ${inputs.toLocaleString("en")} products add up to ${total} ${shift} ${relu}${most}`;
      default: {
        const name = index === DIGITS ? "“Not a digit”" : `Digit ${index}`;
        const share = formatProbability(index === DIGITS ? answer.notADigit : answer.probabilities[index]);
        const then = index === DIGITS ? `Against the ten digits together this is ${share}.`
          : `Divided by the temperature ${formatNumber(this.network.temperature, 2)}, the softmax of ten digits makes it ${share}.`;
        return `${name}: ${inputs.toLocaleString("en")} products add up to ${total} ${shift} = ${formatNumber(value, 3)}, the logit. ${then}`;
      }
    }
  }

  showNote({ stage, index }) {
    const name = `mnist-conv1-${String(index).padStart(2, "0")}`;
    const isFirst = stage === "conv1" || stage === "pool1";
    if (this.note.dataset.name === (isFirst ? name : "")) return;
    this.note.dataset.name = isFirst ? name : "";
    this.note.replaceChildren(...(isFirst ? [make("a", { href: `#filter/${name}` }, `Use kernel ${index} as a filter`)] : []));
  }
}

const capitalise = (text) => text[0].toUpperCase() + text.slice(1);
