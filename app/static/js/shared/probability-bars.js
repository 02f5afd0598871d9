/** Probabilities as a list of bars. */

import { make, setText } from "./dom.js";
import { formatProbability } from "./numbers.js";

/** @param {(Node|string)[]} names one bar for each @param {string} label @returns {HTMLElement} */
export const drawProbabilityBars = (names, label) => make("ol", { class: "bars", "aria-label": label }, ...names.map((name) =>
  make("li", {}, make("span", { class: "name" }, name), make("span", { class: "bar" }, make("span", { class: "fill" })), make("span", { class: "share" }))));

/**
 * @param {HTMLElement} bars @param {ArrayLike<number>|null} probabilities null if there are none
 * @param {(index: number) => boolean} isBest
 */
export function updateProbabilityBars(bars, probabilities, isBest) {
  [...bars.children].forEach((row, index) => {
    row.classList.toggle("best", isBest(index));
    /** @type {HTMLElement} */ (row.querySelector(".fill")).style.width = `${probabilities ? 100 * probabilities[index] : 0}%`;
    setText(row.querySelector(".share"), probabilities ? formatProbability(probabilities[index]) : "–");
  });
}
