import { find, make, setText } from "../shared/dom.js";
import { COLOURS } from "./colour.js";

const MIN_CLIPPED_PERCENT = 1;
const MIN_CLIPPED_PERCENT_OF_OFFSET = 5;

/**
 * Size and clipping of a result, and what avoids the clipping: another response or, if the weights sum to more than 1, a divisor.
 * @param {import("./filter-results.js").FilterResult} result
 * @param {{plan: import("./plan.js").Plan, axes: {rows: import("./geometry.js").Axis, columns: import("./geometry.js").Axis}}} last step
 * @param {import("./filter-session.js").FilterSession} session
 */
export function drawResultStatus({ clippedPercent }, { plan, axes: { rows, columns } }, session) {
  const { response } = plan;
  const { pixels: before } = session.image;
  const changeLast = (change) => session.apply(() => {
    Object.assign(session.setting.steps.at(-1), change);
    session.steps.forget();
  }, "step");
  const maps = plan.outputs > COLOURS ? `, ${plan.outputs} maps` : "";
  setText(find("#status"), `${before.width} × ${before.height} → ${columns.output} × ${rows.output}${maps}`);
  const hint = find("#clipped");
  hint.hidden = clippedPercent < (response === "offset" ? MIN_CLIPPED_PERCENT_OF_OFFSET : MIN_CLIPPED_PERCENT);
  if (hint.hidden) return;
  const drawButton = (name, onclick) => make("button", { type: "button", class: "small", onclick }, name);
  const total = plan.parts[0].flat().reduce((sum, weight) => sum + weight, 0) / plan.divisor;
  const tooBright = !plan.layer && plan.parts.length === 1 && total > 1.001;
  const range = response === "abs" ? "above 255" : "below 0 or above 255";
  if (tooBright) {
    return hint.replaceChildren(`${clippedPercent} % of the values are ${range} and are clipped, because the weights sum to ${Number(total.toPrecision(3))}. `,
      drawButton("Divide by the sum", () => changeLast({ divisor: "auto" })));
  }
  const alternatives = ["abs", "offset", "rescale"].filter((name) => name !== response);
  hint.replaceChildren(`${clippedPercent} % of the values are ${range} and are clipped. Try `, ...alternatives.flatMap((name, index) => [
    index ? (index === alternatives.length - 1 ? " or " : ", ") : "", drawButton(name, () => changeLast({ response: name }))]), ".");
}
