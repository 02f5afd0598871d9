/**
 * Operations of `POST /filter` as plans with all weights, and what the browser cannot compute.
 *
 * @typedef {Record<string, any> & {kernel: string}} Operation as in the parameter `operations`
 * @typedef {import("../filters/plan.js").Plan & {weights: number[][][], factors: (import("./factors.js").Factors|null)[],
 *   alpha: string, kernelSum: number, sum: number, roundsAtOnce?: boolean, opaque?: object}} StepPlan `weights` and `parts`
 *   are those of the kernel; `sum` is that of the weights after divisor and amount; `opaque` replaces fields if the image
 *   has no alpha, for the steps that the service rounds at once
 */

import { requestJsonOnce } from "../shared/api.js";
import { requestKernel } from "../filters/kernel-description.js";
import { planStep } from "../filters/plan.js";
import { CHOICES } from "../filters/step-parameters.js";
import { formatRows, parseNumber, parseRows } from "../filters/weights.js";
import { chooseFactors } from "./factors.js";

/** The browser cannot compute what the service can. The message says why. */
export class NotComputable extends Error {}

const MAX_STEPS = 10;
const MAX_SIDE = 63;
const SUM_TOLERANCE = 1e-6;
const WHITE = 255;
/** Above this bound the service rounds through float32 planes (kernels/apply/rounded.py). */
const LARGEST_VALUE = 1e9;

/** @param {Operation[]} operations @returns {true|string} or why the browser cannot compute them */
export function checkOperations(operations) {
  if (!Array.isArray(operations) || operations.length < 1 || operations.length > MAX_STEPS) return `A chain has 1 to ${MAX_STEPS} steps.`;
  for (const step of operations.map(toStep)) {
    if (step.response === "raw") return "Results with response=raw are numbers, not an image.";
    for (const [name, choices] of Object.entries(CHOICES)) {
      const values = name === "stride" || name === "dilation" ? (step[name] ?? "1").split(",") : [step[name] ?? choices[0]];
      if (!values.every((value) => choices.includes(value))) return `${name}=${step[name]} is left to the service.`;
    }
    if (step.kernel === "custom" && !describeCustomKernel(step)) return "The weights are left to the service.";
  }
  return true;
}

/** Values as text, as in the page's setting. @param {Operation|string} operation @returns {import("../filters/setting.js").Step} */
function toStep(operation) {
  if (typeof operation === "string") return { kernel: operation };
  return /** @type {any} */ (Object.fromEntries(Object.entries(operation).filter(([, value]) => value != null).map(([name, value]) =>
    [name, name === "weights" && Array.isArray(value) ? formatRows(value) : Array.isArray(value) ? value.join(",") : String(value)])));
}

/** The plans of the last operations: those of a video stay the same for many frames. */
let last = { text: "", plans: /** @type {Promise<StepPlan[]>} */ (Promise.resolve([])) };

/** @param {Operation[]} operations @returns {Promise<StepPlan[]>} throws Problem if the service rejects a kernel, NotComputable */
export function planOperations(operations) {
  const text = JSON.stringify(operations);
  if (text !== last.text) {
    const plans = makePlans(operations);
    last = { text, plans };
    plans.catch(() => { last.text = ""; });
  }
  return last.plans;
}

async function makePlans(operations) {
  const steps = operations.map(toStep);
  const { kernels: catalogue, layers } = steps.every((step) => step.kernel === "custom") ? { kernels: [], layers: [] } : await requestJsonOnce("/kernels");
  if (steps.some((step) => layers.some(({ name }) => name === step.kernel))) throw new NotComputable("Layers are left to it.");
  const plans = await Promise.all(steps.map(async (step) => completePlan(step, await describeKernel(step, catalogue))));
  return plans.length === 1 ? [planOpaque(plans[0])] : plans;
}

/** A number that is dragged changes the picture at once: the weights need no request. */
const describeKernel = (step, catalogue) => (step.kernel === "custom" ? describeCustomKernel(step) : requestKernel(step, catalogue));

/** As `GET /kernels/custom` describes it; null if the weights are not rows of numbers. */
function describeCustomKernel({ weights: text = "", columns }) {
  if (columns || !(text.includes(";") || text.trim().startsWith("[["))) return null;
  const weights = parseRows(text).map((row) => row.map(parseNumber));
  const flat = weights.flat();
  const isValid = weights.length <= MAX_SIDE && weights[0].length <= MAX_SIDE && weights.every((row) => row.length === weights[0].length)
    && !flat.includes(null) && flat.some(Boolean) && flat.every((weight) => Math.abs(weight) <= 1e6);
  if (!isValid) return null;
  const sum = roundSum(flat);
  return { combine: "single", weights, divisor: 1, sum, response: sum === 0 ? "abs" : "clip", parameters: { properties: {} } };
}

/** The sum of the weights; 0 or 1 if it differs from these by a rounding error only (kernels/kernel.py). */
function roundSum(weights) {
  let [sum, error] = [0, 0]; // Neumaier's compensated sum
  for (const weight of weights) {
    const total = sum + weight;
    error += Math.abs(sum) >= Math.abs(weight) ? sum - total + weight : weight - total + sum;
    sum = total;
  }
  sum += error;
  const tolerance = SUM_TOLERANCE * Math.max(1, weights.reduce((size, weight) => size + Math.abs(weight), 0));
  return [0, 1].find((exact) => Math.abs(sum - exact) < tolerance) ?? sum;
}

/** @returns {StepPlan} throws NotComputable */
function completePlan(step, kernel) {
  if (kernel.combine === "median") throw new NotComputable("The service computes the median.");
  if (kernel.factors) throw new NotComputable("The service computes kernels with a side above 63.");
  const plan = planStep(step, kernel);
  return {
    ...plan, weights: plan.parts, factors: plan.parts.map(chooseFactors), alpha: step.alpha ?? "auto", kernelSum: kernel.sum,
    sum: roundSum([(plan.amount * kernel.sum) / plan.divisor, 1 - plan.amount]),
  };
}

/**
 * A divisor that is a power of 2 divides the weights of a single step without rounding. The result differs only for factors,
 * which are rounded to float32 after they were scaled.
 * @param {StepPlan} plan
 */
function planOpaque(plan) {
  const { parts, divisor, response, amount, channels, bias } = plan;
  const size = Math.max(...parts.map((part) => part.flat().reduce((sum, weight) => sum + Math.abs(weight), 0)));
  const isRoundedAtOnce = ["clip", "abs", "offset"].includes(response) && amount === 1 && channels === "rgb"
    && (parts.length * size * WHITE) / Math.abs(divisor) + Math.abs(bias) < LARGEST_VALUE;
  if (!isRoundedAtOnce) return plan;
  if (!Number.isInteger(Math.log2(Math.abs(divisor)))) return { ...plan, opaque: { roundsAtOnce: true } };
  const scaled = parts.map((part) => part.map((row) => row.map((weight) => weight / divisor)));
  return { ...plan, opaque: { roundsAtOnce: true, parts: scaled, divisor: 1, factors: scaled.map(chooseFactors) } };
}
