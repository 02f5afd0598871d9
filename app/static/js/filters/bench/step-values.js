import { formatNumber } from "../../shared/numbers.js";
import { drawMap, makeShade } from "../maps.js";
import { computePixel, nameMap, readFor } from "../pixel.js";
import { clipToLevel, isSame, makeGrey, readColour, readReturned } from "./cell-values.js";

/** @typedef {import("./loupe.js").Cell} Cell */

/** The values of a step that the bench shows: of its input, and of its result as the page computes it. */
export class StepValues {
  /**
   * @param {import("./kernel-bench.js").Subject} subject @param {import("./kernel-bench.js").Input|null} input
   * @param {string} obstacle why the page cannot compute the result; empty if it can
   */
  constructor(subject, input, obstacle) {
    this.subject = subject;
    this.input = input;
    this.obstacle = obstacle;
    this.plan = subject.plans.at(-1);
    /** Whether each map of the result is a sum over all maps of the input. */
    this.combinesMaps = Boolean(this.plan.layer?.filters);
    /** @type {Map<number, ImageData>} */
    this.wholeMaps = new Map();
  }

  /** Whether the values before the step are in linear light. */
  get isDecoded() {
    return this.subject.steps.length > 1;
  }

  /** @param {number} map of the input, unless the step makes it grey @returns {(x: number, y: number) => Cell|null} */
  readInput(map) {
    const { subject, plan, isDecoded: decoded } = this;
    const source = this.input?.source ?? (decoded ? null : readImage(subject.image.pixels));
    if (!source) return () => null;
    const { grey, readPadded } = readFor(source, plan, { linear: subject.linear, decoded });
    return (x, y) => {
      const outside = x < 0 || y < 0 || x >= source.width || y >= source.height;
      if (outside && plan.border === "valid") return null;
      const value = readPadded(x, y, grey ? 0 : map);
      return {
        colour: readColour(source, plan.border, x, y, subject.linear && decoded, map), outside,
        text: Number.isNaN(value) ? "" : formatNumber(Math.round(value)),
      };
    };
  }

  /** A cell of the result: the service's pixel if the page does not compute it. @param {boolean} computes @returns {Cell|null} */
  readOutput(x, y, map, computes) {
    const { values } = this.subject;
    const computed = computes ? this.compute(x, y, map) : null;
    const pixel = computed?.pixel.length ? computed.pixel : null;
    const returned = computed ? null : readReturned(this.subject, x, y);
    if (!computed && !returned) return null;
    const all = pixel ?? returned;
    const value = all ? all[Math.min(map, all.length - 1)] : computed.channels[0].final;
    const text = formatNumber(Math.round(value));
    if (values) return { colour: makeGrey(makeShade(values, map)(value)), text };
    const isColour = !this.combinesMaps && all?.length === 3;
    return { colour: isColour ? /** @type {[number, number, number]} */ (all) : makeGrey(clipToLevel(value)), text };
  }

  /** @param {boolean} [withTaps] with the single products @returns {ReturnType<typeof computePixel>|null} null: unknown */
  compute(x, y, map, withTaps = false) {
    const { input, subject, plan, obstacle, isDecoded } = this;
    if (!input || obstacle || (plan.response === "rescale" && !input.range)) return null;
    const only = this.combinesMaps && plan.outputs > 1 ? map : null;
    return computePixel(input.source, plan, x, y, { linear: subject.linear, decoded: isDecoded, range: input.range }, withTaps, only);
  }

  /**
   * How a value of the result comes about, and what the service returned for it: the computed value if both agree in all
   * channels. @returns {{computation: import("../pixel.js").Computation, returned: number|null}|null}
   */
  explain(x, y, map) {
    const computed = this.compute(x, y, map, true);
    if (!computed) return null;
    const name = nameMap(map, this.plan.outputs);
    const computation = computed.channels.find((one) => one.name === name) ?? computed.channels[0];
    const returned = readReturned(this.subject, x, y);
    const isRounded = this.plan.response !== "raw";
    const agrees = returned && (computed.pixel.length ? computed.pixel.every((value, index) => isSame(value, returned[index], isRounded))
      : isSame(computation.final, returned[map], isRounded));
    return { computation, returned: returned && (agrees ? computation.final : returned[map]) };
  }

  /** A map of a result that is no image; null if the result is one. @param {number} map */
  drawWholeMap(map) {
    const { values } = this.subject;
    if (!values) return null;
    if (!this.wholeMaps.has(map)) this.wholeMaps.set(map, drawMap(values, map));
    return this.wholeMaps.get(map);
  }
}

/** @param {ImageData} pixels @returns {import("../pixel.js").Source} */
const readImage = ({ width, height, data }) => ({ width, height, get: (x, y, channel) => data[4 * (y * width + x) + channel] });
