/** What the filter room asks the service for: kernels, results, and the numbers between two steps. */

import { ask, askOnce } from "../shared/api.js";
import { describeRequest } from "./setting.js";
import { layOut, planStep, respond } from "./pixel.js";
import { readAnswer } from "../shared/image.js";
import { keepCommon } from "./step-controls.js";

/** @param {any[]} kernels the catalogue */
export function describeStepKernel(step, kernels) {
  const { kernel, ...parameters } = step;
  const own = kernels.find(({ name }) => name === kernel)?.parameters.properties ?? {};
  const common = keepCommon(parameters);
  const shaping = Object.entries(parameters).filter(([name]) => !(name in common) && (name !== "amount" || name in own));
  return askOnce(`/kernels/${encodeURIComponent(kernel)}`, Object.fromEntries(shaping));
}

const sendImage = (image, steps, linear, format, accept, signal) => {
  const { path, query } = describeRequest({ steps, linear });
  const { operations, ...rest } = query;
  const form = { file: [image.live, image.name], ...(operations ? { operations } : {}) };
  return ask(path, { query: { ...rest, format }, form, accept, signal });
};

/** @returns {Promise<{pixels: ImageData, clippedPercent: number, milliseconds: string}>} */
export async function filterLive(image, { steps, linear }, signal) {
  const reply = await sendImage(image, steps, linear, "png", "image/png", signal);
  const timing = [...(reply.headers.get("Server-Timing") ?? "").matchAll(/dur=([\d.]+)/g)].reduce((sum, [, spent]) => sum + Number(spent), 0);
  return {
    pixels: await readAnswer(await reply.blob()),
    clippedPercent: Number(reply.headers.get("X-Clipped-Percent")),
    milliseconds: timing.toFixed(0),
  };
}

/** The signed numbers after the last of the steps: float32, neither rounded nor cut off. */
async function fetchNumbers(image, steps, linear, signal) {
  const raw = [...steps.slice(0, -1), { ...steps.at(-1), response: "raw" }];
  const reply = await sendImage(image, raw, linear, "npy", "application/octet-stream, */*", signal);
  const buffer = await reply.arrayBuffer();
  const start = 10 + new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(buffer.slice(10, start));
  const [height, width, channels = 1] = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((part) => part.trim()).map(Number);
  return { width, height, channels, values: new Float32Array(buffer.slice(start)) };
}

/** The smallest and the largest value after a chain, which `rescale` makes black and white. */
export async function fetchRange(image, steps, linear, signal) {
  const { values } = await fetchNumbers(image, steps, linear, signal);
  return findRange(values);
}

const findRange = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

/** What the last step of a chain works on. @returns {Promise<import("./pixel.js").Source>} */
export async function fetchSource(image, steps, plans, linear, signal) {
  if (steps.length === 1) {
    const { width, height, data } = image.pixels;
    return { width, height, get: (x, y, channel) => data[4 * (y * width + x) + channel] };
  }
  const { width, height, channels, values } = await fetchNumbers(image, steps.slice(0, -1), linear, signal);
  const { response } = plans.at(-2);
  const range = response === "rescale" ? findRange(values) : undefined;
  return { width, height, get: (x, y, channel) => respond(values[channels * (y * width + x) + Math.min(channel, channels - 1)], response, range) };
}

/**
 * Every step's arithmetic, and where its result lies on the image.
 * @returns {{plans: import("./pixel.js").Plan[], axes: {rows: any, columns: any}[], placements: any[]}} `placements[n]` is that of what goes into step n
 */
export function planChain(steps, descriptions, width, height) {
  const placements = [{ x: 0, y: 0, scaleX: 1, scaleY: 1 }];
  const plans = steps.map((step, index) => planStep(step, descriptions[index]));
  const axes = plans.map((plan) => {
    const { rows, columns } = layOut(plan, width, height);
    const { x, y, scaleX, scaleY } = placements.at(-1);
    placements.push({ x: x + scaleX * columns.first, y: y + scaleY * rows.first, scaleX: scaleX * columns.stride, scaleY: scaleY * rows.stride });
    [width, height] = [columns.output, rows.output];
    return { rows, columns };
  });
  return { plans, axes, placements };
}
