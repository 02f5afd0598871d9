/** Layers of `GET /kernels/{name}`, and those whose weights are in the setting. */

import { WHITE } from "./colour.js";
import { parsePair } from "./plan.js";
import { parseNumber, shorten } from "./weights.js";

/** @typedef {number[][][][]} Filters weights as output, input, row, column */

/** Of a new layer: red in the centre against green around it, as a cell of the retina responds. @type {Filters} */
export const EXAMPLE_FILTERS = [[
  [[0, 0, 0], [0, 2, 0], [0, 0, 0]], [[-0.25, -0.25, -0.25], [-0.25, 0, -0.25], [-0.25, -0.25, -0.25]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
]];

/**
 * The layer `conv` as `GET /kernels/conv` describes it, without a request: its weights can be too long for an address, and
 * they change while they are dragged. Null if the step is another one or has no valid weights.
 * @param {import("./setting.js").Step} step
 */
export function describeTypedLayer(step) {
  if (step.kernel !== "conv") return null;
  const filters = parseFilters(step.weights ?? "", step.layout);
  const bias = (step.bias ?? "0").split(",").map((text) => parseBias(text.trim()));
  if (!filters || bias.includes(null) || ![1, filters.length].includes(bias.length)) return null;
  const { border = "edge", channels = "rgb", response = "clip" } = step;
  const settings = ["bias", "border", "channels", "dilation", "layout", "response", "stride", "weights"];
  return {
    name: "conv", title: "Convolution over all maps", kind: "conv", settings, parameters: { properties: {} },
    step: {
      size: [filters[0][0].length, filters[0][0][0].length], stride: parsePair(step.stride), dilation: parsePair(step.dilation),
      border, channels, response, weights: filters, linear_weights: null, bias, rectified: false,
    },
  };
}

/** A number, or a percentage of white. @param {string} text @returns {number|null} */
function parseBias(text) {
  const number = parseNumber(text.replace(/%$/, ""));
  return number !== null && text.endsWith("%") ? (number / 100) * WHITE : number;
}

/**
 * Four axes in the order of the layout, or a colour matrix [output][input].
 * @param {string} text JSON @param {string} [layout] `oihw` (default) or `hwio` @returns {Filters|null} null if it is invalid
 */
function parseFilters(text, layout = "oihw") {
  let lists;
  try {
    lists = JSON.parse(text);
  } catch {
    return null;
  }
  const shape = measureShape(lists);
  if (shape?.length === 2) return lists.map((row) => row.map((weight) => [[weight]]));
  if (shape?.length !== 4) return null;
  if (layout !== "hwio") return lists;
  const [height, width, inputs, outputs] = shape;
  const list = (length, get) => Array.from({ length }, (_, index) => get(index));
  return list(outputs, (o) => list(inputs, (i) => list(height, (y) => list(width, (x) => lists[y][x][i][o]))));
}

/** The lengths of nested lists of numbers; null if they differ on one axis. @returns {number[]|null} */
function measureShape(value) {
  if (typeof value === "number") return [];
  if (!Array.isArray(value) || !value.length) return null;
  const shapes = value.map(measureShape);
  return shapes.every((shape) => shape && String(shape) === String(shapes[0])) ? [value.length, ...shapes[0]] : null;
}

/** Weights of the layer `conv` as text. They are float32. @param {Filters} filters */
export const formatFilters = (filters) => JSON.stringify(filters, (_, value) => (typeof value === "number" ? shorten(value) : value));
