/** Requests to `POST /learn`. */

import { Problem, request, requestJson } from "../shared/api.js";
import { readEvents } from "./server-sent-events.js";

/**
 * @typedef {import("../shared/image.js").Image} Image
 * @typedef {{before: Image, after: Image}} Pair an image and its filtered copy
 * @typedef {{step: number, loss: number, weights: number[][][]}} DescentStep `weights` has one kernel for each channel
 */

const NO_RESULT = { detail: "The connection closed before the result arrived. Try again." };

const makeForm = ({ before, after }) => /** @type {Record<string, [Blob, string]>} */ ({
  before: [before.original, before.name], after: [after.original, after.name],
});

/** @param {Pair} pair @param {string} size of the kernel @param {AbortSignal} signal @returns {Promise<any>} */
export const learnByLeastSquares = (pair, size, signal) => requestJson("/learn", { query: { size }, form: makeForm(pair), signal });

/**
 * @param {Pair} pair @param {string} size of the kernel
 * @param {(step: DescentStep, floor: number) => Promise<void>} onStep is awaited; `floor` is the loss of least squares
 * @param {AbortSignal} signal
 * @returns {Promise<any>} the learned kernel; throws AbortError if `signal` aborted the descent
 */
export async function learnByDescent(pair, size, onStep, signal) {
  const query = { size, method: "descent" };
  const reply = await request("/learn", { query, form: makeForm(pair), accept: "text/event-stream", signal });
  let [floor, learned] = [NaN, null];
  for await (const { name, data } of readEvents(reply)) {
    if (name === "start") floor = data.floor;
    if (name === "lesson") learned = data;
    if (name === "step") await onStep(data, floor);
    signal.throwIfAborted();
  }
  if (!learned) throw new Problem(0, NO_RESULT);
  return learned;
}
