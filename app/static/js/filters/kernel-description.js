import { requestJsonOnce } from "../shared/api.js";
import { describeTypedLayer } from "./layer-description.js";
import { isLayer } from "./layer-plan.js";
import { pickCommonParameters } from "./step-parameters.js";
import { parseNumber, parseRows } from "./weights.js";

/** A sum this close to 0 counts as 0, relative to the weights, as in kernels/kernel.py. */
const SUM_TOLERANCE = 1e-6;

/**
 * The kernel or layer of a step, with weights, as `GET /kernels/{name}` describes it.
 * @param {import("./setting.js").Step} step @param {any[]} catalogue the kernels and layers that `GET /kernels` lists
 */
export function requestKernel(step, catalogue) {
  const { kernel, ...parameters } = step;
  const listed = catalogue.find(({ name }) => name === kernel);
  if (isLayer(listed)) {
    const typed = describeTypedLayer(step);
    return typed ? Promise.resolve(typed) : requestJsonOnce(`/kernels/${encodeURIComponent(kernel)}`, kernel === "conv" ? {} : parameters);
  }
  const ownParameters = listed?.parameters.properties ?? {};
  const common = pickCommonParameters(parameters);
  const shaping = Object.entries(parameters).filter(([name]) => !(name in common) && (name !== "amount" || name in ownParameters));
  if (listed && !shaping.length) return Promise.resolve(listed);
  return requestJsonOnce(`/kernels/${encodeURIComponent(kernel)}`, Object.fromEntries(shaping));
}

/** The same; null for a step that `GET /kernels` does not know. It may still be one of `POST /filter`. */
export async function requestKnownKernel(step, catalogue) {
  try {
    return await requestKernel(step, catalogue);
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

/**
 * Whether the page knows how a step is computed: not for unknown steps, not for kernels with sides above 63, whose weights
 * `GET /kernels` does not list, and not for a layer without valid weights.
 * @param {any} kernel as `requestKnownKernel` returns it
 */
export const isComputable = (kernel) => kernel !== null && (isLayer(kernel) ? Boolean(kernel.step) : !kernel.factors);

/** The same without asking the service where the weights are known: what the page needs to compute pixels while they change. */
export const describeKernel = (step, catalogue) => describeTypedWeights(step) ?? requestKernel(step, catalogue);

function describeTypedWeights({ kernel, weights: text }) {
  if (kernel !== "custom" || !text) return null;
  const weights = parseRows(text).map((row) => row.map(parseNumber));
  if (weights.flat().includes(null) || weights.some((row) => row.length !== weights[0].length)) return null;
  const total = weights.flat().reduce((sum, weight) => sum + weight, 0);
  const sum = Math.abs(total) < SUM_TOLERANCE * Math.max(1, weights.flat().reduce((size, weight) => size + Math.abs(weight), 0)) ? 0 : total;
  return {
    name: kernel, weights, rows: weights.length, columns: weights[0].length, combine: "single", divisor: 1, sum,
    response: sum === 0 ? "abs" : "clip", parameters: { properties: {} },
  };
}
