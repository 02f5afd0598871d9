/** A kernel while it forms, and the loss while it falls. */

import { make } from "../shared/dom.js";
import { drawSvg } from "../digits/digit-result.js";

const SIDE = 320;
const NUMBERS_UP_TO = 7;
const LEAST_LOSS = 1e-3;
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [520, 220, 56, 12, 12, 30];

/** Weights as squares: blue below 0, red above, and their numbers where there is room. @param {number[][]} weights */
export function drawWeights(canvas, weights) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  canvas.width = canvas.height = SIDE * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const cell = SIDE / weights.length;
  const largest = Math.max(...weights.flat().map(Math.abs), 1e-9);
  weights.forEach((row, y) => row.forEach((weight, x) => {
    const share = weight / largest;
    context.fillStyle = share < 0 ? `rgb(${shade(share, 26)}, ${shade(share, 90)}, ${shade(share, 148)})` : `rgb(${shade(share, 180)}, ${shade(share, 70)}, ${shade(share, 30)})`;
    context.fillRect(x * cell, y * cell, cell - 1, cell - 1);
    if (weights.length > NUMBERS_UP_TO) return;
    context.fillStyle = Math.abs(share) > 0.55 ? "#fff" : "#1c242c";
    context.font = `${Math.min(cell / 4.4, 18)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(shorten(weight), (x + 0.5) * cell, (y + 0.5) * cell);
  }));
}

/** Three digits after the point, and no zeros at the end. */
const shorten = (weight) => String(Number(weight.toFixed(3)) || 0).replace("-", "−");

const shade = (share, full) => Math.round(255 + (full - 255) * Math.min(Math.abs(share), 1));

/** The loss at every step seen, on a logarithmic scale, and where least squares ends. @param {{step: number, loss: number}[]} seen */
export function drawLoss(place, seen, floor) {
  const losses = seen.map(({ loss }) => Math.max(loss, LEAST_LOSS));
  const lowest = Math.max(Math.min(...losses, floor), LEAST_LOSS);
  const [low, high] = [Math.log10(lowest) - 0.1, Math.log10(Math.max(...losses)) + 0.1];
  const last = seen.at(-1);
  const x = (step) => LEFT + (step / Math.max(last.step, 1)) * (WIDTH - LEFT - RIGHT);
  const y = (loss) => HEIGHT - BOTTOM - ((Math.log10(Math.max(loss, LEAST_LOSS)) - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const svg = drawSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Loss over ${last.step} steps: from ${losses[0].toPrecision(3)} to ${losses.at(-1).toPrecision(3)}. Least squares ends at ${floor.toPrecision(3)}.` });
  for (const loss of new Set([Math.max(...losses), Math.sqrt(Math.max(...losses) * lowest), lowest])) {
    svg.append(drawSvg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(loss), y2: y(loss), class: "rule" }), drawSvg("text", { x: LEFT - 6, y: y(loss) + 4, class: "tick end" }, String(Number(loss.toPrecision(2)))));
  }
  svg.append(drawSvg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(floor), y2: y(floor), class: "floor" }));
  svg.append(drawSvg("polyline", { points: seen.map(({ step }, index) => `${x(step).toFixed(1)},${y(losses[index]).toFixed(1)}`).join(" "), class: "curve curve-0" }));
  svg.append(drawSvg("text", { x: LEFT, y: HEIGHT - 8, class: "tick" }, "step 1"), drawSvg("text", { x: WIDTH - RIGHT, y: HEIGHT - 8, class: "tick end" }, String(last.step)));
  place.replaceChildren(make("figcaption", {}, "loss ", make("span", { class: "legend legend-0" }, "gradient descent"), make("span", { class: "legend legend-floor" }, "least squares")), svg);
}
