import { make } from "../shared/dom.js";
import { drawLineChart } from "../shared/line-chart.js";

const HEIGHT = 220;
/** Beside a board the chart has a third of the page. */
const [NARROW, WIDE] = [390, 520];
/** Losses below are drawn as 0: the scale is logarithmic. */
const MIN_LOSS = 1e-3;
/** Space above and below the curves, in powers of ten. */
const MARGIN = 0.1;

/** The loss of each of the user's tries, and of each step of gradient descent, in one chart. */
export class LossCurves {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.hasTries = true;
    /** @type {number[]} */
    this.tries = [];
    this.clearSteps();
  }

  /** @param {boolean} hasTries whether the user tries kernels */
  clear(hasTries) {
    this.hasTries = hasTries;
    this.tries = [];
    this.clearSteps();
  }

  clearSteps() {
    /** @type {{step: number, loss: number}[]} */
    this.steps = [];
    /** The loss of least squares; NaN if it is unknown. */
    this.floor = NaN;
    this.draw();
  }

  /** @param {number} loss @param {boolean} isNew false: of a try that is still being changed */
  showTry(loss, isNew) {
    if (!isNew) this.tries.pop();
    this.tries.push(loss);
    this.draw();
  }

  /** @param {{step: number, loss: number}[]} steps @param {number} floor */
  showSteps(steps, floor) {
    Object.assign(this, { steps, floor });
    this.draw();
  }

  /** @param {number} [chosen] the index of a step that is marked, instead of the last */
  draw(chosen = this.steps.length - 1) {
    const { tries, steps, floor } = this;
    const losses = [...tries, ...steps.map(({ loss }) => loss), ...(Number.isFinite(floor) ? [floor] : [])].map((loss) => Math.max(loss, MIN_LOSS));
    this.root.hidden = !this.hasTries && !losses.length;
    const [highest, lowest] = losses.length ? [Math.max(...losses), Math.min(...losses)] : [1, 1];
    const [low, high] = [Math.log10(lowest) - MARGIN, Math.log10(highest) + MARGIN];
    const last = Math.max(tries.length, steps.at(-1)?.step ?? 0, 2);
    const toPoint = (number, loss) => /** @type {[number, number]} */ ([(number - 1) / (last - 1), (Math.log10(Math.max(loss, MIN_LOSS)) - low) / (high - low)]);
    const series = [steps.map(({ step, loss }) => toPoint(step, loss)), tries.map((loss, index) => toPoint(index + 1, loss))];
    const chart = drawLineChart({
      label: this.describe(), height: HEIGHT, width: this.hasTries ? NARROW : WIDE, series,
      ticks: losses.length ? [...new Set([highest, Math.sqrt(highest * lowest), lowest])].map((loss) => ({ y: toPoint(1, loss)[1], text: loss <= MIN_LOSS ? "0" : String(Number(loss.toPrecision(2))) })) : [],
      xLabels: [this.hasTries ? "try or step 1" : "step 1", String(last)],
      marks: [series[0][chosen] ?? null, series[1].at(-1) ?? null],
      reference: Number.isFinite(floor) ? toPoint(1, floor)[1] : undefined,
    });
    this.root.replaceChildren(make("figcaption", {}, make("b", {}, "Loss"),
      ...(this.hasTries ? [make("span", { class: "legend legend-1" }, "your tries")] : []),
      make("span", { class: "legend legend-0" }, "gradient descent"),
      ...(Number.isFinite(floor) ? [make("span", { class: "legend legend-reference" }, "least squares")] : [])), chart);
  }

  describe() {
    const { tries, steps, floor } = this;
    return [
      tries.length ? `Loss of ${tries.length} of your tries: ${tries.map(formatLoss).join(", ")}.` : "",
      steps.length ? `Loss of gradient descent over ${steps.at(-1).step} steps: from ${formatLoss(steps[0].loss)} to ${formatLoss(steps.at(-1).loss)}.` : "",
      Number.isFinite(floor) ? `Least squares reaches ${formatLoss(floor)}.` : "",
    ].filter(Boolean).join(" ") || "Loss: nothing is tried yet.";
  }
}

/** @param {number} loss */
export const formatLoss = (loss) => (loss <= MIN_LOSS ? "0" : String(Number(loss.toPrecision(3))));
