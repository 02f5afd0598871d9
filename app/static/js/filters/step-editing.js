import { pickCommonParameters } from "./step-parameters.js";
import { MAX_EDITABLE_SIDE, formatRows, toRows } from "./weights.js";

const IDENTITY_WEIGHTS = "0,0,0;0,1,0;0,0,0";

/**
 * Listeners that write what the controls of the active step change into the setting.
 * @param {import("./setting.js").Setting} setting
 * @param {any} kernel of the step, as `GET /kernels/{name}` describes it, or null
 * @param {(change: () => void, what: "step"|"chain") => void} apply @param {() => void} redrawChain
 * @returns {import("./step-controls.js").StepListeners}
 */
export function editStep(setting, kernel, apply, redrawChain) {
  const { steps, active } = setting;
  const step = steps[active];
  return {
    onSet: (name, value) => apply(() => {
      if (value === "") delete step[name];
      else step[name] = value;
    }, "step"),
    onChooseKernel: (name) => apply(() => {
      const { divisor, ...common } = pickCommonParameters(step); // the divisor belongs to the weights
      steps[active] = { kernel: name, ...common, ...(name === "custom" ? copyWeights(kernel, divisor) : {}) };
    }, "chain"),
    onEditWeights: (weights, edited) => apply(() => {
      if (step.kernel !== "custom") makeCustom(step, edited);
      step.weights = weights;
      redrawChain();
    }, "step"),
  };
}

/** Editing a named kernel makes it custom. The divisor stays. */
function makeCustom(step, kernel) {
  const common = pickCommonParameters(step);
  for (const name of Object.keys(step)) if (!(name in common)) delete step[name];
  step.kernel = "custom";
  if (!step.divisor && kernel.divisor !== 1) step.divisor = String(kernel.divisor);
}

/** The weights and divisor of a kernel that can be edited, else those of the identity. */
function copyWeights(kernel, divisor) {
  const editable = kernel?.combine === "single" && Math.max(kernel.rows, kernel.columns) <= MAX_EDITABLE_SIDE;
  if (!editable) return { weights: IDENTITY_WEIGHTS };
  const copied = divisor ?? (kernel.divisor === 1 ? undefined : String(kernel.divisor));
  return { weights: formatRows(toRows(kernel.weights)), ...(copied ? { divisor: copied } : {}) };
}
