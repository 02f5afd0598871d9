import { make, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";
import { hasNoWeights } from "../pixel.js";

const RESPONSES = {
  clip: (value) => (value < 0 ? "below 0 becomes 0" : value > 255 ? "above 255 becomes 255" : ""),
  abs: (value) => (value < 0 ? "without the sign" : ""),
  offset: () => "halved, plus 128",
  rescale: () => "scaled to 0…255",
};

/**
 * The weighted sum of one pixel, worked out: only the steps that change the value are shown.
 * @param {HTMLElement} root @param {import("../pixel.js").Computation|null} computation @param {import("../plan.js").Plan} plan
 * @param {{linear: boolean, returned: number|null}} where `returned` is the value in the service's reply, null if there is none yet
 */
export function drawSumSteps(root, computation, plan, { linear, returned }) {
  if (!computation) return root.replaceChildren();
  const { divided, mixed, biased, rectified, responded, final } = computation;
  const rows = plan.layer?.filters ? [listTotal(computation)] : listPartSums(computation, plan);
  const combining = { magnitude: "√ of squares", maximum: "maximum" }[plan.combine];
  const divisor = plan.divisor === 1 ? "" : `÷ ${formatNumber(plan.divisor)}`;
  if (combining || divisor) rows.push([[divisor, combining].filter(Boolean).join(", "), formatNumber(divided, 2)]);
  if (plan.amount !== 1) rows.push([`${formatNumber(plan.amount)} of it`, formatNumber(mixed, 2)]);
  if (biased !== mixed) rows.push([`+ ${formatNumber(biased - mixed, 2)}`, formatNumber(biased, 2)]);
  if (plan.layer?.isRectified) rows.push([rectified === biased ? "ReLU: stays" : "ReLU: below 0 becomes 0", formatNumber(rectified, 2)]);
  const explained = RESPONSES[plan.response]?.(rectified);
  if (explained) rows.push([explained, formatNumber(responded, 2)]);
  if (linear) rows.push(["converted to sRGB", ""]);
  const list = rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  const agrees = returned === null ? "" : returned === final ? "✓ service agrees" : `service: ${formatNumber(returned, 2)}`;
  root.replaceChildren(make("dl", {}, ...list),
    make("p", { class: "final" }, make("output", {}, `= ${formatNumber(final, 2)}`), make("span", { class: returned === final ? "check same" : "check" }, agrees)));
}

/** The sum of a layer over all maps; the tables of the kernel have that of each. */
const listTotal = ({ sums, divided }) => [sums.length === 1 ? "sum" : `sum of ${sums.length} maps`, formatNumber(divided, 2)];

/** Kernels that are combined and have a line each. */
const MAX_LISTED_PARTS = 4;

const CHOSEN = { median: "middle", largest: "largest", smallest: "smallest", average: "average" };

/** Kernels, and layers that treat each map on its own. */
function listPartSums({ taps, sums }, plan) {
  if (taps.length > MAX_LISTED_PARTS) return [[`${taps.length} kernels`, `${formatNumber(Math.min(...sums), 1)} … ${formatNumber(Math.max(...sums), 1)}`]];
  if (taps.length > 1) return taps.map((_, index) => [`kernel ${index + 1}`, formatNumber(sums[index], 2)]);
  const values = taps[0].flat().filter(({ value }) => !Number.isNaN(value));
  if (plan.combine === "rectified") return [["before", formatNumber(values[0].value, 2)], [values[0].value < 0 ? "below 0 becomes 0" : "stays: not below 0", formatNumber(sums[0], 2)]];
  if (plan.combine === "average") return [[`sum of ${values.length} pixels`, formatNumber(values.reduce((sum, { value }) => sum + value, 0), 2)], [`÷ ${values.length}`, formatNumber(sums[0], 2)]];
  if (hasNoWeights(plan)) return [[`${CHOSEN[plan.combine]} of ${values.length} pixels`, formatNumber(sums[0], 2)]];
  return [["sum", writeSum(values, sums[0])]];
}

/** The sum of the positive and of the negative products. */
function writeSum(taps, sum) {
  const positive = taps.reduce((total, { product }) => total + Math.max(product, 0), 0);
  const negative = sum - positive;
  return positive && negative ? `${formatNumber(positive, 1)} − ${formatNumber(-negative, 1)} = ${formatNumber(sum, 2)}` : formatNumber(sum, 2);
}

/** @param {HTMLElement} root @param {string} text why there is no sum */
export function showSumMessage(root, text) {
  if (root.textContent !== text) root.replaceChildren(make("p", { class: "quiet" }, ""));
  setText(root.firstElementChild, text);
}
