/**
 * Rows of an image as float32 planes, and what the service does before and after it filters them (kernels/apply/channels.py,
 * kernels/apply/filter.py). Values are 0..255.
 *
 * @typedef {{width: number, height: number, top: number, rows: number, colours: Float32Array[], alpha: Float32Array|null}}
 *   Planes rows `top` to `top + rows - 1` of an image of `height` rows; one or three colours
 * @typedef {import("./operations.js").StepPlan} StepPlan
 */

const COLOURS = ["r", "g", "b"];
const WHITE = 255;
const { fround } = Math;

export const isSelection = (channels) => !["rgb", "gray", "luma"].includes(channels);

/** @param {ImageData} image @param {boolean} transparent whether the image has an alpha channel @returns {Planes} */
export function readPlanes({ width, height, data }, transparent, top, rows) {
  const [red, green, blue, alpha] = Array.from({ length: 4 }, () => new Float32Array(rows * width));
  for (let index = 0, from = 4 * top * width; index < red.length; index++, from += 4) {
    red[index] = data[from];
    green[index] = data[from + 1];
    blue[index] = data[from + 2];
    alpha[index] = data[from + 3];
  }
  return { width, height, top, rows, colours: [red, green, blue], alpha: transparent ? alpha : null };
}

/** Rounds to nearest, halves to even, and clips, as `Uint8ClampedArray` does. @param {Planes} planes */
export function writePixels({ colours, alpha, rows, width }) {
  const pixels = new Uint8ClampedArray(4 * rows * width);
  const [red, green, blue] = colours.length === 3 ? colours : [colours[0], colours[0], colours[0]];
  for (let index = 0, to = 0; index < red.length; index++, to += 4) {
    pixels[to] = red[index];
    pixels[to + 1] = green[index];
    pixels[to + 2] = blue[index];
    pixels[to + 3] = alpha ? alpha[index] : 255;
  }
  return pixels;
}

/** The planes that a step filters. @param {Float32Array[]} colours @param {string} channels */
export function selectPlanes(colours, channels) {
  if (channels === "rgb") return colours;
  if (!isSelection(channels)) return colours.length === 1 ? colours : [measureBrightness(colours)];
  return [...channels].map((letter) => colours[COLOURS.indexOf(letter)]);
}

/** A grey image whose red, green or blue is filtered gets three planes. @param {Planes} planes @returns {Planes} */
export function expandGrey(planes, channels) {
  const [grey] = planes.colours;
  return isSelection(channels) && planes.colours.length === 1 ? { ...planes, colours: [grey, grey, grey] } : planes;
}

/**
 * The colours with filtered planes in the place of those that `selectPlanes` took.
 * @param {Float32Array[]} values @param {(plane: Float32Array) => Float32Array} takeCentres of a plane of the input
 * @param {Float32Array[]} colours of the input @param {Float32Array[]} source the planes that were filtered
 */
export function replacePlanes(values, colours, source, channels, takeCentres) {
  if (channels === "luma" && colours.length === 3) {
    const own = takeCentres(source[0]);
    const change = values[0].map((value, index) => value - own[index]); // the same for red, green and blue
    return colours.map((plane) => takeCentres(plane).map((value, index) => Math.min(Math.max(fround(value + change[index]), 0), WHITE)));
  }
  if (!isSelection(channels)) return values;
  const result = colours.map(takeCentres);
  [...channels].forEach((letter, index) => { result[COLOURS.indexOf(letter)] = values[index]; });
  return result;
}

/** Luma, ITU-R BT.601, with the products rounded and added in the order of NumPy's matrix product. */
function measureBrightness([red, green, blue]) {
  const [r, g, b] = [0.299, 0.587, 0.114].map(fround);
  return red.map((value, index) => fround(fround(value * r) + fround(green[index] * g)) + fround(blue[index] * b));
}

/** NumPy adds the products of an image that is one pixel wide in another order. */
export const hasOwnBrightness = (width, channels) => width === 1 && (channels === "gray" || channels === "luma");
