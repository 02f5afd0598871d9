const SIDE = 320;
const MAX_SIZE_WITH_NUMBERS = 7;
const MAX_PIXEL_RATIO = 2;
const NEGATIVE = [26, 90, 148];
const POSITIVE = [180, 70, 30];

/** Weights as squares, blue below 0 and red above; small kernels have numbers. @param {HTMLCanvasElement} canvas @param {number[][]} weights */
export function drawHeatmap(canvas, weights) {
  const ratio = Math.min(devicePixelRatio || 1, MAX_PIXEL_RATIO);
  canvas.width = canvas.height = SIDE * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const cell = SIDE / weights.length;
  const largest = Math.max(...weights.flat().map(Math.abs), 1e-9);
  weights.forEach((row, y) => row.forEach((weight, x) => {
    const share = weight / largest;
    context.fillStyle = mixColour(share);
    context.fillRect(x * cell, y * cell, cell - 1, cell - 1);
    if (weights.length > MAX_SIZE_WITH_NUMBERS) return;
    context.fillStyle = Math.abs(share) > 0.55 ? "#fff" : "#1c242c";
    context.font = `${Math.min(cell / 4.4, 18)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(formatWeight(weight), (x + 0.5) * cell, (y + 0.5) * cell);
  }));
}

/** @param {number} share -1 to 1; 0 is white */
function mixColour(share) {
  const full = share < 0 ? NEGATIVE : POSITIVE;
  return `rgb(${full.map((level) => Math.round(255 + (level - 255) * Math.min(Math.abs(share), 1))).join(", ")})`;
}

/** Three decimals, without trailing zeros. */
const formatWeight = (weight) => String(Number(weight.toFixed(3)) || 0).replace("-", "−");
