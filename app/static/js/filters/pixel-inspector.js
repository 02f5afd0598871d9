import { keepLatest } from "../shared/api.js";
import { workOutPixel } from "./pixel.js";
import { find } from "../shared/dom.js";
import { Inspector } from "./pixel-table.js";
import { fetchRange, fetchSource } from "./filter-results.js";

const INVITATION = "Point at the image, or go there with the keyboard and use the arrow keys. A click keeps the pixel.";
const TRANSPARENT = "This image has transparency: colours are weighted by it, which this table does not show.";

/** Brings together the pixel that is pointed at, the numbers it was made of, and the frames on the image. */
export class Inspection {
  /** @param {import("./comparison-slider.js").Compare} compare */
  constructor(compare) {
    this.compare = compare;
    this.inspector = new Inspector(find("#inspector"));
    this.fetchSource = keepLatest((signal) => this.find(signal));
    this.result = null;
  }

  /** @param {any} result with the image, steps and plans that it came from; null where there is none */
  setResult(result) {
    this.result = result;
    this.source = null;
  }

  async inspect(at) {
    this.wanted = this.compare.at = at;
    const { result } = this;
    const obstacle = !result || !at ? INVITATION : this.refuse(result, at);
    if (obstacle) {
      this.compare.mark(null);
      return this.inspector.explain(obstacle);
    }
    try {
      this.source ??= await this.fetchSource();
    } catch (problem) {
      return this.inspector.explain(problem.message);
    }
    if (this.source && this.wanted === at && this.result === result) this.draw(at);
  }

  refuse({ image, pixels }, [x, y]) {
    if (image.transparent) return TRANSPARENT;
    return x >= pixels.width || y >= pixels.height ? `The result has no pixel ${x}, ${y}.` : "";
  }

  async find(signal) {
    const { image, steps, plans, linear } = this.result;
    const source = await fetchSource(image, steps, plans, linear, signal);
    const range = plans.at(-1).response === "rescale" ? await fetchRange(image, steps, linear, signal) : undefined;
    return { source, range };
  }

  draw([x, y]) {
    const { pixels, steps, linear, plans, axes, placements } = this.result;
    const { source, range } = this.source;
    const { rows, columns } = axes.at(-1);
    const into = placements.at(-2);
    const worked = workOutPixel(source, plans.at(-1), x, y, { linear, decoded: steps.length > 1, range });
    const start = 4 * (y * pixels.width + x);
    this.inspector.show(worked, plans.at(-1), { at: [x, y], given: [...pixels.data.slice(start, start + 3)], linear });
    const toImage = (left, top, width, height) => [into.x + left * into.scaleX, into.y + top * into.scaleY, width * into.scaleX, height * into.scaleY];
    const [left, top] = [x * columns.stride - columns.before, y * rows.stride - rows.before];
    this.compare.mark({
      patch: toImage(left, top, columns.footprint, rows.footprint),
      spot: toImage(left + columns.anchor, top + rows.anchor, 1, 1),
    });
  }
}
