/** Which rows of each step's input a part of the result needs, and padding. */

import { resolveBorder } from "../filters/geometry.js";

/**
 * @typedef {import("../filters/geometry.js").Axis} Axis
 * @typedef {{first: number, count: number}} Rows
 */

/** The rows of the input under the kernel, for some rows of the result. @param {Axis} axis @param {Rows} rows @returns {Rows} */
export const findWindow = (axis, { first, count }) => ({
  first: first * axis.stride - axis.before,
  count: (count - 1) * axis.stride + axis.footprint,
});

/** The rows of the input that supply the window. @param {Axis} axis @param {string} border @param {Rows} rows @returns {Rows} */
export function findInputRows(axis, border, rows) {
  const { first, count } = findWindow(axis, rows);
  let [lowest, highest] = [Infinity, -1];
  for (let row = first; row < first + count; row++) {
    const source = resolveBorder(row, axis.input, border);
    if (source < 0) continue;
    lowest = Math.min(lowest, source);
    highest = Math.max(highest, source);
  }
  return highest < 0 ? { first: 0, count: 1 } : { first: lowest, count: highest - lowest + 1 };
}

/**
 * A plane with its border: the window of some rows of the result.
 * @param {Float32Array} values rows of a plane, beginning with `top` @param {number} top
 * @param {{rows: Axis, columns: Axis}} axes @param {string} border @param {Rows} rows of the result
 * @returns {import("./correlation.js").Plane}
 */
export function padPlane(values, top, axes, border, rows) {
  const window = findWindow(axes.rows, rows);
  const { input: width, before, stride, output, footprint } = axes.columns;
  const columns = (output - 1) * stride + footprint;
  const inside = Math.min(width, columns - before);
  const outside = [];
  for (let x = 0; x < columns; x++) if (x < before || x >= before + inside) outside.push([x, resolveBorder(x - before, width, border)]);
  const padded = new Float32Array(window.count * columns);
  for (let y = 0; y < window.count; y++) {
    const row = resolveBorder(window.first + y, axes.rows.input, border);
    if (row < 0) continue;
    const [from, to] = [(row - top) * width, y * columns];
    padded.set(values.subarray(from, from + inside), to + before);
    for (const [x, column] of outside) padded[to + x] = column < 0 ? 0 : values[from + column];
  }
  return { rows: window.count, columns, values: padded };
}

/** The pixels of a plane at which the results are placed. @param {Float32Array} values @param {{rows: Axis, columns: Axis}} axes @param {Rows} rows */
export function takeCentres(values, top, axes, { first, count }) {
  const { output, stride, first: left, input: width } = axes.columns;
  if (stride === 1 && left === 0 && output === width && axes.rows.stride === 1) {
    const from = (first + axes.rows.first - top) * width;
    return values.slice(from, from + count * width);
  }
  const result = new Float32Array(count * output);
  for (let y = 0, to = 0; y < count; y++) {
    const from = ((first + y) * axes.rows.stride + axes.rows.first - top) * width + left;
    for (let x = 0; x < output; x++) result[to++] = values[from + x * stride];
  }
  return result;
}
