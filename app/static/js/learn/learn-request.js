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

/** @typedef {{size: string, shared: "auto"|"true"}} Query side of the kernel, and whether all channels have one kernel */

/** @param {Pair} pair @param {Query} query @param {AbortSignal} signal @returns {Promise<any>} */
export const learnByLeastSquares = (pair, query, signal) => requestJson("/learn", { query, form: makeForm(pair), signal });

/**
 * @param {Pair} pair @param {Query} query
 * @param {(step: DescentStep, floor: number) => Promise<void>} onStep is awaited; `floor` is the loss of least squares
 * @param {AbortSignal} signal
 * @returns {Promise<any>} the learned kernel; throws AbortError if `signal` aborted the descent
 */
export async function learnByDescent(pair, query, onStep, signal) {
  const reply = await request("/learn", { query: { ...query, method: "descent" }, form: makeForm(pair), accept: "text/event-stream", signal });
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
