/** The geometry of a chain. */

import { layOut } from "../filters/geometry.js";
import { isHalved } from "./correlation.js";

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

/** Whether a step has a high kernel whose even and odd rows are summed apart, as in the service. @param {StepPlan} plan */
const hasHalves = ({ parts, factors, stride, dilation }) => parts.some((part, index) => !factors[index] && isHalved(part, stride, dilation));

/**
 * Whether rows of the result can be computed apart. `rescale` needs the range of all, alpha the strips of the service, and
 * halves the even and odd rows from the first row on.
 * @param {StepPlan[]} plans
 */
export const canDivide = (plans, transparent) => !transparent && plans.every((plan) => plan.response !== "rescale" && !hasHalves(plan));

/** Whether the service halves the strips of an image, whose first rows the browser does not know. @param {StepPlan[]} plans */
export const hasHalvedStrips = (plans, transparent) => plans.some((plan) => hasHalves(plan) && (transparent || !plan.opaque));
