import { requestJsonOnce } from "../shared/api.js";
import { pickCommonParameters } from "./step-parameters.js";

/**
 * The kernel of a step, with weights, as `GET /kernels/{name}` describes it.
 * @param {import("./setting.js").Step} step @param {any[]} catalogue the kernels that `GET /kernels` lists
 */
export function requestKernel(step, catalogue) {
  const { kernel, ...parameters } = step;
  const ownParameters = catalogue.find(({ name }) => name === kernel)?.parameters.properties ?? {};
  const common = pickCommonParameters(parameters);
  const shaping = Object.entries(parameters).filter(([name]) => !(name in common) && (name !== "amount" || name in ownParameters));
  return requestJsonOnce(`/kernels/${encodeURIComponent(kernel)}`, Object.fromEntries(shaping));
}
