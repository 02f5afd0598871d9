import { keepLatest } from "../shared/scheduling.js";
import { readReturned } from "./bench/cell-values.js";
import { requestRange, requestSource } from "./filter-results.js";
import { computePixel } from "./pixel.js";
import { isTooLarge } from "./plan.js";

const TRANSPARENT = "This image has transparency. The service weights colours by alpha, so no single sum is shown.";
const UNKNOWN = "A step of this chain is not worked out here. “Whole image” shows the result.";
const OWN_ALPHA = "This layer computes transparency from four inputs, which is not worked out here. “Whole image” shows the result.";
const TOO_LARGE = "The maps of this step are too many numbers to load. Use a smaller image, or pooling before this step.";
const MANY_MAPS = "The result has more maps than a colour image. The bench shows them one at a time.";
const MAX_LISTED_MAPS = 4;
const LONG_KERNEL = "A kernel of this chain has a side above 63, so it is not worked out here. “Whole image” shows the result.";

/**
 * Computes the inspected pixel of a step, shows it on the bench and as a table, and marks the pixels under the kernel.
 *
 * @typedef {import("./filter-results.js").FilterResult & import("./plan.js").Chain & import("./filter-request.js").Filtering
 *   & {image: import("../shared/image.js").Image}} InspectedResult
 */
export class PixelInspector {
  /**
   * @param {import("./comparison-slider.js").ComparisonSlider} slider @param {import("./bench/kernel-bench.js").KernelBench} bench
   * @param {import("./details-below.js").DetailsBelow} details
   * @param {(at: [number, number]) => string} describeUnfiltered why a pixel of the result is not what the last step gives;
   *   empty if it is
   */
  constructor(slider, bench, details, describeUnfiltered) {
    this.slider = slider;
    this.bench = bench;
    this.details = details;
    this.describeUnfiltered = describeUnfiltered;
    this.loadInput = keepLatest((signal, subject) => requestSource(subject.image, subject, subject.plans, signal));
    this.loadRange = keepLatest((signal, subject) => requestRange(subject.image, subject, signal));
    /** @type {import("./bench/kernel-bench.js").Subject|null} */
    this.subject = null;
    this.inputKey = "";
    this.source = null;
  }

  /**
   * Shows a step: the last of `subject.steps`. Without `pixels` it is not filtered yet: the page shows what it computes.
   * @param {import("./bench/kernel-bench.js").Subject} subject @param {[number, number]} at a pixel of the result
   */
  async setSubject(subject, at) {
    this.subject = subject;
    this.range = undefined;
    const key = JSON.stringify([subject.steps.slice(0, -1), subject.linear]);
    if (key !== this.inputKey || subject.image !== this.inputImage) this.source = null;
    this.inputKey = key;
    this.inputImage = subject.image;
    try {
      await this.load(subject);
    } catch (problem) {
      this.problem = problem.message;
    }
    if (this.subject === subject) this.inspect(at, true);
  }

  /** Shows no step, because the page does not know how the result was computed. @param {boolean} isUnknown a step is neither a kernel nor a layer of the service */
  clear(isUnknown) {
    const reason = isUnknown ? UNKNOWN : LONG_KERNEL;
    this.subject = null;
    this.slider.mark(null);
    this.bench.clear(reason);
    this.details.show({ pixel: reason });
  }

  /** Loads the input of the step, and the range of its values if the response needs it. */
  async load(subject) {
    this.problem = "";
    if (this.findObstacle()) return;
    if (!this.source && (subject.steps.length === 1 || subject.pixels || subject.values)) this.source = await this.loadInput(subject);
    if (subject.plans.at(-1).response === "rescale" && (subject.pixels || subject.values)) this.range = await this.loadRange(subject);
  }

  /** @param {[number, number]} at a pixel of the result @param {boolean} [changed] the step or its result is new */
  inspect(at, changed = false) {
    const { subject } = this;
    if (!subject) return;
    const obstacle = this.findObstacle();
    const input = this.source && { source: this.source, range: this.range };
    if (changed) this.bench.show(subject, input, at, obstacle);
    else this.bench.moveTo(at);
    const { rows, columns } = subject.axes.at(-1);
    at = [Math.min(at[0], columns.output - 1), Math.min(at[1], rows.output - 1)];
    this.slider.mark(this.locate(at));
    const unfiltered = this.describeUnfiltered(at);
    if (obstacle || unfiltered) this.details.show({ pixel: obstacle || unfiltered });
    else if (subject.plans.at(-1).outputs > MAX_LISTED_MAPS) this.details.show({ pixel: MANY_MAPS });
    else if (input && (subject.pixels || subject.values)) this.showTable(at, input);
  }

  findObstacle() {
    if (this.subject.image.transparent) return TRANSPARENT;
    if (this.subject.plans.some(computesAlpha)) return OWN_ALPHA;
    if (isTooLarge(this.subject.plans.at(-1), this.subject.axes.at(-1))) return TOO_LARGE;
    return this.problem;
  }

  showTable([x, y], { source, range }) {
    const { steps, linear, plans } = this.subject;
    const computed = computePixel(source, plans.at(-1), x, y, { linear, decoded: steps.length > 1, range });
    this.details.show({ pixel: [computed, plans.at(-1), { at: [x, y], returned: readReturned(this.subject, x, y), linear }] });
  }

  /** The pixels under the kernel, on the image. @returns {import("./comparison-slider.js").Marks} */
  locate([x, y]) {
    const { axes, placements } = this.subject;
    const { rows, columns } = axes.at(-1);
    const placement = placements.at(-2);
    const toImage = (left, top, width, height) => /** @type {import("./comparison-slider.js").Box} */ ([
      placement.x + left * placement.scaleX, placement.y + top * placement.scaleY, width * placement.scaleX, height * placement.scaleY]);
    const [left, top] = [x * columns.stride - columns.before, y * rows.stride - rows.before];
    return {
      patch: toImage(left, top, columns.footprint, rows.footprint),
      anchor: toImage(left + columns.anchor, top + rows.anchor, 1, 1),
    };
  }
}

/** Whether a layer with four inputs and outputs computes the alpha of an image (kernels/apply/shapes.py). @param {import("./plan.js").Plan} plan */
const computesAlpha = ({ layer, inputs, outputs }) => layer?.filters?.[0].length === 4 && outputs === 4 && [1, 3].includes(inputs);
