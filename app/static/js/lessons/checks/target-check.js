/** Whether a result is close to that of a target, as peak signal-to-noise ratio, and what is different. */

import { describePreviewArea } from "../../filters/area/area.js";
import { WHITE } from "../../filters/colour.js";
import { parseSetting } from "../../filters/setting.js";
import { computeResult } from "./filter-result.js";

/** @typedef {{target: string, min_db: number, kernels?: string[], max_steps?: number}} TargetTask */

/** Pixels at the edges that the border can change. */
const FRAME = 8;
const CHANNELS = ["red", "green", "blue"];
/** A difference of the mean that is worth a message, in levels. */
const MIN_OFFSET = 4;
/** How much rougher a result is, as a factor, for a message. */
const MIN_ROUGHNESS = 1.1;

/** @param {TargetTask} task @param {import("../work.js").FilterWork["image"]} image @returns {Promise<ImageData>} throws Problem if a region of the target is outside */
export async function renderTarget({ target }, image) {
  const { steps, linear, area } = parseSetting(target);
  return computeResult(image.pixels, { steps, linear, area: describePreviewArea(area, image) });
}

/** @param {TargetTask} task @param {import("../work.js").FilterWork} work @returns {Promise<import("./check.js").Verdict>} */
export async function checkTarget(task, { image, steps, linear, area }) {
  const obstacle = findObstacle(task, steps);
  if (obstacle) return { isRight: false, message: obstacle };
  const own = await computeResult(image.pixels, { steps, linear, area });
  const target = await renderTarget(task, image);
  if (own.width !== target.width || own.height !== target.height) {
    return { isRight: false, message: `Your result has ${own.width} × ${own.height} pixels, the target ${target.width} × ${target.height}.` };
  }
  const ratio = measureRatio(own, target);
  const needed = task.min_db;
  if (ratio === Infinity) return { isRight: true, message: "Equal to the target, pixel for pixel." };
  if (ratio >= needed) return { isRight: true, message: `Close enough: ${ratio.toFixed(1)} dB; ${needed} dB are needed.` };
  const targetHasArea = parseSetting(task.target).area.regions.length > 0;
  if (Boolean(area) !== targetHasArea) {
    const parts = targetHasArea ? "The target is filtered in a part of the image, your result everywhere." : "Your result is filtered in a part of the image, the target everywhere.";
    return { isRight: false, message: `${ratio.toFixed(1)} dB; ${needed} dB are needed. ${parts}` };
  }
  return { isRight: false, message: `${ratio.toFixed(1)} dB; ${needed} dB are needed. ${describeDifference(own, target, needed)}`.trim() };
}

/** @param {TargetTask} task @param {import("../../filters/setting.js").Step[]} steps */
function findObstacle({ kernels, max_steps: maxSteps }, steps) {
  if (maxSteps && steps.length > maxSteps) {
    return `You have ${steps.length} steps; the task allows ${maxSteps}.`;
  }
  const other = kernels && steps.find(({ kernel }) => !kernels.includes(kernel));
  return other ? `The task allows ${kernels.join(", ")}; you use ${other.kernel}. ${kernels.includes("custom") ? "Change a weight to make it a kernel of your own." : ""}`.trim() : "";
}

/** In dB; Infinity if all pixels are equal. @param {ImageData} own @param {ImageData} target @param {(x: number, y: number, channel: number) => boolean} [counts] */
function measureRatio(own, target, counts = () => true) {
  let [sum, count] = [0, 0];
  forEachValue(own, (index, x, y, channel) => {
    if (!counts(x, y, channel)) return;
    sum += (own.data[index] - target.data[index]) ** 2;
    count++;
  });
  return sum === 0 ? Infinity : 10 * Math.log10((WHITE * WHITE * count) / sum);
}

/** @param {ImageData} image @param {(index: number, x: number, y: number, channel: number) => void} visit */
function forEachValue({ width, height }, visit) {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) visit(4 * (y * width + x) + channel, x, y, channel);
    }
  }
}

/** What a learner can change: the first of border, channels, brightness and sharpness that is wrong. */
function describeDifference(own, target, needed) {
  const isInside = (x, y) => Math.min(x, y, own.width - 1 - x, own.height - 1 - y) >= FRAME;
  if (measureRatio(own, target, isInside) >= needed) return "Inside the image it is right; pixels near the border differ.";
  const wrong = CHANNELS.filter((_, channel) => measureRatio(own, target, (_x, _y, one) => one === channel) < needed);
  if (wrong.length < CHANNELS.length) {
    const right = CHANNELS.filter((name) => !wrong.includes(name));
    return `Right: ${right.join(" and ")}. Different: ${wrong.join(" and ")}.`;
  }
  const offset = Math.round(measureMean(own) - measureMean(target));
  if (Math.abs(offset) >= MIN_OFFSET) return `Your result is ${offset > 0 ? "brighter" : "darker"} by ${Math.abs(offset)} levels on average.`;
  const [x, y] = [0, 1].map((axis) => describeRoughness(measureRoughness(own, axis) / Math.max(measureRoughness(target, axis), 1e-6)));
  if (x === y) return x && `Your result is ${x}.`;
  return `Your result is ${[x && `${x} from left to right`, y && `${y} from top to bottom`].filter(Boolean).join(" and ")}.`;
}

/** @param {number} factor relative to the target */
function describeRoughness(factor) {
  if (factor > MIN_ROUGHNESS) return "too sharp";
  return factor < 1 / MIN_ROUGHNESS ? "too smooth" : "";
}

function measureMean(image) {
  let sum = 0;
  forEachValue(image, (index) => { sum += image.data[index]; });
  return sum / (3 * image.width * image.height);
}

/** The mean difference of neighbours. @param {ImageData} image @param {number} axis 0: in a row, 1: in a column */
function measureRoughness(image, axis) {
  const step = axis ? 4 * image.width : 4;
  let sum = 0;
  forEachValue(image, (index, x, y) => {
    if (axis ? y + 1 < image.height : x + 1 < image.width) sum += Math.abs(image.data[index + step] - image.data[index]);
  });
  return sum / (3 * image.width * image.height);
}
