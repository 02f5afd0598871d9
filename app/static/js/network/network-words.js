/** The diagram as a table: what each layer computes, and its strongest maps. */

import { make } from "../shared/dom.js";
import { formatNumber, formatProbability, rankIndices } from "../shared/numbers.js";
import { MAPS } from "./inference.js";

const LISTED = 4;

const ROWS = [
  ["conv1", "28 × 28 × 32", "32 kernels of 5 × 5 on the input, plus bias, then ReLU"],
  ["pool1", "14 × 14 × 32", "the largest value of each 2 × 2 square"],
  ["conv2", "14 × 14 × 64", "64 kernels of 5 × 5 × 32 on the pooled maps, plus bias, then ReLU"],
  ["pool2", "7 × 7 × 64", "the largest value of each 2 × 2 square"],
];

/** @param {import("./workings.js").Computed|null} computed */
export function describeNetwork(computed) {
  const answer = computed?.answer;
  const drawRow = (...cells) => make("tr", {}, make("th", { scope: "row" }, cells[0]), ...cells.slice(1).map((cell) => make("td", {}, cell)));
  const rows = ROWS.map(([name, shape, meaning]) => drawRow(name, shape, meaning, answer ? listStrongest(answer.maps[name], MAPS[name], "map") : "–"));
  return make("table", { class: "words" },
    make("thead", {}, make("tr", {}, ...["layer", "shape", "what it computes", "strongest now"].map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {},
      drawRow("input", "28 × 28", "the prepared drawing, 0 (paper) to 1 (ink)", computed ? `${computed.field.filter((ink) => ink > 0.5).length} pixels of ink` : "–"),
      ...rows,
      drawRow("features", "1,024", "3,136 products of all values of pool2, plus bias, then ReLU", answer ? listStrongest(answer.features, answer.features.length, "feature") : "–"),
      drawRow("output", "10 digits and “not a digit”", "1,024 products, plus bias; softmax of the ten digits", answer ? listOutputs(answer) : "–")));
}

/** The maps with the largest values. @param {Float32Array} values (height, width, count) */
function listStrongest(values, count, noun) {
  const largest = new Float32Array(count);
  values.forEach((value, index) => { largest[index % count] = Math.max(largest[index % count], value); });
  const order = rankIndices(largest).slice(0, LISTED);
  return `${noun}s ${order.map((index) => `${index} (${formatNumber(largest[index], 2)})`).join(", ")}`;
}

/** @param {import("./inference.js").Answer} answer */
function listOutputs({ probabilities, notADigit }) {
  const order = rankIndices(probabilities).slice(0, LISTED - 1);
  return `${order.map((digit) => `${digit}: ${formatProbability(probabilities[digit])}`).join(", ")}; not a digit: ${formatProbability(notADigit)}`;
}
