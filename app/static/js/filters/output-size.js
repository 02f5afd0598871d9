import { requestJson } from "../shared/api.js";
import { make } from "../shared/dom.js";

/**
 * The size of a step's result, (W - F + 2P)/S + 1, as the service computes it.
 * @param {HTMLElement} root @param {import("./plan.js").Plan} plan
 * @param {{rows: import("./geometry.js").Axis, columns: import("./geometry.js").Axis}} axes @param {AbortSignal} signal
 */
export async function drawOutputSize(root, { border, parts }, { rows, columns }, signal) {
  const padding = border === "valid" ? "VALID" : "SAME";
  const [kernelHeight, kernelWidth] = [parts[0].length, parts[0][0].length];
  const drawLine = async (name, axis, kernel) => {
    const query = { input: axis.input, kernel, stride: axis.stride, dilation: axis.dilation, padding };
    const { worked_out: equation } = await requestJson("/size", { query, signal });
    return make("span", {}, make("b", {}, `${name} `), equation);
  };
  const lines = await Promise.all([drawLine("width", columns, kernelWidth), drawLine("height", rows, kernelHeight)]);
  if (!signal.aborted) root.replaceChildren(...lines);
}
