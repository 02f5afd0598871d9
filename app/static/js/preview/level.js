/** The constant that is subtracted before `rescale` stretches a result, as in kernels/apply/level.py. */

const NOISE = 2 ** -18;

/** @returns {number[]|null} a visible colour @param {import("./operations.js").StepPlan} plan */
export function findLevel(colours, alpha, plan) {
  if (plan.response !== "rescale" || plan.border === "zero") return null;
  const isLinear = plan.combine === "single" || plan.weights.every((part) => Math.abs(part.flat().reduce((sum, weight) => sum + weight, 0)) < 1e-9);
  const dividesByCoverage = alpha && plan.alpha === "filter" && plan.sum !== 1;
  if (!isLinear || dividesByCoverage) return null;
  const at = alpha ? alpha.reduce((best, value, index) => (value > alpha[best] ? index : best), 0) : 0;
  return colours.map((plane) => plane[at]);
}

/** The differences from the level; 0 if those of visible colours are no larger than rounding errors. */
export function subtractLevel(colours, alpha, level) {
  const differences = colours.map((plane, channel) => plane.map((value) => value - level[channel]));
  let largest = 0;
  for (const plane of differences) {
    for (let index = 0; index < plane.length; index++) if (!alpha || alpha[index] > 0) largest = Math.max(largest, Math.abs(plane[index]));
  }
  const noise = NOISE * Math.max(...level.map(Math.abs));
  return largest <= noise ? colours.map((plane) => new Float32Array(plane.length)) : differences;
}
