import { find } from "../shared/dom.js";
import { keepLatest } from "../shared/scheduling.js";
import { requestRange, requestSource } from "./filter-results.js";
import { computePixel } from "./pixel.js";
import { PixelTable } from "./pixel-table.js";

const INVITATION = "Point at the image, or focus it and use the arrow keys. Click to keep a pixel selected.";
const TRANSPARENT = "This image has transparency. The service weights colours by alpha, so no single sum is shown.";

/**
 * Computes the inspected pixel, shows the steps as a table and marks the pixels under the kernel.
 *
 * @typedef {import("./filter-results.js").FilterResult & import("./plan.js").Chain & import("./filter-request.js").Filtering
 *   & {image: import("../shared/image.js").Image}} InspectedResult
 */
export class PixelInspector {
  /** @param {import("./comparison-slider.js").ComparisonSlider} slider */
  constructor(slider) {
    this.slider = slider;
    this.table = new PixelTable(find("#inspector"));
    this.loadInput = keepLatest((signal) => this.requestInput(signal));
    this.setResult(null);
  }

  /** @param {InspectedResult|null} result */
  setResult(result) {
    this.result = result;
    this.input = null;
  }

  /** @param {[number, number]|null} at a pixel of the result */
  async inspect(at) {
    this.slider.at = at;
    const { result } = this;
    const obstacle = result && at ? this.findObstacle(at) : INVITATION;
    if (obstacle) {
      this.slider.mark(null);
      return this.table.showMessage(obstacle);
    }
    try {
      this.input ??= await this.loadInput();
    } catch (problem) {
      return this.table.showMessage(problem.message);
    }
    if (this.input && this.slider.at === at && this.result === result) this.show(at);
  }

  findObstacle([x, y]) {
    const { image, pixels } = this.result;
    if (image.transparent) return TRANSPARENT;
    return x >= pixels.width || y >= pixels.height ? `Pixel ${x}, ${y} is outside the result.` : "";
  }

  /** The input of the last step, and its range of values if the response needs it. */
  async requestInput(signal) {
    const { result } = this;
    const source = await requestSource(result.image, result, result.plans, signal);
    const range = result.plans.at(-1).response === "rescale" ? await requestRange(result.image, result, signal) : undefined;
    return { source, range };
  }

  show([x, y]) {
    const { pixels, steps, linear, plans, axes, placements } = this.result;
    const { source, range } = this.input;
    const { rows, columns } = axes.at(-1);
    const placement = placements.at(-2);
    const computed = computePixel(source, plans.at(-1), x, y, { linear, decoded: steps.length > 1, range });
    const start = 4 * (y * pixels.width + x);
    this.table.show(computed, plans.at(-1), { at: [x, y], returned: [...pixels.data.slice(start, start + 3)], linear });
    const toImage = (left, top, width, height) => /** @type {import("./comparison-slider.js").Box} */ ([
      placement.x + left * placement.scaleX, placement.y + top * placement.scaleY, width * placement.scaleX, height * placement.scaleY]);
    const [left, top] = [x * columns.stride - columns.before, y * rows.stride - rows.before];
    this.slider.mark({
      patch: toImage(left, top, columns.footprint, rows.footprint),
      anchor: toImage(left + columns.anchor, top + rows.anchor, 1, 1),
    });
  }
}
