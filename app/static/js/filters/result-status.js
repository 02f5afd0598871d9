import { find, make, setText } from "../shared/dom.js";

const MIN_CLIPPED_PERCENT = 1;
const MIN_CLIPPED_PERCENT_OF_OFFSET = 5;

/**
 * Size, time and clipping of a result, and responses that avoid clipping.
 * @param {import("./filter-results.js").FilterResult} result @param {string} response of the last step
 * @param {ImageData} before @param {(response: string) => void} onChoose
 */
export function drawResultStatus({ pixels, clippedPercent, milliseconds }, response, before, onChoose) {
  setText(find("#status"), `${before.width} × ${before.height} → ${pixels.width} × ${pixels.height} · ${clippedPercent} % clipped · ${milliseconds} ms on the server`);
  const hint = find("#clipped");
  hint.hidden = clippedPercent < (response === "offset" ? MIN_CLIPPED_PERCENT_OF_OFFSET : MIN_CLIPPED_PERCENT);
  if (hint.hidden) return;
  const alternatives = ["abs", "offset", "rescale"].filter((name) => name !== response);
  const range = response === "abs" ? "above 255" : "below 0 or above 255";
  hint.replaceChildren(`${clippedPercent} % of the values are ${range} and are clipped. Try `, ...alternatives.flatMap((name, index) => [
    index ? (index === alternatives.length - 1 ? " or " : ", ") : "",
    make("button", { type: "button", class: "small", onclick: () => onChoose(name) }, name)]), ".");
}
