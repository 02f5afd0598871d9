import { make, setText } from "../../shared/dom.js";
import { formatNumber } from "../../shared/numbers.js";

const RESPONSES = {
  clip: (value) => (value < 0 ? "below 0 becomes 0" : value > 255 ? "above 255 becomes 255" : ""),
  abs: (value) => (value < 0 ? "without the sign" : ""),
  offset: () => "halved, plus 128",
  rescale: () => "the image's range becomes 0 to 255",
};

/**
 * The weighted sum of one pixel, worked out: only the steps that change the value are shown.
 * @param {HTMLElement} root @param {import("../pixel.js").Computation|null} computation @param {import("../plan.js").Plan} plan
 * @param {{linear: boolean, returned: number|null}} where `returned` is the value in the service's reply, null if there is none yet
 */
export function drawSumSteps(root, computation, plan, { linear, returned }) {
  if (!computation) return root.replaceChildren();
  const { sums, divided, mixed, biased, responded, final } = computation;
  const rows = computation.taps.map((part, index) => computation.taps.length > 1
    ? [`kernel ${index + 1}`, formatNumber(sums[index], 2)]
    : plan.combine === "median" ? [`middle of ${part.flat().length} pixels`, formatNumber(sums[index], 2)] : ["sum", writeSum(part.flat(), sums[index])]);
  const combining = { magnitude: "√ of squares", maximum: "maximum" }[plan.combine];
  const divisor = plan.divisor === 1 ? "" : `÷ ${formatNumber(plan.divisor)}`;
  if (combining || divisor) rows.push([[divisor, combining].filter(Boolean).join(", "), formatNumber(divided, 2)]);
  if (plan.amount !== 1) rows.push([`${formatNumber(plan.amount)} of it`, formatNumber(mixed, 2)]);
  if (plan.bias) rows.push([`+ ${formatNumber(plan.bias)}`, formatNumber(biased, 2)]);
  const explained = RESPONSES[plan.response]?.(biased);
  if (explained) rows.push([explained, formatNumber(responded, 2)]);
  if (linear) rows.push(["converted to sRGB", ""]);
  const list = rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  const agrees = returned === null ? "" : returned === final ? "✓ service agrees" : `service: ${returned}`;
  root.replaceChildren(make("dl", {}, ...list),
    make("p", { class: "final" }, make("output", {}, `= ${formatNumber(final)}`), make("span", { class: returned === final ? "check same" : "check" }, agrees)));
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
