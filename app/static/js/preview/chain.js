/** Some rows of the result of a chain. */

import { layOutChain } from "./layout.js";
import { readPlanes, writePixels } from "./planes.js";
import { findInputRows } from "./region.js";
import { applyStep } from "./step.js";

/**
 * @typedef {import("./operations.js").StepPlan} StepPlan
 * @typedef {{width: number, height: number, first: number, pixels: Uint8ClampedArray, clipped: number, values: number}} Band
 *   the size of the whole result, the first row of the band and its RGBA pixels; how many of its visible values were clipped
 */

/**
 * @param {import("./correlation.js").Correlator} correlator
 * @param {ImageData} image @param {boolean} transparent @param {StepPlan[]} plans
 * @param {number} part @param {number} parts which of how many bands of equal height
 * @returns {Band} throws RangeError if values overflow or a kernel does not fit
 */
export function applyChain(correlator, image, transparent, plans, part, parts) {
  const layout = layOutChain(plans, image.width, image.height);
  const { columns: { output: width }, rows: { output: height } } = layout.at(-1);
  const first = Math.floor((height * part) / parts);
  const rows = [{ first, count: Math.floor((height * (part + 1)) / parts) - first }];
  if (!rows[0].count) return { width, height, first, pixels: new Uint8ClampedArray(), clipped: 0, values: 0 };
  for (let index = plans.length - 1; index >= 0; index--) {
    const { rows: axis } = layout[index];
    rows.unshift(parts === 1 ? { first: 0, count: axis.input } : findInputRows(axis, plans[index].border, rows[0]));
  }
  let planes = readPlanes(image, transparent, rows[0].first, rows[0].count);
  let [clipped, values] = [0, 0];
  plans.forEach((plan, index) => {
    const applied = applyStep(correlator, planes, transparent ? plan : { ...plan, ...plan.opaque }, layout[index], rows[index + 1]);
    ({ planes, clipped, values } = applied);
  });
  return { width, height, first, pixels: writePixels(planes), clipped, values };
}
