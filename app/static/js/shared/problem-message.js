/** Error messages that offer to repeat a failed request. */

import { Problem } from "./api.js";
import { make } from "./dom.js";

/**
 * @param {HTMLElement} root
 * @param {Problem|null} problem null clears the message
 * @param {() => void} [retry]
 * @returns {number|undefined} the timer of an automatic retry
 */
export function drawProblem(root, problem, retry) {
  if (!problem) {
    root.replaceChildren();
    return undefined;
  }
  const seconds = problem.retryAfterSeconds;
  const retriable = problem.status === 0 || problem.status >= 500;
  root.replaceChildren(`${problem.message} `, ...(retriable ? [make("button", { type: "button", class: "small", onclick: retry }, "Try again")] : []));
  if (seconds == null) return undefined;
  root.append(` Retrying in ${seconds} s.`);
  return setTimeout(retry, 1000 * seconds);
}

/**
 * Shows the problem of a task, with a button that repeats it, until `signal` aborts the task.
 * @param {AbortSignal} signal @param {HTMLElement} root @param {unknown} problem is thrown if it is no Problem @param {() => void} retry
 */
export function drawProblemOf(signal, root, problem, retry) {
  if (signal.aborted) return;
  if (!(problem instanceof Problem)) throw problem;
  const timer = drawProblem(root, problem, () => {
    root.replaceChildren();
    retry();
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
}
