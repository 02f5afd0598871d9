/** The sums of a kernel and what follows from them, as in kernels/apply/planes.py and response.py. */

import { isHalved, measureHeight } from "./correlation.js";
import { padPlane, takeCentres } from "./region.js";

/**
 * @typedef {import("./operations.js").StepPlan} StepPlan
 * @typedef {{top: number, axes: import("./step.js").Axes, rows: import("./region.js").Rows, inputPlanes: number}} Place the
 *   first row of the planes, the geometry of the step, the rows of the result, and the planes of the image with alpha
 */

const { fround } = Math;

/** @param {import("./correlation.js").Correlator} correlator @param {Float32Array} plane @param {StepPlan} plan @param {Place} place */
export function filterPlane(correlator, plane, plan, place) {
  const filtered = combineParts(correlateParts(correlator, plane, plan, place), plan.combine);
  return plan.amount === 1 ? filtered : mix(filtered, takeCentres(plane, place.top, place.axes, place.rows), plan.amount);
}

/** The sums of each part, divided by the divisor. @param {Float32Array} plane @param {StepPlan} plan @param {Place} place */
export function correlateParts(correlator, plane, { parts, factors, divisor, border, stride, dilation }, { top, axes, rows }) {
  const halved = parts.filter((part, index) => !factors[index] && isHalved(part, stride, dilation));
  const count = Math.max(rows.count, ...halved.map((part) => measureHeight(part, rows.count)));
  const padded = padPlane(plane, top, axes, border, { ...rows, count });
  const output = { rows: rows.count, columns: axes.columns.output };
  return parts.map((part, index) => {
    const sums = factors[index]
      ? correlateFactors(correlator, padded, factors[index], output, stride, dilation)
      : correlator.correlateLanes(padded, part, output, stride, dilation).values;
    if (fround(divisor) !== 1) for (let at = 0; at < sums.length; at++) sums[at] /= fround(divisor);
    return sums;
  });
}

function correlateFactors(correlator, padded, factors, output, stride, dilation) {
  let total = null;
  for (const [column, row] of factors) {
    const alongY = correlator.correlateLanes(padded, column.map((weight) => [weight]), { rows: output.rows, columns: padded.columns }, [stride[0], 1], [dilation[0], 1]);
    const { values } = correlator.correlateLanes(alongY, [row], output, [1, stride[1]], [1, dilation[1]]);
    if (total) for (let index = 0; index < total.length; index++) total[index] += values[index];
    else total = values;
  }
  return total;
}

/** Changes the first result. @param {Float32Array[]} results @param {string} combine */
export function combineParts([first, ...others], combine) {
  if (combine === "single") return first;
  const isMaximum = combine === "maximum";
  if (!isMaximum) for (let index = 0; index < first.length; index++) first[index] *= first[index];
  for (const other of others) {
    for (let index = 0; index < first.length; index++) {
      const value = other[index];
      first[index] = isMaximum ? Math.max(first[index], value) : first[index] + fround(value * value);
    }
  }
  if (!isMaximum) for (let index = 0; index < first.length; index++) first[index] = Math.sqrt(first[index]);
  return first;
}

/** `amount` is the share of the filtered plane. */
export function mix(filtered, original, amount) {
  const share = fround(amount);
  if (share === 1) return filtered;
  const rest = fround(1 - share);
  return filtered.map((value, index) => fround(share * value) + fround(rest * original[index]));
}
