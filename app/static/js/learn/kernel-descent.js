/** The kernel as it forms, and the loss at each step. */

import { find, make } from "../shared/dom.js";
import { drawDescentChart } from "./descent-chart.js";
import { drawHeatmap } from "../shared/heatmap.js";

/** Steps arrive in batches. A pause between them makes each one visible. */
const FRAME_MS = 45;

/** Shows that nothing is learned yet. @param {HTMLElement} root */
export function clearKernels(root) {
  find("#forming-kernels", root).replaceChildren(make("p", { class: "unknown", "aria-hidden": "true" }, "?"));
  find("#step-count", root).textContent = "unknown";
  find("#descent", root).hidden = true;
}

/**
 * @param {HTMLElement} root @param {AbortSignal} signal
 * @returns {(step: import("./learn-request.js").DescentStep, floor: number) => Promise<void>} shows one step
 */
export function showDescent(root, signal) {
  const frameMs = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : FRAME_MS;
  const steps = [];
  let shownAt = 0;
  return async (step, floor) => {
    const wait = shownAt + frameMs - performance.now();
    if (wait > 0 && frameMs) await new Promise((resolve) => setTimeout(resolve, wait));
    if (signal.aborted) return;
    shownAt = performance.now();
    steps.push(step);
    drawKernels(root, step.weights);
    find("#descent", root).hidden = false;
    drawDescentChart(find("#loss", root), steps, floor);
    find("#step-count", root).textContent = `step ${step.step}, loss ${step.loss.toPrecision(3)}`;
  };
}

/** @param {HTMLElement} root @param {number[][][]} kernels one, or one for each channel */
export function drawKernels(root, kernels) {
  const place = find("#forming-kernels", root);
  for (const other of place.querySelectorAll(":not(canvas)")) other.remove();
  while (place.childElementCount > kernels.length) place.lastElementChild.remove();
  while (place.childElementCount < kernels.length) place.append(make("canvas", { class: "heatmap", role: "img" }));
  kernels.forEach((weights, index) => {
    const [largest, smallest] = [Math.max(...weights.flat()), Math.min(...weights.flat())];
    drawHeatmap(place.children[index], weights);
    place.children[index].setAttribute("aria-label", `Kernel of ${weights.length} by ${weights.length} weights; largest ${largest.toFixed(3)}, smallest ${smallest.toFixed(3)}`);
  });
}
