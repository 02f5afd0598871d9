import { keepCommon } from "./step-controls.js";
import { MAX_SIDE, formatRows, writeRows } from "./weights.js";

/**
 * What the controls of the active step do to the setting.
 * @param {import("./setting.js").Setting} setting @param {any} kernel the step's, as described by the service, or null
 * @param {(change: () => void, what: string) => void} apply @param {() => void} drawChain
 */
export function editStep(setting, kernel, apply, drawChain) {
  const { steps, active } = setting;
  const step = steps[active];
  return {
    set: (name, value) => apply(() => {
      if (value === "") delete step[name];
      else step[name] = value;
    }, "step"),
    choose: (name) => apply(() => {
      const { divisor, ...common } = keepCommon(step); // the divisor belongs to the weights
      steps[active] = { kernel: name, ...common, ...(name === "custom" ? startCustom(kernel, divisor) : {}) };
    }, "chain"),
    write: (weights, from) => apply(() => {
      if (step.kernel !== "custom") turnCustom(step, from);
      step.weights = weights;
      drawChain();
    }, "step"),
  };
}

/** A named kernel that is edited becomes one's own, divided as before. */
function turnCustom(step, from) {
  const common = keepCommon(step);
  for (const name of Object.keys(step)) if (!(name in common)) delete step[name];
  step.kernel = "custom";
  if (!step.divisor && from.divisor !== 1) step.divisor = String(from.divisor);
}

/** The weights that were there, where they can be edited; else those that change nothing. */
function startCustom(kernel, divisor) {
  const editable = kernel?.combine === "single" && Math.max(kernel.rows, kernel.columns) <= MAX_SIDE;
  if (!editable) return { weights: "0,0,0;0,1,0;0,0,0" };
  const divided = divisor ?? (kernel.divisor === 1 ? undefined : String(kernel.divisor));
  return { weights: formatRows(writeRows(kernel.weights)), ...(divided ? { divisor: divided } : {}) };
}
