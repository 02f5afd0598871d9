import { askJson } from "../shared/api.js";
import { make } from "../shared/dom.js";

/** (W - F + 2P)/S + 1 with the numbers of a step, by the service. @param {import("./pixel.js").Plan} plan */
export async function drawSize(place, plan, { rows, columns }, signal) {
  const padding = plan.border === "valid" ? "VALID" : "SAME";
  const [{ length: high }, [{ length: wide }]] = [plan.parts[0], plan.parts[0]];
  const lines = await Promise.all([["width", columns, wide], ["height", rows, high]].map(async ([name, axis, kernel]) => {
    const query = { input: axis.input, kernel, stride: axis.stride, dilation: axis.dilation, padding };
    const { worked_out } = await askJson("/size", { query, signal });
    return make("span", {}, make("b", {}, `${name} `), worked_out);
  }));
  if (!signal.aborted) place.replaceChildren(...lines);
}
