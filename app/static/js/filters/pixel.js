/**
 * Computes one pixel of a result by the rules of kernels/apply/filter.py and layers.py. A browser test compares the two.
 *
 * @typedef {{width: number, height: number, maps?: number, values?: import("./maps.js").Maps,
 *   get: (x: number, y: number, channel: number) => number}} Source values in 0..255; three maps unless it says how many.
 *   With `values`, it is those of a layer, in any range
 * @typedef {{x: number, y: number, outside: boolean, value: number, weight: number, product: number}} Tap one weight and
 *   the pixel under it; NaN if there is none
 * @typedef {{name: string, isChoice: boolean, maps: number[], taps: Tap[][][], sums: number[], divided: number, original: number, mixed: number,
 *   biased: number, rectified: number, responded: number, final: number}} Computation the values from patch to pixel, of one
 *   channel: `maps` are those that the parts are laid over. With `isChoice`, one of the pixels takes the place of the sum
 */

import { COLOURS, WHITE, decodeSrgb, encodeSrgb, measureBrightness } from "./colour.js";
import { layOut, resolveBorder } from "./geometry.js";

/**
 * How a step reads its input: the maps that it filters, and a function for the value at a place that may lie outside the
 * image, where the border supplies it, or NaN if it supplies none.
 * @param {Source} source @param {import("./plan.js").Plan} plan @param {{linear: boolean, decoded?: boolean}} options
 */
export function readFor(source, plan, { linear, decoded = false }) {
  const { maps = COLOURS } = source;
  const grey = (plan.channels === "gray" || plan.channels === "luma") && maps <= COLOURS;
  const isBrightness = grey && maps === COLOURS;
  const chosen = grey ? [0] : plan.channels === "rgb" ? listNumbers(maps) : listNumbers(COLOURS).filter((channel) => plan.channels.includes("rgb"[channel]));
  const read = (x, y, map) => (linear && !decoded ? decodeSrgb(source.get(x, y, map)) : source.get(x, y, map));
  const readPadded = (x, y, map) => {
    const [fromX, fromY] = [resolveBorder(x, source.width, plan.border), resolveBorder(y, source.height, plan.border)];
    if (map >= COLOURS && maps <= COLOURS) return WHITE; // a layer with four inputs sees the alpha of an opaque image
    if (fromX < 0 || fromY < 0) return plan.border === "none" ? NaN : 0;
    return isBrightness ? measureBrightness((one) => read(fromX, fromY, one), linear) : read(fromX, fromY, map);
  };
  return { chosen, grey, read, readPadded };
}

/**
 * What the window operation lays over which maps, for each channel of the result.
 * @param {import("./plan.js").Plan} plan @param {number[]} chosen the maps that a kernel filters, or a layer sees
 * @returns {{channel: number, tables: {weights: number[][], map: number}[], bias: number}[]}
 */
function listOutputs({ layer, parts, bias }, chosen) {
  if (!layer?.filters) return chosen.map((map) => ({ channel: map, tables: parts.map((weights) => ({ weights, map })), bias }));
  return layer.filters.map((inputs, channel) => ({
    channel, tables: inputs.map((weights, map) => ({ weights, map })), bias: layer.biases[channel] ?? layer.biases[0],
  }));
}

/**
 * @param {Source} source @param {import("./plan.js").Plan} plan of a chain @param {number} x @param {number} y of the result
 * @param {{linear: boolean, decoded?: boolean, range?: [number, number]}} options `decoded`: the source holds linear light
 *   already; `range`: the smallest and largest value, for `rescale`
 * @param {boolean} [withTaps] false: without the single products, which takes a fraction of the time
 * @param {number|null} [only] compute this map alone, of a layer with many
 * @returns {{channels: Computation[], pixel: number[]}} `pixel` is red, green, blue in 0..255, or all maps if they are no
 *   image; empty with `only`
 */
export function computePixel(source, plan, x, y, { linear, decoded = false, range }, withTaps = true, only = null) {
  const { rows, columns } = layOut(plan, source.width, source.height);
  const top = y * rows.stride - rows.before;
  const left = x * columns.stride - columns.before;
  const { chosen, grey, read, readPadded } = readFor(source, plan, { linear, decoded });
  const finish = (value) => (plan.response === "raw" ? value : roundToByte(linear ? encodeSrgb(value) : value));
  const outputs = listOutputs(plan, chosen).filter(({ channel }) => only === null || channel === only);

  const channels = outputs.map(({ channel, tables, bias }) => {
    const visit = (take) => tables.map(({ weights, map }) => weights.map((row, i) => row.map((weight, j) => {
      const [px, py] = [left + j * columns.dilation, top + i * rows.dilation];
      return take(readPadded(px, py, map), weight, px, py);
    })));
    const taps = !withTaps ? [] : visit((value, weight, px, py) => (
      { x: px, y: py, outside: px < 0 || py < 0 || px >= source.width || py >= source.height, value, weight, product: value * weight }));
    const sums = plan.combine in CHOICES
      ? visit((value) => value).map((values) => CHOICES[plan.combine](values.flat().filter((value) => !Number.isNaN(value))))
      : tables.map(({ weights, map }) => sumProducts(weights, (i, j) => readPadded(left + j * columns.dilation, top + i * rows.dilation, map)));
    const divided = combine(sums.map((sum) => sum / plan.divisor), plan.combine);
    const original = readPadded(left + columns.anchor, top + rows.anchor, tables[0].map);
    const mixed = plan.amount === 1 ? divided : plan.amount * divided + (1 - plan.amount) * original;
    const biased = mixed + bias;
    const rectified = plan.layer?.isRectified ? Math.max(biased, 0) : biased;
    const responded = applyResponse(rectified, plan.response, range);
    const name = grey && !plan.layer ? "brightness" : nameMap(channel, plan.outputs ?? COLOURS);
    const isChoice = ["largest", "smallest", "median"].includes(plan.combine);
    return { name, isChoice, maps: tables.map(({ map }) => map), taps, sums, divided, original, mixed, biased, rectified, responded, final: finish(responded) };
  });
  if (only !== null) return { channels, pixel: [] };
  if (plan.layer || plan.outputs > COLOURS) return { channels, pixel: spreadGrey(channels.map(({ final }) => final)) };

  const centerX = Math.min(Math.max(left + columns.anchor, 0), source.width - 1);
  const centerY = Math.min(Math.max(top + rows.anchor, 0), source.height - 1);
  const pixel = listNumbers(COLOURS).map((channel) => {
    if (plan.channels === "gray" || plan.outputs === 1) return channels[0].final;
    const original = read(centerX, centerY, channel);
    if (plan.channels === "luma") return finish(clip(original + channels[0].responded - channels[0].original));
    const index = chosen.indexOf(channel);
    return index < 0 ? finish(original) : channels[index].final;
  });
  return { channels, pixel };
}

const listNumbers = (count) => Array.from({ length: count }, (_, number) => number);

/** @param {number[]} values one is grey */
const spreadGrey = (values) => (values.length === 1 ? [values[0], values[0], values[0]] : values);

/** What a map is called: a colour if there are three, which are shown as an image. @param {number} map @param {number} count of the maps */
export const nameMap = (map, count) => (count === COLOURS ? ["red", "green", "blue"][map] : count === 1 ? "grey" : `map ${map}`);

function sumProducts(weights, read) {
  let sum = 0;
  weights.forEach((row, i) => row.forEach((weight, j) => {
    sum += weight * read(i, j);
  }));
  return sum;
}

/** Window operations that are no sum of products: what becomes of the values. @type {Record<string, (values: number[]) => number>} */
const CHOICES = {
  median: (values) => [...values].sort((a, b) => a - b)[values.length >> 1], // of an odd number
  largest: (values) => Math.max(...values),
  smallest: (values) => Math.min(...values),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  rectified: ([value]) => Math.max(value, 0),
};

/** Whether a step chooses or averages pixels, so that it has no weights. @param {import("./plan.js").Plan} plan */
export const hasNoWeights = ({ combine }) => combine in CHOICES;

/** The pixel that a layer chose: the largest or the smallest under the window. @param {Computation} computation @returns {Tap|undefined} */
export const findWinner = ({ isChoice, taps, sums }) => (isChoice ? taps.flat(2).find(({ value }) => value === sums[0]) : undefined);

function combine(values, method) {
  if (method === "magnitude") return Math.hypot(...values);
  if (method === "total") return values.reduce((sum, value) => sum + value, 0);
  return method === "maximum" ? Math.max(...values) : values[0];
}

/** Converts a signed value to 0..255, except with `raw`, as kernels/apply/response.py does. */
export function applyResponse(value, response, range) {
  if (response === "raw") return value;
  if (response === "rescale") {
    const [low, high] = range ?? [0, WHITE];
    return high > low ? ((value - low) * WHITE) / (high - low) : 0;
  }
  return clip(response === "abs" ? Math.abs(value) : response === "offset" ? value / 2 + (WHITE + 1) / 2 : value);
}

const clip = (value) => Math.min(Math.max(value, 0), WHITE);

/** Rounds float32 values, as the service does: to nearest, halves to even, as NumPy, TensorFlow and OpenCV do. */
function roundToByte(value) {
  const single = Math.fround(value);
  const down = Math.floor(single);
  return clip(single - down === 0.5 ? down + (down % 2) : Math.round(single));
}
