/** What was learnt, in words, numbers and images. */

import { ask } from "../shared/api.js";
import { find, make, show } from "../shared/dom.js";
import { readAnswer } from "../shared/image.js";

const AMPLIFIED = 16;

/** @param {HTMLElement} root @param {any} lesson of /learn */
export function drawLesson(root, lesson) {
  root.hidden = false;
  root.dataset.verdict = lesson.is_convolution ? "kernel" : "none";
  const { request, notes, kernels } = lesson;
  root.replaceChildren(
    make("h2", { id: "lesson-title" }, "What was learnt"),
    make("p", { class: "words", id: "lesson-reason", role: "status" }, lesson.reason),
    ...(request ? [make("p", {}, make("a", { class: "button", id: "use-kernel", href: `#${request.slice(1)}` }, "Use it as a filter"))] : []),
    make("div", { class: "learnt" },
      ...(lesson.is_convolution ? kernels.map((kernel) => drawKernel(kernel, kernels.length > 1)) : []),
      make("div", { id: "residual" })),
    make("ul", { class: "quiet" }, ...notes.map((note) => make("li", {}, note))));
}

const CHANNELS = { rgb: "all channels", r: "red", g: "green", b: "blue" };

function drawKernel(kernel, several) {
  const { fractions, weights, nearest } = kernel;
  const rows = fractions ? fractions.weights : weights.length <= 9 ? weights.map((row) => row.map((weight) => show(weight))) : null;
  const facts = [
    ["nearest kernel", nearest ? `${nearest.name}${describeParameters(nearest.parameters)}` : "none of the catalogue"],
    ["bias", show(kernel.bias)], ["rank", String(kernel.rank)],
    ["R²", kernel.r_squared.toFixed(5)], ["PSNR", `${kernel.psnr_db.toFixed(1)} dB`],
    ["values used", `${kernel.samples.toLocaleString("en")}`],
    ...(kernel.ridge ? [["ridge", kernel.ridge.toExponential(1)]] : []),
  ];
  return make("section", { class: "learnt-kernel", "aria-label": `Kernel of ${CHANNELS[kernel.channels]}` },
    ...(several ? [make("h3", {}, CHANNELS[kernel.channels])] : []),
    ...(rows ? [make("div", { class: "grid-scroll" }, make("table", { class: "fractions" },
      make("caption", {}, fractions ? (fractions.divisor === 1 ? "whole numbers" : `fractions of ${fractions.divisor}`) : "weights, near no clean fractions"),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text.replace("-", "−"))))))))] : []),
    make("dl", { class: "facts-list" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
}

const describeParameters = (parameters) => {
  const texts = Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
  return texts.length ? ` (${texts.join(", ")})` : "";
};

/** Where the learnt kernel gives something else than the result: black where the same. */
export async function drawResidual(root, lesson, before, after, signal) {
  const path = lesson.request.split("?");
  const query = new URLSearchParams(path[1]);
  query.set("format", "png");
  const reply = await ask(path[0], { query, form: { file: [before.original, before.name] }, accept: "image/png", signal });
  const again = await readAnswer(await reply.blob());
  const { width, height, data } = after.pixels;
  if (signal.aborted || again.width !== width || again.height !== height) return;
  const canvas = make("canvas", { width, height, role: "img" });
  const image = new ImageData(width, height);
  let different = 0;
  for (let index = 0; index < data.length; index += 4) {
    const off = [0, 1, 2].map((channel) => Math.abs(again.data[index + channel] - data[index + channel]));
    different += Number(Math.max(...off) > 1);
    image.data.set([...off.map((one) => Math.min(255, AMPLIFIED * one)), 255], index);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const share = `${show((400 * different) / data.length, 2)} % of the pixels differ by more than 1 level`;
  canvas.setAttribute("aria-label", `Residual map: ${share}`);
  find("#residual", root).replaceChildren(make("figure", { class: "pair" }, canvas, make("figcaption", { id: "residual-share" }, `What is left over, ${AMPLIFIED} times as strong: ${share}.`)));
}
