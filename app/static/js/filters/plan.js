/** Steps with every default resolved, as kernels/apply/filter.py applies them. */

import { COLOURS, WHITE } from "./colour.js";
import { layOut } from "./geometry.js";
import { isLayer, planLayer } from "./layer-plan.js";

/**
 * @typedef {{parts: number[][][], combine: string, divisor: number, bias: number, response: string, amount: number,
 *   border: string, channels: string, stride: number[], dilation: number[], anchor: number[]|null,
 *   layer?: import("./layer-plan.js").LayerParts, inputs?: number, outputs?: number, passed?: string}} Plan a window
 *   operation: `parts` are the weights that are laid over the image, those of the first output if `layer` has several, and
 *   `combine` says how the values under them become one number. `bias` is in 0..255; `stride` and `dilation` are [y, x],
 *   `anchor` is [x, y]. In a chain: `inputs` and `outputs` are numbers of maps, `response` is that of the step if it is
 *   the last one, `passed` what the next step gets
 * @typedef {{x: number, y: number, scaleX: number, scaleY: number}} Placement of a result on the original image, in its pixels
 * @typedef {{plans: Plan[], axes: {rows: import("./geometry.js").Axis, columns: import("./geometry.js").Axis}[],
 *   placements: Placement[]}} Chain `placements[n]` is that of the input of step n; the last one is that of the result
 */

/** @param {import("./setting.js").Step} step @param {any} kernel as `GET /kernels/{name}` describes it @returns {Plan} */
export function planStep(step, kernel) {
  const parts = kernel.combine === "single" ? [kernel.weights] : kernel.weights;
  // The median has no weights: each pixel counts once.
  const marks = kernel.combine === "median" ? parts.map((part) => part.map((row) => row.map(() => 1))) : parts;
  const rotated = marks.map((part) => part.map((row) => [...row].reverse()).reverse());
  const kernelHasAmount = "amount" in kernel.parameters.properties;
  const amount = kernelHasAmount ? 1 : Number(step.amount ?? 1);
  const bias = step.bias ?? "0";
  return {
    parts: step.behaviour === "convolve" ? rotated : marks,
    combine: kernel.combine,
    divisor: chooseDivisor(step.divisor, kernel),
    bias: bias.endsWith("%") ? (Number(bias.slice(0, -1)) / 100) * WHITE : Number(bias),
    response: step.response || (amount < 1 && kernel.response === "abs" ? "clip" : kernel.response),
    amount,
    border: step.border ?? "edge",
    channels: step.channels ?? "rgb",
    stride: parsePair(step.stride),
    dilation: parsePair(step.dilation),
    anchor: step.anchor ? step.anchor.split(",").map(Number) : null,
  };
}

function chooseDivisor(text, kernel) {
  if (!text) return kernel.divisor;
  if (text === "auto") return kernel.sum || 1;
  return text === "none" ? 1 : Number(text);
}

/** "2" or "2,3" as [y, x]. */
export function parsePair(text) {
  const pair = String(text ?? 1).split(/\s*[,x]\s*/).map(Number);
  return pair.length === 2 ? pair : [pair[0], pair[0]];
}

/** Numbers of maps that are an image. The page shows those of IMAGE_MAPS; four maps are numbers for it. */
const IMAGE_MAPS = [1, COLOURS, 4];

/**
 * The maps and the responses follow from the steps before: from the first layer on, values are passed on as they are unless
 * a step sets a response, and maps that are no image stay numbers (kernels/apply/filter.py).
 */
function planSteps(steps, kernels, linear) {
  let [maps, followsLayer] = [COLOURS, false];
  return steps.map((step, index) => {
    const kernel = kernels[index];
    const plan = isLayer(kernel) ? planLayer(kernel, linear) : planStep(step, kernel);
    followsLayer ||= isLayer(kernel);
    const inputs = maps;
    maps = countOutputs(plan, inputs);
    const isImage = IMAGE_MAPS.includes(maps);
    return {
      ...plan, inputs, outputs: maps, response: isImage || step.response ? plan.response : "raw",
      passed: followsLayer && !step.response ? "raw" : plan.response,
    };
  });
}

/** 32 MB as float32. A photograph has fewer than half of them. */
const MAX_VALUES = 8e6;

/**
 * Whether the maps before or after a step are too many numbers to load into the page.
 * @param {Plan} plan of a chain @param {{rows: import("./geometry.js").Axis, columns: import("./geometry.js").Axis}} axes
 */
export const isTooLarge = ({ inputs, outputs }, { rows, columns }) =>
  Math.max(inputs * rows.input * columns.input, outputs * rows.output * columns.output) > MAX_VALUES;

/** @param {Plan} plan @param {number} inputs */
function countOutputs({ layer, channels }, inputs) {
  if (layer?.filters) return layer.filters.length;
  if (channels === "gray") return 1;
  return channels === "rgb" || channels === "luma" ? inputs : COLOURS;
}

/**
 * @param {import("./setting.js").Step[]} steps @param {any[]} kernels one for each step, or layer
 * @param {{width: number, height: number}} image @param {boolean} linear
 * @returns {Chain}
 */
export function planChain(steps, kernels, { width, height }, linear) {
  const placements = [{ x: 0, y: 0, scaleX: 1, scaleY: 1 }];
  const plans = planSteps(steps, kernels, linear);
  const axes = plans.map((plan) => {
    const { rows, columns } = layOut(plan, width, height);
    const { x, y, scaleX, scaleY } = placements.at(-1);
    placements.push({ x: x + scaleX * columns.first, y: y + scaleY * rows.first, scaleX: scaleX * columns.stride, scaleY: scaleY * rows.stride });
    [width, height] = [columns.output, rows.output];
    return { rows, columns };
  });
  return { plans, axes, placements };
}
