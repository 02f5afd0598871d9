import { Problem, requestJson, requestJsonOnce } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { drawProblem } from "../shared/problem-message.js";
import { drawWeightMap } from "../shared/weight-map.js";
import { drawTrainingCurves } from "./training-curves.js";

const LAYERS = [
  ["input", "28×28×1"], ["conv1, 5×5", "28×28×32"], ["pool1", "14×14×32"], ["conv2, 5×5", "14×14×64"],
  ["pool2", "7×7×64"], ["dense", "1024"], ["output", "10"],
];

/** The network's layers, kernels, training and feature maps. Parts that the service does not offer stay hidden. */
export class NetworkPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.explains = true;
    find("#layers", root).append(...LAYERS.map(([name, shape]) => make("li", {}, make("span", {}, name), make("b", {}, shape))));
  }

  async start() {
    await Promise.all([
      this.showPart("#first-layer", async (part) => {
        const { kernels } = await requestJsonOnce("/kernels");
        const learned = kernels.filter(({ source, name }) => source === "learned" || name.startsWith("mnist-conv1"));
        if (!learned.length) return false;
        part.replaceChildren(...learned.map(drawKernelLink));
        return true;
      }),
      this.showPart("#curves", async (part) => {
        const record = await requestJsonOnce("/model/curves");
        part.replaceChildren(...drawTrainingCurves(record.epochs ?? record));
        return true;
      }),
    ]);
  }

  /** Shows a part once it is drawn, or why it cannot be. @param {string} selector @param {(part: HTMLElement) => Promise<boolean>} draw */
  async showPart(selector, draw) {
    const part = find(selector, this.root);
    const section = part.closest("section");
    try {
      section.hidden = !(await draw(part));
    } catch (problem) {
      section.hidden = !isFailure(problem);
      if (!section.hidden) showFailure(part, problem, () => this.showPart(selector, draw));
    }
  }

  /** Shows the feature maps of a drawing, and which of its pixels mattered. @param {{blob: Blob, name: string}} drawing */
  async explain({ blob, name }, signal) {
    if (!this.explains) return;
    const section = find("#explanation", this.root);
    try {
      const explanation = await requestJson("/classify/explain", { query: { format: "json" }, form: { file: [blob, name] }, signal });
      if (signal.aborted) return;
      section.replaceChildren(...drawExplanation(explanation));
      section.hidden = false;
    } catch (problem) {
      section.hidden = !isFailure(problem);
      this.explains &&= problem.status !== 404 && problem.status !== 405; // this service may have no such route
      if (section.hidden) return;
      const timer = showFailure(section, problem, () => signal.aborted || this.explain({ blob, name }, signal));
      signal.addEventListener("abort", () => clearTimeout(timer));
    }
  }
}

/** Whether a request failed. It did not if the service lacks the part (404, 405) or the drawing has nothing to show (422). */
function isFailure(problem) {
  if (!(problem instanceof Problem)) throw problem;
  return ![404, 405, 422].includes(problem.status);
}

/** @param {HTMLElement} root @param {Problem} problem @param {() => void} retry @returns {number|undefined} the timer of an automatic retry */
function showFailure(root, problem, retry) {
  const message = make("p", { class: "error", role: "alert" });
  root.replaceChildren(message);
  return drawProblem(message, problem, retry);
}

function drawKernelLink({ name, weights }) {
  return make("a", { href: `#filter/${name}`, "aria-label": `Open ${name} as a filter`, title: name }, drawWeightMap(weights, { "aria-hidden": "true" }));
}

function drawExplanation({ layers, occlusion, input_gradient: gradient }) {
  const importance = [["Occlusion", occlusion], ["Input gradient", gradient]].filter(([, map]) => map);
  return [
    make("h3", {}, "Which pixels mattered"),
    make("div", { class: "importance" }, ...importance.map(([title, map]) => make("figure", {},
      make("img", { src: map.image, alt: title }), make("figcaption", {}, map.explanation ?? title)))),
    ...layers.filter(({ maps }) => maps?.length).flatMap(({ name, shape, maps }) => [
      make("h3", {}, `${name}: ${shape.join(" × ")}`),
      make("div", { class: `maps ${name}` }, ...maps.map((source, index) => make("img", { src: source, alt: `${name}, map ${index}`, title: `map ${index}`, loading: "lazy" }))),
    ]),
  ];
}
