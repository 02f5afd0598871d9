/** Error messages that offer to repeat a failed request. */

import { make } from "./dom.js";

/**
 * @param {HTMLElement} root
 * @param {import("./api.js").Problem|null} problem null clears the message
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
  root.append(` The service is busy. Retrying in ${seconds} s.`);
  return setTimeout(retry, 1000 * seconds);
}
