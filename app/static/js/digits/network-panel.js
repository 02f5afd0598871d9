import { Problem, requestJsonOnce } from "../shared/api.js";
import { find, make, setText } from "../shared/dom.js";
import { loadOnDemand } from "../shared/load-on-demand.js";
import { drawProblem } from "../shared/problem-message.js";
import { drawTrainingCurves } from "./training-curves.js";

const loadNetworkModule = loadOnDemand((retry) => import(`../network/network.js${retry}`));
const loadDiagramModule = loadOnDemand((retry) => import(`../network/diagram.js${retry}`));
/** Loads before the diagram comes into view. */
const MARGIN = "200px";

/** The network diagram, loaded once there is a digit to show and the diagram comes into view; and the training. */
export class NetworkPanel {
  /** @param {HTMLElement} view of the digits */
  constructor(view) {
    this.root = find("#network", view);
    this.paper = find(".pad-paper", view);
    this.curves = find("#curves", view);
    /** What is to be shown; null for an empty pad. @type {import("../network/diagram.js").Drawn|null} */
    this.wanted = null;
    /** @type {Promise<void>|null} */
    this.loading = null;
    /** @type {import("../network/diagram.js").NetworkDiagram|null} */
    this.diagram = null;
    this.isInView = false;
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.isInView = isIntersecting;
      this.loadIfShown();
    }, { rootMargin: MARGIN }).observe(find("#diagram", this.root));
    this.showCurves();
  }

  /** @param {any} reply of /classify with preview @param {import("./draw-pad.js").Placement} placement of the image on the pad */
  show({ preview, box }, placement) {
    this.wanted = preview?.field ? { field: Float32Array.from(preview.field.flat()), box, placement } : null;
    this.diagram?.show(this.wanted);
    this.loadIfShown();
  }

  clear() {
    this.wanted = null;
    this.diagram?.show(null);
  }

  loadIfShown() {
    if (this.wanted && this.isInView) this.loading ??= this.load();
  }

  async load() {
    const message = find("#network-message", this.root);
    setText(message, "Loading the network (6 MB) …");
    try {
      const [{ loadNetwork }, { NetworkDiagram }] = await Promise.all([loadNetworkModule(), loadDiagramModule()]);
      this.diagram = new NetworkDiagram(this.root, await loadNetwork(), this.paper);
      message.hidden = true;
      this.root.dataset.ready = "";
      this.diagram.show(this.wanted);
    } catch (problem) {
      const error = make("p", { class: "error", role: "alert" });
      message.replaceChildren(error);
      drawProblem(error, problem instanceof Problem ? problem : new Problem(0, { detail: `The network diagram could not be loaded: ${problem.message}` }), () => {
        this.loading = null;
        this.loadIfShown();
      });
    }
  }

  /** Shows the training record. Stays hidden if the model has none (404). */
  async showCurves() {
    const part = this.curves;
    const section = part.closest("section");
    try {
      const { epochs } = await requestJsonOnce("/model/curves");
      part.replaceChildren(...drawTrainingCurves(epochs));
      section.hidden = false;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      section.hidden = problem.status === 404;
      if (section.hidden) return;
      const message = make("p", { class: "error", role: "alert" });
      part.replaceChildren(message);
      drawProblem(message, problem, () => this.showCurves());
    }
  }
}
