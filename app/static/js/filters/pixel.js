/**
 * Computes one pixel of a result by the rules of kernels/apply/filter.py. A browser test compares the two.
 *
 * @typedef {{width: number, height: number, get: (x: number, y: number, channel: number) => number}} Source values in 0..255
 * @typedef {{x: number, y: number, outside: boolean, value: number, weight: number, product: number}} Tap one weight and
 *   the pixel under it
 * @typedef {{name: string, taps: Tap[][][], sums: number[], divided: number, original: number, mixed: number,
 *   biased: number, responded: number, final: number}} Computation the values from patch to pixel, of one
 *   channel; the median takes the place of the sum
 */

import { WHITE, decodeSrgb, encodeSrgb, measureBrightness } from "./colour.js";
import { layOut, resolveBorder } from "./geometry.js";

/**
 * How a step reads its input: the channels that it filters, and a function for the value at a place that may lie outside
 * the image, where the border supplies it.
 * @param {Source} source @param {import("./plan.js").Plan} plan @param {{linear: boolean, decoded?: boolean}} options
 */
export function readFor(source, plan, { linear, decoded = false }) {
  const grey = plan.channels === "gray" || plan.channels === "luma";
  const chosen = grey ? [0] : [0, 1, 2].filter((channel) => plan.channels === "rgb" || plan.channels.includes("rgb"[channel]));
  const read = (x, y, channel) => (linear && !decoded ? decodeSrgb(source.get(x, y, channel)) : source.get(x, y, channel));
  const readPadded = (x, y, channel) => {
    const [fromX, fromY] = [resolveBorder(x, source.width, plan.border), resolveBorder(y, source.height, plan.border)];
    if (fromX < 0 || fromY < 0) return 0;
    return grey ? measureBrightness((one) => read(fromX, fromY, one), linear) : read(fromX, fromY, channel);
  };
  return { chosen, grey, read, readPadded };
}

/**
 * @param {Source} source @param {import("./plan.js").Plan} plan @param {number} x @param {number} y of the result
 * @param {{linear: boolean, decoded?: boolean, range?: [number, number]}} options `decoded`: the source holds linear light
 *   already; `range`: the smallest and largest value, for `rescale`
 * @param {boolean} [withTaps] false: without the single products, which takes a fraction of the time
 * @returns {{channels: Computation[], pixel: number[]}} `pixel` is red, green, blue in 0..255
 */
export function computePixel(source, plan, x, y, { linear, decoded = false, range }, withTaps = true) {
  const { rows, columns } = layOut(plan, source.width, source.height);
  const top = y * rows.stride - rows.before;
  const left = x * columns.stride - columns.before;
  const { chosen, grey, read, readPadded } = readFor(source, plan, { linear, decoded });
  const finish = (value) => roundToByte(linear ? encodeSrgb(value) : value);

  const channels = chosen.map((channel) => {
    const taps = !withTaps ? [] : plan.parts.map((part) => part.map((row, i) => row.map((weight, j) => {
      const [px, py] = [left + j * columns.dilation, top + i * rows.dilation];
      const value = readPadded(px, py, channel);
      const outside = px < 0 || py < 0 || px >= source.width || py >= source.height;
      return { x: px, y: py, outside, value, weight, product: value * weight };
    })));
    const sums = plan.parts.map((part) => {
      if (plan.combine === "median") return findMedian(part.flatMap((row, i) => row.map((_, j) =>
        readPadded(left + j * columns.dilation, top + i * rows.dilation, channel))));
      let sum = 0;
      part.forEach((row, i) => row.forEach((weight, j) => {
        sum += weight * readPadded(left + j * columns.dilation, top + i * rows.dilation, channel);
      }));
      return sum;
    });
    const divided = combine(sums.map((sum) => sum / plan.divisor), plan.combine);
    const original = readPadded(left + columns.anchor, top + rows.anchor, channel);
    const mixed = plan.amount === 1 ? divided : plan.amount * divided + (1 - plan.amount) * original;
    const biased = mixed + plan.bias;
    const responded = applyResponse(biased, plan.response, range);
    const name = grey ? "brightness" : ["red", "green", "blue"][channel];
    return { name, taps, sums, divided, original, mixed, biased, responded, final: finish(responded) };
  });

  const centerX = Math.min(Math.max(left + columns.anchor, 0), source.width - 1);
  const centerY = Math.min(Math.max(top + rows.anchor, 0), source.height - 1);
  const pixel = [0, 1, 2].map((channel) => {
    if (plan.channels === "gray") return channels[0].final;
    const original = read(centerX, centerY, channel);
    if (plan.channels === "luma") return finish(clip(original + channels[0].responded - channels[0].original));
    const index = chosen.indexOf(channel);
    return index < 0 ? finish(original) : channels[index].final;
  });
  return { channels, pixel };
}

/** Of an odd number of values. @param {number[]} values */
const findMedian = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function combine(values, method) {
  if (method === "magnitude") return Math.hypot(...values);
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
