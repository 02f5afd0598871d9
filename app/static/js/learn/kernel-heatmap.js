import { chooseInk, findLargest, readSignedScale, toCss } from "../shared/signed-colour.js";

const SIDE = 320;
const MAX_SIZE_WITH_NUMBERS = 7;
const MAX_PIXEL_RATIO = 2;

/** Weights as squares in the colours of signed numbers; small kernels have numbers. @param {HTMLCanvasElement} canvas @param {number[][]} weights */
export function drawHeatmap(canvas, weights) {
  const ratio = Math.min(devicePixelRatio || 1, MAX_PIXEL_RATIO);
  canvas.width = canvas.height = SIDE * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const cell = SIDE / weights.length;
  const [scale, largest] = [readSignedScale(), findLargest(weights.flat())];
  weights.forEach((row, y) => row.forEach((weight, x) => {
    const colour = scale(weight / largest);
    context.fillStyle = toCss(colour);
    context.fillRect(x * cell, y * cell, cell - 1, cell - 1);
    if (weights.length > MAX_SIZE_WITH_NUMBERS) return;
    context.fillStyle = chooseInk(colour);
    context.font = `${Math.min(cell / 4.4, 18)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(formatWeight(weight), (x + 0.5) * cell, (y + 0.5) * cell);
  }));
}

/** Three decimals, without trailing zeros. */
const formatWeight = (weight) => String(Number(weight.toFixed(3)) || 0).replace("-", "−");
