/** One step of a chain, as kernels/apply/step.py applies it: every operation is rounded to float32. */

import { filterPlane } from "./filtering.js";
import { filterWithAlpha } from "./alpha.js";
import { findLevel, subtractLevel } from "./level.js";
import { expandGrey, replacePlanes, selectPlanes } from "./planes.js";
import { takeCentres } from "./region.js";

/**
 * @typedef {import("./planes.js").Planes} Planes
 * @typedef {import("./operations.js").StepPlan} StepPlan
 * @typedef {{rows: import("../filters/geometry.js").Axis, columns: import("../filters/geometry.js").Axis}} Axes
 * @typedef {{planes: Planes, clipped: number, values: number}} Applied the numbers of clipped and of visible values
 */

const WHITE = 255;
/** Values before the response that it clips by more than rounding does, from kernels/apply/response.py. */
const BOUNDS = { abs: [-WHITE - 0.5, WHITE + 0.5], offset: [-WHITE - 2, WHITE] };
const { fround } = Math;

/**
 * @param {import("./correlation.js").Correlator} correlator @param {Planes} planes @param {StepPlan} plan @param {Axes} axes
 * @param {import("./region.js").Rows} rows of the result; all of them if the response is `rescale`
 * @returns {Applied} throws RangeError if values overflow
 */
export function applyStep(correlator, planes, plan, axes, rows) {
  const inputPlanes = planes.colours.length + 1;
  planes = expandGrey(planes, plan.channels);
  const { top, alpha } = planes;
  const selected = selectPlanes(planes.colours, plan.channels);
  const level = findLevel(selected, alpha, plan);
  const source = level ? subtractLevel(selected, alpha, level) : selected;
  const place = { top, axes, rows, inputPlanes };
  /** @type {{values: Float32Array[], alpha: Float32Array|null}} */
  const filtered = alpha
    ? filterWithAlpha(correlator, source, alpha, plan, place)
    : { values: source.map((plane) => filterPlane(correlator, plane, plan, place)), alpha: null };
  const { values } = filtered;
  if (level) addLevel(values, level, plan.sum);
  const bias = fround(plan.bias);
  if (bias) for (const plane of values) for (let index = 0; index < plane.length; index++) plane[index] += bias;
  const resultAlpha = filtered.alpha && boundAlpha(filtered.alpha, plan.response);
  const { clipped, count } = applyResponse(values, resultAlpha, plan);
  const colours = replacePlanes(values, planes.colours, selected, plan.channels, (plane) => takeCentres(plane, top, axes, rows));
  if (resultAlpha) {
    hideTransparent(colours, resultAlpha);
    for (let index = 0; index < resultAlpha.length; index++) resultAlpha[index] *= WHITE;
  }
  return {
    planes: { width: axes.columns.output, height: axes.rows.output, top: rows.first, rows: rows.count, colours, alpha: resultAlpha },
    clipped, values: count,
  };
}

/** What all channels have in common is not added: `rescale` subtracts it again. */
function addLevel(values, level, sum) {
  const lowest = Math.min(...level);
  values.forEach((plane, channel) => {
    const constant = fround(fround(sum) * fround(level[channel] - lowest));
    for (let index = 0; index < plane.length; index++) plane[index] += constant;
  });
}

const boundAlpha = (alpha, response) => alpha.map((value) => Math.min(Math.max(response === "abs" ? Math.abs(value) : value, 0), 1));

/**
 * Brings values into range and counts those of visible pixels, and how many of them are clipped by more than rounding does.
 * @param {Float32Array[]} planes changed in place @param {Float32Array|null} alpha @param {StepPlan} plan
 * @returns {{clipped: number, count: number}}
 */
function applyResponse(planes, alpha, { response, roundsAtOnce }) {
  const { scale, lowest } = response === "rescale" ? measureRange(planes, alpha) : { scale: 1, lowest: 0 };
  const [rescales, isAbsolute, isOffset] = [response === "rescale", response === "abs", response === "offset"];
  // The service counts before the response, or after it for a step that it rounds at once.
  const [floor, ceiling] = (!roundsAtOnce && BOUNDS[response]) || [-0.5, WHITE + 0.5];
  let [clipped, count, total] = [0, 0, 0];
  for (const plane of planes) {
    for (let index = 0; index < plane.length; index++) {
      const before = plane[index];
      let value = before;
      if (rescales) value = fround(fround(value - lowest) * scale);
      else if (isAbsolute) value = Math.abs(value);
      else if (isOffset) value = fround(fround(0.5 * value) + (WHITE + 1) / 2);
      if (alpha === null || alpha[index] > 0) {
        count++;
        total += value; // is finite if all values are
        const counted = roundsAtOnce ? value : before;
        if (counted < floor || counted >= ceiling) clipped++;
      }
      plane[index] = value < 0 ? 0 : value > WHITE ? WHITE : value;
    }
  }
  checkRange(total);
  return { clipped: rescales ? 0 : clipped, count };
}

/** The smallest value of visible pixels, and the factor that makes the largest white. */
function measureRange(planes, alpha) {
  let [lowest, highest, total] = [Infinity, -Infinity, 0];
  for (const plane of planes) {
    for (let index = 0; index < plane.length; index++) {
      if (alpha !== null && !(alpha[index] > 0)) continue;
      const value = plane[index];
      total += value;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
  }
  checkRange(total);
  return highest > lowest ? { lowest, scale: fround(WHITE / (highest - lowest)) } : { lowest: 0, scale: 0 };
}

function checkRange(total) {
  if (!Number.isFinite(total)) throw new RangeError("The values exceed the range of float32.");
}

function hideTransparent(colours, alpha) {
  for (const plane of new Set(colours)) for (let index = 0; index < plane.length; index++) if (!(alpha[index] > 0)) plane[index] = 0;
}
