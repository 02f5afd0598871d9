/** A worker that runs the network. Each request and each reply carries a number. */

import { Inference } from "./inference.js";
import { parseTensors } from "./tensors.js";

/** @type {Inference} */
let inference;
/** Number of the newest request to explain. */
let newest = 0;

addEventListener("message", async ({ data: { number, weights, field, digit } }) => {
  try {
    if (weights) postMessage({ number, result: load(weights) });
    else if (digit === undefined) postMessage({ number, result: inference.run(field) });
    else postMessage({ number, result: await explain(field, digit, (newest = number)) });
  } catch (error) {
    postMessage({ number, message: error.message });
  }
});

/** @param {ArrayBuffer} weights of `GET /model/weights` */
function load(weights) {
  const file = parseTensors(weights);
  inference = new Inference(file);
  return { metadata: file.metadata, layers: inference.layers };
}

/** Answers other requests between the rows of the map. Null if a later request to explain has arrived. */
async function explain(field, digit, number) {
  const importance = inference.explain(field, digit);
  for (;;) {
    const { value, done } = importance.next();
    if (done) return value;
    await new Promise((resolve) => setTimeout(resolve));
    if (number < newest) return null;
  }
}
