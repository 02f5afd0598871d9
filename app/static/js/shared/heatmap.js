import { chooseInk, findLargest, readSignedScale, toCss } from "./signed-colour.js";

const MAX_SIZE_WITH_NUMBERS = 7;
const MAX_PIXEL_RATIO = 2;

/**
 * Numbers as squares in the colours of signed numbers; small tables have the numbers as text.
 * @param {HTMLCanvasElement} canvas @param {number[][]} numbers
 * @param {{side?: number, decimals?: number}} [options] `side` is the width of the canvas in CSS pixels
 */
export function drawHeatmap(canvas, numbers, { side = 320, decimals = 3 } = {}) {
  const ratio = Math.min(devicePixelRatio || 1, MAX_PIXEL_RATIO);
  Object.assign(canvas, { width: side * ratio, height: (side * ratio * numbers.length) / numbers[0].length });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const cell = side / numbers[0].length;
  const [scale, largest] = [readSignedScale(), findLargest(numbers.flat())];
  numbers.forEach((row, y) => row.forEach((number, x) => {
    const colour = scale(number / largest);
    context.fillStyle = toCss(colour);
    context.fillRect(x * cell, y * cell, cell - 1, cell - 1);
    if (numbers[0].length > MAX_SIZE_WITH_NUMBERS) return;
    context.fillStyle = chooseInk(colour);
    context.font = `${Math.min(cell / (decimals + 1.4), 18)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(formatShort(number, decimals), (x + 0.5) * cell, (y + 0.5) * cell);
  }));
}

/** Without trailing zeros. */
const formatShort = (number, decimals) => String(Number(number.toFixed(decimals)) || 0).replace("-", "−");
