/** The probability of each class for a drawing, and the examples that are nearest to it. */

import { find, make, setText } from "../shared/dom.js";
import { findLargestIndex, formatProbability } from "../shared/numbers.js";
import { drawProbabilityBars, updateProbabilityBars } from "../shared/probability-bars.js";
import { classify, multiply, normaliseFeatures } from "./class-head.js";

const NEAREST = 5;

/**
 * @typedef {import("./class-collection.js").Example} Example
 * @typedef {import("./class-collection.js").Reading} Reading
 */

/**
 * @param {HTMLElement} root @param {Reading|null} reading of the pad
 * @param {import("./class-file.js").NamedHead|null} head
 * @param {import("./class-collection.js").ClassCollection} collection
 */
export function drawClassResult(root, reading, head, collection) {
  if (!root.childElementCount) root.append(...layOutResult());
  const probabilities = head && reading && classify(head, reading.features);
  const best = probabilities ? findLargestIndex(probabilities) : -1;
  root.dataset.label = best < 0 ? "" : head.labels[best];
  setText(find(".verdict", root), describe(reading, head, probabilities, best));
  drawBars(find(".class-bars", root), head?.labels ?? [], probabilities, best);
  find(".seen", root).hidden = !reading;
  if (reading) find(".seen img", root).src = reading.seen;
  drawNearest(find(".nearest", root), reading, collection);
}

const layOutResult = () => [
  make("div", { class: "answer" },
    make("figure", { class: "seen", hidden: true }, make("img", { alt: "What the network sees of the drawing", width: 28, height: 28 })),
    make("p", { class: "verdict", role: "status" })),
  make("div", { class: "class-bars" }),
  make("h3", {}, "Nearest examples"),
  make("div", { class: "nearest" }),
];

function describe(reading, head, probabilities, best) {
  if (!head) return "Train first. Then draw something new here.";
  if (!reading) return "Draw something new.";
  return `${head.labels[best]} (${formatProbability(probabilities[best])})`;
}

/** The rows stay in place while somebody draws. */
function drawBars(root, labels, probabilities, best) {
  const key = JSON.stringify(labels);
  if (root.dataset.labels !== key) {
    root.dataset.labels = key;
    root.replaceChildren(...(labels.length ? [drawProbabilityBars(labels, "Probability of each class")] : []));
  }
  if (labels.length) updateProbabilityBars(root.firstElementChild, probabilities, (index) => index === best);
}

/** The examples most similar to a drawing, the nearest first. @param {Reading} reading @param {Example[]} examples */
function findNearest(reading, examples) {
  const drawing = normaliseFeatures(reading.features);
  return examples.map((example) => ({ example, similarity: multiply(drawing, normaliseFeatures(example.features)) }))
    .sort((one, other) => other.similarity - one.similarity).slice(0, NEAREST);
}

function drawNearest(root, reading, collection) {
  if (!reading || !collection.examples.length) {
    root.replaceChildren(make("p", { class: "quiet" }, "The five examples whose features are most similar to those of the drawing."));
    return;
  }
  root.replaceChildren(...findNearest(reading, collection.examples).map(({ example, similarity }) => {
    const label = collection.nameClass(example.classId);
    return make("figure", {}, make("img", { src: example.seen, width: 28, height: 28, alt: `An example of ${label}` }),
      make("figcaption", { title: "Cosine similarity of the features: 1 if they are proportional" }, `${label} ${similarity.toFixed(2)}`));
  }));
}
