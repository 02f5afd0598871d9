/** How a unit of the network gets its value: the inputs under its kernel, the weights, the products and their sum. */

import { FIELD, MAPS, SIDES } from "./inference.js";

/**
 * @typedef {import("./diagram-layout.js").Unit} Unit
 * @typedef {{field: Float32Array, answer: import("./inference.js").Answer}} Computed
 * @typedef {{value: number, patch: number[][], kernel: number[][]|null, products: number[][]|null, inputs: number, shown: string,
 *   parts: number[]|null, strongest?: number, sum: number, bias: number}} Workings `patch`, `kernel` and `products` are of the map
 *   that adds most to the sum, named in `shown`; `parts` are the sums of each map, of which `strongest` is the index of the
 *   largest; `inputs` is the number of products. Pooling has no kernel
 */

const MARGIN = 2;
const KERNEL_OFFSETS = [-2, -1, 0, 1, 2];
/** Of a side of the table of the features that add most to an output. */
const SHOWN_FEATURES = 5;

/** @param {Record<string, import("./inference.js").Layer>} layers @param {Computed} computed @param {Unit} unit @returns {Workings} */
export function workOut(layers, { field, answer }, unit) {
  const { maps, features, logits } = answer;
  switch (unit.stage) {
    case "conv1": return workOutConvolution(layers.conv1, field, FIELD, MAPS.conv1, unit, "the input");
    case "conv2": return workOutConvolution(layers.conv2, maps.pool1, SIDES.pool1, MAPS.conv2, unit, "pooled map");
    case "pool1": return workOutPooling(maps.conv1, SIDES.conv1, MAPS.conv1, unit);
    case "pool2": return workOutPooling(maps.conv2, SIDES.conv2, MAPS.conv2, unit);
    case "dense": return workOutFeature(layers.dense, maps.pool2, features[unit.index], unit.index);
    case "output": return workOutOutput(layers.output, features, logits[unit.index], unit.index);
    default: {
      const value = field[unit.y * FIELD + unit.x];
      return { value, patch: [[value]], kernel: null, products: null, inputs: 0, shown: "", parts: null, sum: value, bias: 0 };
    }
  }
}

/** @param {import("./inference.js").Layer} layer @param {Float32Array} inputs (side, side, channels) @param {Unit} unit */
function workOutConvolution({ kernel, bias }, inputs, side, count, { index, x, y }, source) {
  const channels = inputs.length / side ** 2;
  const readInput = (dy, dx, channel) => {
    const [row, column] = [y + dy, x + dx];
    return row < 0 || column < 0 || row >= side || column >= side ? 0 : inputs[(row * side + column) * channels + channel];
  };
  const readWeight = (dy, dx, channel) => kernel[(((dy + MARGIN) * 5 + dx + MARGIN) * channels + channel) * count + index];
  const table = (read, channel) => KERNEL_OFFSETS.map((dy) => KERNEL_OFFSETS.map((dx) => read(dy, dx, channel)));
  return compareChannels(channels, bias[index], source, (channel) => [table(readInput, channel), table(readWeight, channel)]);
}

/** @param {import("./inference.js").Layer} layer @param {Float32Array} inputs pool2 */
function workOutFeature({ kernel, bias }, inputs, value, index) {
  const [side, channels, units] = [SIDES.pool2, MAPS.pool2, bias.length];
  const places = Array.from({ length: side }, (_, row) => Array.from({ length: side }, (__, column) => (row * side + column) * channels));
  const table = (read, channel) => places.map((row) => row.map((place) => read(place + channel)));
  return { ...compareChannels(channels, bias[index], "pooled map", (channel) =>
    [table((at) => inputs[at], channel), table((at) => kernel[at * units + index], channel)]), value };
}

/**
 * @param {number} channels @param {number} bias @param {string} source
 * @param {(channel: number) => [number[][], number[][]]} read patch and kernel
 * @returns {Workings}
 */
function compareChannels(channels, bias, source, read) {
  const parts = Array.from({ length: channels }, (_, channel) => sumProducts(...read(channel)));
  const strongest = parts.reduce((best, part, channel) => (Math.abs(part) > Math.abs(parts[best]) ? channel : best), 0);
  const [patch, kernel] = read(strongest);
  const sum = parts.reduce((total, part) => total + part, 0);
  return {
    value: Math.max(sum + bias, 0), patch, kernel, products: multiply(patch, kernel), inputs: channels * patch.flat().length,
    shown: channels > 1 ? `${source} ${strongest}` : source, parts: channels > 1 ? parts : null, strongest, sum, bias,
  };
}

/** @param {Float32Array} inputs (side, side, count) @param {Unit} unit @returns {Workings} */
function workOutPooling(inputs, side, count, { index, x, y }) {
  const patch = [0, 1].map((dy) => [0, 1].map((dx) => inputs[((2 * y + dy) * side + 2 * x + dx) * count + index]));
  const value = Math.max(...patch.flat());
  return { value, patch, kernel: null, products: null, inputs: 4, shown: `map ${index}`, parts: null, sum: value, bias: 0 };
}

/** @param {import("./inference.js").Layer} layer @returns {Workings} */
function workOutOutput({ kernel, bias }, features, value, index) {
  const products = rankFeatures({ kernel, bias }, features, index).slice(0, SHOWN_FEATURES ** 2);
  const table = (read) => Array.from({ length: SHOWN_FEATURES }, (_, row) => products.slice(row * SHOWN_FEATURES, (row + 1) * SHOWN_FEATURES).map(read));
  return {
    value, patch: table(({ feature }) => features[feature]), kernel: table(({ weight }) => weight), products: table(({ product }) => product),
    inputs: features.length, shown: `the ${products.length} features that count most`, parts: null, sum: value - bias[index], bias: bias[index],
  };
}

/** The features by the magnitude of what they add to an output. @param {import("./inference.js").Layer} layer */
export function rankFeatures({ kernel, bias }, features, index) {
  return Array.from(features, (value, feature) => {
    const weight = kernel[feature * bias.length + index];
    return { feature, weight, product: value * weight };
  }).sort((left, right) => Math.abs(right.product) - Math.abs(left.product));
}

/**
 * How much each map before it counts for a map of conv2 or a feature: from -1 to 1, by the length of the weights between
 * them, with the sign of their sum.
 * @param {Record<string, import("./inference.js").Layer>} layers @param {"conv2"|"dense"} stage
 */
export function weighInputs(layers, stage, index) {
  const { kernel, bias } = layers[stage];
  const [channels, count] = [stage === "conv2" ? MAPS.pool1 : MAPS.pool2, bias.length];
  const [squares, sums] = [new Float64Array(channels), new Float64Array(channels)];
  for (let at = index, input = 0; at < kernel.length; at += count, input++) {
    squares[input % channels] += kernel[at] ** 2;
    sums[input % channels] += kernel[at];
  }
  const largest = Math.sqrt(Math.max(...squares)) || 1;
  return Array.from(squares, (square, channel) => (Math.sqrt(square) / largest) * (sums[channel] < 0 ? -1 : 1));
}

const multiply = (left, right) => left.map((row, y) => row.map((value, x) => value * right[y][x]));
const sumProducts = (left, right) => multiply(left, right).flat().reduce((sum, product) => sum + product, 0);
