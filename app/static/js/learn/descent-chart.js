import { make } from "../shared/dom.js";
import { drawLineChart } from "../shared/line-chart.js";

const HEIGHT = 220;
const MIN_LOSS = 1e-3;
/** Space above and below the curve, in powers of ten. */
const MARGIN = 0.1;

/**
 * The loss at each step on a logarithmic scale, and the loss of least squares.
 * @param {HTMLElement} root @param {{step: number, loss: number}[]} steps @param {number} floor the loss of least squares
 */
export function drawDescentChart(root, steps, floor) {
  const losses = steps.map(({ loss }) => Math.max(loss, MIN_LOSS));
  const highest = Math.max(...losses);
  const lowest = Math.max(Math.min(...losses, floor), MIN_LOSS);
  const [low, high] = [Math.log10(lowest) - MARGIN, Math.log10(highest) + MARGIN];
  const lastStep = steps.at(-1).step;
  const toX = (step) => step / Math.max(lastStep, 1);
  const toY = (loss) => (Math.log10(Math.max(loss, MIN_LOSS)) - low) / (high - low || 1);
  const chart = drawLineChart({
    label: `Loss over ${lastStep} steps: from ${losses[0].toPrecision(3)} to ${losses.at(-1).toPrecision(3)}. Least squares reaches ${floor.toPrecision(3)}.`,
    height: HEIGHT,
    ticks: [...new Set([highest, Math.sqrt(highest * lowest), lowest])].map((loss) => ({ y: toY(loss), text: String(Number(loss.toPrecision(2))) })),
    xLabels: ["step 1", String(lastStep)],
    series: [steps.map(({ step, loss }) => [toX(step), toY(loss)])],
    reference: toY(floor),
  });
  root.replaceChildren(make("figcaption", {}, "loss ",
    make("span", { class: "legend legend-0" }, "gradient descent"), make("span", { class: "legend legend-reference" }, "least squares")), chart);
}
