/** All kernels of the service, for people. Programs use `GET /kernels`. */

import { requestJsonOnce } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { drawProblem } from "../shared/problem-message.js";
import { drawWeightMap } from "../shared/weight-map.js";

const MAX_LISTED_SIDE = 5;
const COMBINATIONS = { magnitude: "magnitude of", maximum: "largest of" };

/** @param {HTMLElement} root */
export async function openKernelsView(root) {
  root.append(
    make("div", { class: "head" },
      make("h1", { id: "kernels-title" }, "All kernels"),
      make("p", { class: "lead" }, "Weights as written: they are not flipped before use. Programs get the list with ", make("code", {}, "GET /kernels"), ".")),
    make("p", { class: "error", id: "kernels-error", role: "alert" }),
    make("div", { id: "kernel-list", class: "kernel-list" }));
  showKernels(root);
  return { follow: () => {} };
}

async function showKernels(root) {
  const error = find("#kernels-error", root);
  try {
    const { kernels } = await requestJsonOnce("/kernels");
    find("#kernel-list", root).replaceChildren(...kernels.map(drawKernel));
    drawProblem(error, null);
  } catch (problem) {
    drawProblem(error, problem, () => showKernels(root));
  }
}

function drawKernel(kernel) {
  const { name, title, rows, columns, weights, combine, divisor, parameters, source } = kernel;
  const parts = combine === "single" ? [weights] : combine === "median" ? [] : weights;
  const ranges = Object.entries(parameters.properties).map(([parameter, { minimum, maximum }]) =>
    `${parameter} ${formatNumber(minimum)} to ${formatNumber(maximum)}`);
  const facts = [`${rows} × ${columns}`, ...(divisor === 1 ? [] : [`divided by ${formatNumber(divisor)}`]), ...ranges, source];
  return make("article", { class: "panel kernel" },
    make("h2", {}, make("a", { href: `#filter/${name}` }, name)),
    make("p", {}, title),
    ...(parts.length > 1 ? [make("p", { class: "quiet" }, `${COMBINATIONS[combine] ?? combine} ${parts.length} results`)] : []),
    make("div", { class: "kernel-parts" }, ...parts.map(drawWeights)),
    make("p", { class: "quiet" }, facts.join(" · ")));
}

/** @param {number[][]} weights */
function drawWeights(weights) {
  if (Math.max(weights.length, weights[0].length) > MAX_LISTED_SIDE || !weights.flat().every((weight) => Number.isInteger(4 * weight))) {
    return drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": `${weights.length} by ${weights[0].length} weights as an image` });
  }
  return make("table", {}, make("tbody", {}, ...weights.map((row) => make("tr", {}, ...row.map((weight) => make("td", {}, formatNumber(weight)))))));
}
