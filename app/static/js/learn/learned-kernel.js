import { make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";

const MAX_LISTED_SIDE = 9;
const CHANNELS = { rgb: "all channels", r: "red", g: "green", b: "blue" };

/** The result of learning: kernels, how well they fit, and a link to use them. @param {HTMLElement} root @param {any} learned the reply of /learn */
export function drawLearned(root, learned) {
  const { request, notes, kernels, is_convolution: isConvolution, reason } = learned;
  root.hidden = false;
  root.dataset.verdict = isConvolution ? "kernel" : "none";
  root.replaceChildren(
    make("h2", { id: "learned-title" }, "Result"),
    make("p", { class: "reason", id: "learned-reason", role: "status" }, reason),
    ...(request ? [make("p", {}, make("a", { class: "button", id: "use-kernel", href: `#${request.slice(1)}` }, "Use as a filter"))] : []),
    make("div", { class: "learned" },
      ...(isConvolution ? kernels.map((kernel) => drawKernel(kernel, kernels.length > 1)) : []),
      make("div", { id: "residual" })),
    make("ul", { class: "quiet" }, ...notes.map((note) => make("li", {}, note))));
}

function drawKernel(kernel, several) {
  const { nearest, channels } = kernel;
  const facts = [
    ["nearest kernel", nearest ? `${nearest.name}${describeParameters(nearest.parameters)}` : "none in the catalogue"],
    ["bias", formatNumber(kernel.bias)], ["rank", String(kernel.rank)],
    ["R²", kernel.r_squared.toFixed(5)], ["PSNR", `${kernel.psnr_db.toFixed(1)} dB`],
    ["samples", `${kernel.samples.toLocaleString("en")}`],
    ...(kernel.ridge ? [["ridge", kernel.ridge.toExponential(1)]] : []),
  ];
  return make("section", { class: "learned-kernel", "aria-label": `Kernel of ${CHANNELS[channels]}` },
    ...(several ? [make("h3", {}, CHANNELS[channels])] : []),
    ...drawWeights(kernel),
    make("dl", { class: "facts-list" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
}

function drawWeights({ fractions, weights }) {
  if (!fractions && weights.length > MAX_LISTED_SIDE) return [];
  const rows = fractions ? fractions.weights : weights.map((row) => row.map((weight) => formatNumber(weight)));
  return [make("div", { class: "grid-scroll" }, make("table", { class: "fractions" },
    make("caption", {}, describeFractions(fractions)),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text.replace("-", "−"))))))))];
}

function describeFractions(fractions) {
  if (!fractions) return "weights; they are not close to simple fractions";
  return fractions.divisor === 1 ? "integers" : `fractions with the denominator ${fractions.divisor}`;
}

function describeParameters(parameters) {
  const texts = Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
  return texts.length ? ` (${texts.join(", ")})` : "";
}
