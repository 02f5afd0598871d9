import { find, make, setText } from "../shared/dom.js";
import { drawHeatmap } from "../shared/heatmap.js";
import { formatLoss } from "./loss-curves.js";

/** Steps arrive in batches. A pause between them makes each one visible; the first ones change the kernel most. */
const FRAME_MS = 45;
const FIRST_FRAME_MS = 160;
const FIRST_STEPS = 16;
const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * The kernel as gradient descent forms it, and its curve. Afterwards a slider shows each step again. With reduced
 * motion, the last step is shown at once; the slider shows the others.
 */
export class FormingKernel {
  /** @param {HTMLElement} root @param {import("./loss-curves.js").LossCurves} curves */
  constructor(root, curves) {
    this.root = root;
    this.curves = curves;
    this.slider = find("#shown-step", root);
    this.slider.addEventListener("input", () => this.draw(Number(this.slider.value)));
    this.clear();
  }

  /** Shows that nothing is learned yet. */
  clear() {
    /** @type {import("./learn-request.js").DescentStep[]} */
    this.steps = [];
    this.shownAt = 0;
    this.slider.disabled = true;
    this.slider.value = this.slider.max = "0";
    this.curves.clearSteps();
    find("#forming-kernels", this.root).replaceChildren(make("p", { class: "unknown", "aria-hidden": "true" }, "?"));
    setText(find("#step-count", this.root), "unknown");
  }

  /** @param {import("./learn-request.js").DescentStep} step @param {number} floor @param {AbortSignal} signal */
  async show(step, floor, signal) {
    const frameMs = this.steps.length < FIRST_STEPS ? FIRST_FRAME_MS : FRAME_MS;
    const wait = REDUCED_MOTION.matches ? 0 : this.shownAt + frameMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (signal.aborted) return;
    this.shownAt = performance.now();
    this.steps.push(step);
    this.floor = floor;
    if (!REDUCED_MOTION.matches) this.drawLast();
  }

  drawLast() {
    this.curves.showSteps(this.steps, this.floor);
    this.draw(this.steps.length - 1);
  }

  /** All steps are there. */
  end() {
    if (!this.steps.length) return;
    this.drawLast();
    this.slider.max = this.slider.value = String(this.steps.length - 1);
    this.slider.disabled = false;
  }

  draw(index) {
    const { step, loss, weights } = this.steps[index];
    this.drawKernels(weights, `step ${step}, loss ${formatLoss(loss)}`);
    this.slider.setAttribute("aria-valuetext", `step ${step}`);
    this.curves.draw(index);
  }

  /** @param {number[][][]} kernels one, or one for each channel @param {string} caption */
  drawKernels(kernels, caption) {
    const place = find("#forming-kernels", this.root);
    for (const other of place.querySelectorAll(":not(canvas)")) other.remove();
    while (place.childElementCount > kernels.length) place.lastElementChild.remove();
    while (place.childElementCount < kernels.length) place.append(make("canvas", { class: "heatmap", role: "img" }));
    kernels.forEach((weights, index) => {
      const [largest, smallest] = [Math.max(...weights.flat()), Math.min(...weights.flat())];
      drawHeatmap(place.children[index], weights);
      place.children[index].setAttribute("aria-label", `Kernel of ${weights.length} by ${weights.length} weights; largest ${largest.toFixed(3)}, smallest ${smallest.toFixed(3)}`);
    });
    setText(find("#step-count", this.root), caption);
  }
}
