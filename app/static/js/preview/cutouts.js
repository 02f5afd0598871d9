/** Regions are cut out with the pixels around them that the kernels read, filtered and put back, as in kernels/apply/regions.py. */

import { placeRegion } from "../filters/area/area.js";

/**
 * @typedef {import("../filters/area/area.js").Area} Area
 * @typedef {import("../filters/area/area.js").Rectangle} Rectangle
 * @typedef {{source: Rectangle, targets: Rectangle[]}} Cutout a part that is filtered, and the parts of its result that are used
 */

/**
 * @param {Area} area without a mask @param {import("./operations.js").StepPlan[]} plans
 * @param {{rows: import("../filters/geometry.js").Axis, columns: import("../filters/geometry.js").Axis}[]} layout of the image
 * @returns {Cutout[]} throws Problem for a region that is not inside of the image, RangeError if the result has another size
 */
export function planCutouts({ regions, reads }, plans, layout) {
  const [first] = layout;
  const whole = { x: 0, y: 0, width: first.columns.input, height: first.rows.input };
  if (layout.some((axes) => [axes.rows, axes.columns].some((axis) => axis.stride > 1 || axis.output !== axis.input))) {
    throw new RangeError("With a region the size must stay: use stride 1, and a border other than valid.");
  }
  const rectangles = regions.map((region) => placeRegion(region, whole.width, whole.height));
  if (reads === "region") return rectangles.map((rectangle) => ({ source: rectangle, targets: [rectangle] }));
  if (plans.some(({ response, border }) => response === "rescale" || border === "wrap")) return [{ source: whole, targets: rectangles }];
  const sum = (measure) => layout.reduce((total, axes) => total + measure(axes), 0);
  const after = ({ footprint, before }) => footprint - 1 - before;
  const margins = {
    top: sum(({ rows }) => rows.before), bottom: sum(({ rows }) => after(rows)),
    left: sum(({ columns }) => columns.before), right: sum(({ columns }) => after(columns)),
  };
  const cutouts = rectangles.map((rectangle) => ({ source: widen(rectangle, margins, whole), targets: [rectangle] }));
  const pixels = cutouts.reduce((total, { source }) => total + source.width * source.height, 0);
  if (pixels <= whole.width * whole.height) return cutouts;
  return [{ source: bound(cutouts.map(({ source }) => source)), targets: rectangles }];
}

/** @param {Rectangle} rectangle @param {Rectangle} bounds */
function widen(rectangle, { top, bottom, left, right }, bounds) {
  const [x, y] = [Math.max(0, rectangle.x - left), Math.max(0, rectangle.y - top)];
  return {
    x, y, width: Math.min(bounds.width, rectangle.x + rectangle.width + right) - x,
    height: Math.min(bounds.height, rectangle.y + rectangle.height + bottom) - y,
  };
}

/** The smallest rectangle that contains all. @param {Rectangle[]} rectangles */
function bound(rectangles) {
  const [x, y] = [Math.min(...rectangles.map((one) => one.x)), Math.min(...rectangles.map((one) => one.y))];
  return {
    x, y, width: Math.max(...rectangles.map((one) => one.x + one.width)) - x,
    height: Math.max(...rectangles.map((one) => one.y + one.height)) - y,
  };
}

/** @param {ImageData} image @param {Rectangle} rectangle */
export function cutOut(image, { x, y, width, height }) {
  const part = new ImageData(width, height);
  copyRows(image, [x, y], part, [0, 0], width, height);
  return part;
}

/** @param {ImageData} image changed in place @param {ImageData} filtered the result of the cutout @param {Cutout} cutout */
export function putBack(image, filtered, { source, targets }) {
  for (const { x, y, width, height } of targets) copyRows(filtered, [x - source.x, y - source.y], image, [x, y], width, height);
}

function copyRows(from, [left, top], to, [x, y], width, height) {
  for (let row = 0; row < height; row++) {
    const start = 4 * ((top + row) * from.width + left);
    to.data.set(from.data.subarray(start, start + 4 * width), 4 * ((y + row) * to.width + x));
  }
}
