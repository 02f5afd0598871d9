import { EXAMPLE_FILTERS, formatFilters } from "./layer-description.js";
import { isLayer } from "./layer-plan.js";
import { pickCommonParameters } from "./step-parameters.js";
import { MAX_EDITABLE_SIDE, formatRows, toRows } from "./weights.js";

const IDENTITY_WEIGHTS = "0,0,0;0,1,0;0,0,0";

/**
 * Listeners that write what the controls of the active step change into the setting.
 * @param {import("./setting.js").Setting} setting
 * @param {any} kernel of the step, or its layer, as `GET /kernels/{name}` describes it, or null
 * @param {any[]} catalogue of kernels and layers
 * @param {(change: () => void, what: "step"|"chain") => void} apply @param {() => void} redrawChain
 * @returns {import("./step-controls.js").StepListeners}
 */
export function editStep(setting, kernel, catalogue, apply, redrawChain) {
  const { steps, active } = setting;
  const step = steps[active];
  return {
    onSet: (name, value) => apply(() => {
      if (value === "") delete step[name];
      else step[name] = value;
    }, "step"),
    onChooseKernel: (name) => apply(() => {
      const { divisor, ...common } = pickCommonParameters(step); // the divisor belongs to the weights
      const layer = catalogue.find((one) => one.name === name && isLayer(one));
      if (layer) steps[active] = { kernel: name, ...(name === "conv" ? { weights: formatFilters(EXAMPLE_FILTERS) } : {}) };
      else steps[active] = { kernel: name, ...(isLayer(kernel) ? {} : common), ...(name === "custom" ? copyWeights(kernel, divisor) : {}) };
    }, "chain"),
    onEditWeights: (weights, edited) => apply(() => {
      if (step.kernel !== "custom") makeCustom(step, edited);
      step.weights = weights;
      redrawChain();
    }, "step"),
    onEditFilters: (filters) => apply(() => {
      if (step.kernel !== "conv") makeConvolution(step, kernel);
      delete step.layout; // the weights are written in the default order
      step.weights = formatFilters(filters);
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

/** Editing a colour matrix makes it a layer with weights of its own. Its response stays. */
function makeConvolution(step, { step: { response } }) {
  for (const name of Object.keys(step)) delete step[name];
  Object.assign(step, { kernel: "conv", ...(response === "clip" ? {} : { response }) });
}

/** The weights and divisor of a kernel that can be edited, else those of the identity. */
function copyWeights(kernel, divisor) {
  const editable = !isLayer(kernel) && kernel?.combine === "single" && Math.max(kernel.rows, kernel.columns) <= MAX_EDITABLE_SIDE;
  if (!editable) return { weights: IDENTITY_WEIGHTS };
  const copied = divisor ?? (kernel.divisor === 1 ? undefined : String(kernel.divisor));
  return { weights: formatRows(toRows(kernel.weights)), ...(copied ? { divisor: copied } : {}) };
}
