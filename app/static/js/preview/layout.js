/** The geometry of a chain. */

import { layOut } from "../filters/geometry.js";

/** @typedef {import("./operations.js").StepPlan} StepPlan */

/**
 * The axes of each step. Throws RangeError if a kernel does not fit.
 * @param {StepPlan[]} plans @param {number} width @param {number} height of the image
 */
export function layOutChain(plans, width, height) {
  return plans.map((plan) => {
    const axes = layOut(plan, width, height);
    [width, height] = [axes.columns.output, axes.rows.output];
    if (width < 1 || height < 1) throw new RangeError("A kernel does not fit into the image.");
    return axes;
  });
}

/** Where the pixels of the result are on the image. @returns {import("../filters/plan.js").Placement} */
export const placeResult = (layout) => layout.reduce(({ x, y, scaleX, scaleY }, { rows, columns }) => ({
  x: x + scaleX * columns.first, y: y + scaleY * rows.first, scaleX: scaleX * columns.stride, scaleY: scaleY * rows.stride,
}), { x: 0, y: 0, scaleX: 1, scaleY: 1 });

/** Whether rows of the result can be computed apart. `rescale` needs the range of all, and alpha the strips of the service. */
export const canDivide = (plans, transparent) => !transparent && plans.every(({ response }) => response !== "rescale");
