/** Which pixels a loupe shows, along one axis. A window is as wide as it is high and may reach into the padding. */

/** @typedef {import("../geometry.js").Axis} Axis */

const MIN_SIDE = 13;
const MIN_SIDE_NARROW = 11;
/** Pixels around the kernel, so that it can slide. */
const ROOM = 8;

/** The side of the window in input pixels. @param {{rows: Axis, columns: Axis}} axes @param {boolean} narrow on a phone */
export function chooseSide({ rows, columns }, narrow) {
  return Math.max(narrow ? MIN_SIDE_NARROW : MIN_SIDE, Math.max(rows.footprint, columns.footprint) + ROOM);
}

/** The first and last input pixel that the kernel reads; outside 0..input - 1 they are padding. @param {Axis} axis */
function findReach({ input, stride, footprint, before, output }) {
  return { low: Math.min(-before, 0), high: Math.max((output - 1) * stride - before + footprint, input) };
}

/** The start of a window with an input pixel in its middle, moved so that it does not reach beyond the padding. @param {Axis} axis */
export function placeWindow(axis, side, middle) {
  const { low, high } = findReach(axis);
  if (high - low <= side) return Math.floor((low + high - side) / 2);
  return Math.min(Math.max(middle - (side >> 1), low), high - side);
}

/** The start of a window moved as little as possible, so that it contains what the kernel covers for a result pixel. @param {Axis} axis */
export function followPixel(axis, side, start, pixel) {
  const first = pixel * axis.stride - axis.before;
  return Math.min(Math.max(start, first + axis.footprint - side), first);
}

/** The result pixels whose kernel lies completely in the window. @param {Axis} axis @returns {{first: number, count: number}} */
export function listResults({ stride, before, footprint, output }, side, start) {
  const first = Math.max(Math.ceil((start + before) / stride), 0);
  const last = Math.min(Math.floor((start + side - footprint + before) / stride), output - 1);
  return { first, count: Math.max(last - first + 1, 0) };
}
