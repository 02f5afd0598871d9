import { parseAddress } from "../shared/address.js";
import { Problem } from "../shared/api.js";
import { find, make, setText } from "../shared/dom.js";
import { receiveDroppedAndPasted } from "../shared/image-input.js";
import { openImage } from "../shared/image.js";
import { drawDescentChart } from "./descent-chart.js";
import { drawHeatmap } from "./kernel-heatmap.js";
import { PUZZLE_KERNELS, drawGuesses, pickPuzzleKernel, requestPuzzle } from "./kernel-puzzle.js";
import { learnByDescent, learnByLeastSquares } from "./learn-request.js";
import { drawLearned } from "./learned-kernel.js";
import { drawResidualMap } from "./residual-map.js";

const MAX_IMAGE_SIDE = 4000;
const KERNEL_SIZES = [1, 3, 5, 7, 9, 11, 13, 15, 21, 31];
const DEFAULT_SIZE = 5;
/** Steps arrive in batches. A pause between them makes each one visible. */
const FRAME_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 45;

/** @param {HTMLElement} root */
export async function openLearnView(root) {
  root.append(...layOutView());
  return new LearnView(root);
}

class LearnView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {{before: import("../shared/image.js").Image|null, after: import("../shared/image.js").Image|null}} */
    this.pair = { before: null, after: null };
    /** The kernel of the current puzzle. @type {string|null} */
    this.hidden = null;
    /** @type {import("./learn-request.js").DescentStep[]} */
    this.steps = [];
    this.running = new AbortController();
    for (const slot of ["before", "after"]) {
      const input = find(`#${slot}-file`, root);
      input.addEventListener("change", () => {
        if (input.files[0]) this.openFile(slot, input.files[0], input.files[0].name);
        input.value = "";
      });
    }
    receiveDroppedAndPasted((files, target) => {
      if (root.hidden || !files[0]) return;
      const slot = target.closest?.("[data-slot]")?.dataset.slot;
      this.openFile(slot ?? (this.pair.before ? "after" : "before"), files[0], files[0].name || "image.png");
    });
    find("#new-puzzle", root).addEventListener("click", () => this.startPuzzle(pickPuzzleKernel()));
    find("#learn", root).addEventListener("click", () => this.learn());
    find("#stop", root).addEventListener("click", () => this.running.abort());
    find("#learn-size", root).addEventListener("change", () => this.reset());
  }

  /** `#learn?hidden=blur` starts the puzzle with that kernel, so that a puzzle can be shared. */
  follow(hash) {
    const hidden = parseAddress(hash).query.get("hidden");
    if (PUZZLE_KERNELS.includes(hidden) && hidden !== this.hidden) return this.startPuzzle(hidden);
  }

  /** @param {string} slot `before` or `after` */
  async openFile(slot, file, name) {
    this.reset();
    this.hidden = null;
    find("#guess", this.root).hidden = true;
    try {
      this.showImage(slot, await openImage(file, name, MAX_IMAGE_SIDE));
    } catch (problem) {
      setText(find("#pair-error", this.root), `${name}: ${problem.message}`);
    }
  }

  showImage(slot, image) {
    this.pair[slot] = image;
    const canvas = find(`#${slot}-canvas`, this.root);
    Object.assign(canvas, { width: image.pixels.width, height: image.pixels.height });
    canvas.getContext("2d").putImageData(image.pixels, 0, 0);
    setText(find(`#${slot}-name`, this.root), `${image.name}, ${image.width} × ${image.height}`);
    find("#learn", this.root).disabled = !(this.pair.before && this.pair.after);
  }

  async startPuzzle(kernel) {
    this.reset();
    this.hidden = kernel;
    try {
      const { before, after } = await requestPuzzle(kernel, MAX_IMAGE_SIDE);
      this.showImage("before", before);
      this.showImage("after", after);
      drawGuesses(find("#guess", this.root), kernel);
      await this.learn();
    } catch (problem) {
      this.showProblem(problem);
    }
  }

  reset() {
    this.running.abort();
    this.steps = [];
    for (const id of ["pair-error", "learn-error", "learn-status"]) setText(find(`#${id}`, this.root), "");
    find("#learned", this.root).hidden = true;
    find("#descent", this.root).hidden = true;
  }

  async learn() {
    this.reset();
    const running = (this.running = new AbortController());
    const { signal } = running;
    const pair = /** @type {import("./learn-request.js").Pair} */ ({ ...this.pair });
    const [root, status] = [find("#learned", this.root), find("#learn-status", this.root)];
    const size = find("#learn-size", this.root).value;
    const method = find("[name=method]:checked", this.root).value;
    find("#stop", this.root).disabled = false;
    this.root.setAttribute("aria-busy", "true");
    try {
      const learned = method === "descent" ? await this.descend(pair, size, signal) : await learnByLeastSquares(pair, size, signal);
      if (signal.aborted) return;
      this.drawKernels(learned.kernels.map(({ weights }) => weights));
      drawLearned(root, learned);
      setText(status, this.hidden ? `Done. The kernel was ${this.hidden}.` : "Done.");
      if (learned.request) await drawResidualMap(root, learned.request, pair, signal);
    } catch (problem) {
      if (!signal.aborted) this.showProblem(problem);
      else if (this.running === running) setText(status, "Stopped.");
    } finally {
      if (this.running === running) {
        find("#stop", this.root).disabled = true;
        this.root.setAttribute("aria-busy", "false");
      }
    }
  }

  descend(pair, size, signal) {
    let shownAt = 0;
    const showStep = async (step, floor) => {
      const wait = shownAt + FRAME_MS - performance.now();
      if (wait > 0 && FRAME_MS) await new Promise((resolve) => setTimeout(resolve, wait));
      if (signal.aborted) return;
      shownAt = performance.now();
      this.steps.push(step);
      this.drawKernels(step.weights);
      drawDescentChart(find("#loss", this.root), this.steps, floor);
      find("#step-count", this.root).textContent = `step ${step.step}, loss ${step.loss.toPrecision(3)}`;
    };
    return learnByDescent(pair, size, showStep, signal);
  }

  /** @param {number[][][]} kernels */
  drawKernels(kernels) {
    find("#descent", this.root).hidden = false;
    find("#loss", this.root).hidden = !this.steps.length;
    const canvases = find("#kernels", this.root);
    while (canvases.childElementCount > kernels.length) canvases.lastElementChild.remove();
    while (canvases.childElementCount < kernels.length) canvases.append(make("canvas", { class: "heatmap", role: "img" }));
    kernels.forEach((weights, index) => {
      const [largest, smallest] = [Math.max(...weights.flat()), Math.min(...weights.flat())];
      drawHeatmap(canvases.children[index], weights);
      canvases.children[index].setAttribute("aria-label", `Kernel of ${weights.length} by ${weights.length} weights; largest ${largest.toFixed(3)}, smallest ${smallest.toFixed(3)}`);
    });
  }

  showProblem(problem) {
    if (!(problem instanceof Problem)) throw problem;
    setText(find("#learn-error", this.root), problem.message);
  }
}

function layOutView() {
  const drawSlot = (slot, title) => make("figure", { class: "pair", "data-slot": slot },
    make("canvas", { id: `${slot}-canvas`, width: 320, height: 240, role: "img", "aria-label": `The image ${slot} filtering` }),
    make("figcaption", {}, make("b", {}, `${title} `), make("span", { id: `${slot}-name` }, "no image")),
    make("label", { class: "button", for: `${slot}-file` }, `Choose the “${slot}” image`, make("input", { class: "visually-hidden", type: "file", id: `${slot}-file`, accept: "image/*,.tif,.tiff,.heic,.heif" })));
  const drawMethod = (value, label, checked) => make("label", { class: "choice" }, make("input", { type: "radio", name: "method", value, checked }), label);
  return [
    make("div", { class: "head" },
      make("h1", { id: "learn-title" }, "Learn a kernel"),
      make("p", { class: "lead" }, "Choose an image and its filtered copy, and watch gradient descent find the kernel. Or take a puzzle and guess the kernel.")),
    make("section", { class: "panel", "aria-labelledby": "pair-title" },
      make("h2", { id: "pair-title" }, "Before and after"),
      make("div", { class: "slots" }, drawSlot("before", "Before"), drawSlot("after", "After")),
      make("p", { class: "error", id: "pair-error", role: "alert" }),
      make("div", { class: "row" },
        make("button", { type: "button", id: "new-puzzle" }, "Give me a puzzle"),
        make("label", {}, "Kernel size ", make("select", { id: "learn-size" }, ...KERNEL_SIZES.map((size) => make("option", { value: size, selected: size === DEFAULT_SIZE }, `${size} × ${size}`)))),
        make("span", { class: "row choices", role: "radiogroup", "aria-label": "Method" }, drawMethod("descent", "Gradient descent", true), drawMethod("least-squares", "Least squares", false)),
        make("button", { type: "button", id: "learn", class: "primary", disabled: true }, "Learn"),
        make("button", { type: "button", id: "stop", disabled: true }, "Stop")),
      make("p", { class: "row", id: "guess", hidden: true }),
      make("p", { class: "status", id: "learn-status", "aria-live": "polite" }),
      make("p", { class: "error", id: "learn-error", role: "alert" })),
    make("section", { class: "panel", id: "descent", hidden: true, "aria-labelledby": "descent-title" },
      make("h2", { id: "descent-title" }, "Kernel and loss"),
      make("p", { class: "quiet", id: "step-count" }),
      make("div", { class: "descent" }, make("div", { id: "kernels" }), make("figure", { class: "chart", id: "loss" }))),
    make("section", { class: "panel", id: "learned", hidden: true, "aria-labelledby": "learned-title" }),
  ];
}
