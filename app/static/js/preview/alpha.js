/** Colours weighted by alpha, as in kernels/apply/alpha.py. */

import { combineParts, correlateParts, filterPlane, mix } from "./filtering.js";
import { resolveBorder } from "../filters/geometry.js";
import { findWindow, takeCentres } from "./region.js";

const WHITE = 255;
const MIN_DENOMINATOR = Math.fround(1e-5);
const { fround } = Math;

/** Sizes of kernels/apply/row_strips.py: whether an image is opaque is asked for each strip. */
const STRIP_BYTES = 4_500_000;
const MIN_FOOTPRINTS = 4;

/**
 * Filters colours and alpha, both in 0..255. @returns the colours without bias, and alpha as 0..1
 * @param {import("./correlation.js").Correlator} correlator @param {Float32Array[]} colours @param {Float32Array} alpha
 * @param {import("./operations.js").StepPlan} plan @param {import("./filtering.js").Place} place all rows of the image
 */
export function filterWithAlpha(correlator, colours, alpha, plan, place) {
  const share = alpha.map((value) => value / WHITE);
  const ownAlpha = takeCentres(share, place.top, place.axes, place.rows);
  const opaque = plan.alpha === "filter" ? [] : listOpaqueRows(alpha, plan, place);
  const result = opaque.every((strip) => strip.isOpaque) && opaque.length
    ? { values: colours.map((plane) => filterPlane(correlator, plane, plan, place)), alpha: ownAlpha }
    : filterTransparent(correlator, colours, share, ownAlpha, plan, place);
  if (opaque.some((strip) => strip.isOpaque) && !opaque.every((strip) => strip.isOpaque)) {
    const width = place.axes.columns.output;
    for (const { first, count } of opaque.filter((strip) => strip.isOpaque)) {
      const part = { ...place, rows: { first, count } };
      colours.forEach((plane, channel) => result.values[channel].set(filterPlane(correlator, plane, plan, part), first * width));
      result.alpha.set(ownAlpha.subarray(first * width, (first + count) * width), first * width);
    }
  }
  return result;
}

/** The strips of the service, and whether all alpha under their kernels is full. `rescale` has one strip, without border. */
function listOpaqueRows(alpha, { response, border }, { axes: { rows, columns }, rows: { count: output }, inputPlanes }) {
  if (response === "rescale") return [{ first: 0, count: output, isOpaque: alpha.every((value) => value === WHITE) }];
  const width = (columns.output - 1) * columns.stride + columns.footprint;
  const paddedWidth = border === "valid" ? columns.input : Math.max(width, columns.before + columns.input);
  const rowBytes = 4 * paddedWidth * inputPlanes * rows.stride;
  const height = Math.max(1, Math.floor(STRIP_BYTES / rowBytes), Math.floor((MIN_FOOTPRINTS * rows.footprint) / rows.stride));
  const isOpaqueRow = Array.from({ length: rows.input }, (_, y) =>
    alpha.subarray(y * columns.input, (y + 1) * columns.input).every((value) => value === WHITE));
  const hasClearColumns = border === "zero" && paddedWidth > columns.input;
  const strips = [];
  for (let first = 0; first < output; first += height) {
    const strip = { first, count: Math.min(height, output - first), isOpaque: !hasClearColumns };
    const window = findWindow(rows, strip);
    for (let y = window.first; y < window.first + window.count && strip.isOpaque; y++) {
      const source = resolveBorder(y, rows.input, border);
      strip.isOpaque = source >= 0 && isOpaqueRow[source];
    }
    strips.push(strip);
  }
  return strips;
}

function filterTransparent(correlator, colours, share, ownAlpha, plan, place) {
  const coverage = correlateParts(correlator, share, plan, place);
  const isMean = plan.sum === 1 && plan.combine === "single";
  const filtersAlpha = plan.alpha === "filter" || (plan.alpha === "auto" && isMean && (plan.channels === "rgb" || plan.channels === "gray"));
  const hasNoNegative = plan.weights.every((part) => part.flat().every((weight) => weight / plan.divisor >= 0));
  const isWeighted = filtersAlpha || (isMean && hasNoNegative);
  const covered = isWeighted ? mix(combineParts(coverage, plan.combine), ownAlpha, plan.amount) : coverage[0];
  const values = colours.map((plane) => {
    const weighted = correlateParts(correlator, plane.map((value, index) => value * share[index]), plan, place);
    const own = takeCentres(plane, place.top, place.axes, place.rows);
    if (isWeighted) {
      const sums = mix(combineParts(weighted, plan.combine), own.map((value, index) => value * ownAlpha[index]), plan.amount);
      return own.map((value, index) => (isDivisor(covered[index]) ? sums[index] / covered[index] : value));
    }
    const total = fround(plan.kernelSum / plan.divisor);
    const results = weighted.map((sums, part) => own.map((value, index) => {
      const missing = fround(sums[index] - fround(value * coverage[part][index]));
      const quotient = isDivisor(ownAlpha[index]) ? fround(missing / ownAlpha[index]) : 0;
      return quotient + fround(total * value);
    }));
    return mix(combineParts(results, plan.combine), own, plan.amount);
  });
  return { values, alpha: filtersAlpha ? Float32Array.from(covered) : ownAlpha };
}

const isDivisor = (value) => Math.abs(value) > MIN_DENOMINATOR;
