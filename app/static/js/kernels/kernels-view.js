/** All kernels and layers of the service, for people. Programs use `GET /kernels`. */

import { EXAMPLE_FILTERS, formatFilters } from "../filters/layer-description.js";
import { parseAddress } from "../shared/address.js";
import { requestJsonOnce } from "../shared/api.js";
import { find, make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { drawProblem } from "../shared/problem-message.js";
import { drawWeightMap } from "../shared/weight-map.js";

const MAX_LISTED_SIDE = 5;
/** Smaller weights of a colour matrix are rounding errors of its sines. */
const SMALLEST_WEIGHT = 1e-9;
const COMBINATIONS = { magnitude: "magnitude of", maximum: "largest of" };

/** @param {HTMLElement} root */
export async function openKernelsView(root) {
  root.append(
    make("div", { class: "head" },
      make("h1", { id: "kernels-title" }, "All kernels and layers"),
      make("p", { class: "lead" }, "Weights as written: they are not flipped before use. Programs get the list with ", make("code", {}, "GET /kernels"), ". ",
        make("a", { href: "#kernels/layers" }, "Layers"), " are below.")),
    make("p", { class: "error", id: "kernels-error", role: "alert" }),
    make("div", { id: "kernel-list", class: "kernel-list" }),
    make("section", { id: "layers", "aria-labelledby": "layers-title", hidden: true },
      make("h2", { id: "layers-title", class: "list-title" }, "Layers"),
      make("p", { class: "lead" }, "A layer combines all channels, or is no sum of products at all. It is a step like a kernel."),
      make("div", { id: "layer-list", class: "kernel-list" })));
  const showing = showKernels(root);
  return { follow: async (hash) => {
    await showing;
    if (parseAddress(hash).path === "layers") find("#layers", root).scrollIntoView();
  } };
}

async function showKernels(root) {
  const error = find("#kernels-error", root);
  try {
    const { kernels, layers } = await requestJsonOnce("/kernels");
    find("#kernel-list", root).replaceChildren(...kernels.map(drawKernel));
    find("#layer-list", root).replaceChildren(...layers.map((layer) => drawLayer(layer, layers)));
    find("#layers", root).hidden = false;
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

/** @param {any} layer @param {any[]} layers all of them */
function drawLayer(layer, layers) {
  const { name, title, weights_shape: shape, matrix, settings, source } = layer;
  const facts = [...(shape ? [`${shape.height} × ${shape.width}`, `${shape.inputs} ${shape.inputs === 1 ? "input" : "inputs"}, ${shape.outputs} ${shape.outputs === 1 ? "output" : "outputs"}`] : []), source];
  return make("article", { class: "panel kernel" },
    make("h3", {}, make("a", { href: addressLayer(layer, layers) }, name)),
    make("p", {}, title),
    ...(matrix ? [make("div", { class: "kernel-parts" }, drawTable(matrix))] : []),
    make("p", { class: "quiet" }, [...facts, `settings: ${settings.join(", ")}`].join(" · ")));
}

/** Inputs that an image has: grey, red, green and blue, and these with alpha. */
const IMAGE_INPUTS = [1, 3, 4];

/**
 * The layer in the filter view. One that needs other maps than those of an image follows a layer that gives them, and its
 * pooling, as in the digit network.
 */
function addressLayer({ name, weights_shape: shape }, layers) {
  if (name === "conv") return `#filter/conv?${new URLSearchParams({ weights: formatFilters(EXAMPLE_FILTERS) })}`;
  const before = shape && !IMAGE_INPUTS.includes(shape.inputs) && layers.find((other) => other.weights_shape?.outputs === shape.inputs);
  if (!before) return `#filter/${name}`;
  return `#filter?${new URLSearchParams({ operations: JSON.stringify([before.name, "max-pool", name].map((kernel) => ({ kernel }))) })}`;
}

/** @param {number[][]} weights */
function drawWeights(weights) {
  if (Math.max(weights.length, weights[0].length) > MAX_LISTED_SIDE || !weights.flat().every((weight) => Number.isInteger(4 * weight))) {
    return drawWeightMap(weights, { class: "weight-map", role: "img", "aria-label": `${weights.length} by ${weights[0].length} weights as an image` });
  }
  return drawTable(weights);
}

/** @param {number[][]} weights */
const drawTable = (weights) => make("table", {}, make("tbody", {}, ...weights.map((row) => make("tr", {}, ...row.map((weight) => make("td", {}, formatNumber(Math.abs(weight) < SMALLEST_WEIGHT ? 0 : weight, 3)))))));
