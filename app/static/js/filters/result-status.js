import { Problem } from "../shared/api.js";
import { find, make, say } from "../shared/dom.js";

/** Sizes, time, and what to do about values that were cut off. @param {(response: string) => void} choose */
export function drawStatus({ pixels, clippedPercent, milliseconds, plans }, before, choose) {
  say(find("#status"), `${before.width} × ${before.height} → ${pixels.width} × ${pixels.height} · ${clippedPercent} % clipped · ${milliseconds} ms in the service`);
  const hint = find("#clipped");
  const { response } = plans.at(-1);
  hint.hidden = clippedPercent < 1 || (response === "offset" && clippedPercent < 5);
  if (hint.hidden) return;
  const offers = ["abs", "offset", "rescale"].filter((name) => name !== response);
  const where = response === "abs" ? "were larger than" : "lay below 0 or above";
  hint.replaceChildren(`${clippedPercent} % of the values ${where} 255 and were cut off. Try `, ...offers.flatMap((name, index) => [
    index ? (index === offers.length - 1 ? " or " : ", ") : "",
    make("button", { type: "button", class: "small", onclick: () => choose(name) }, name)]), ".");
}

/** Errors with their place; an unknown kernel is the fault of its select. @param {Problem|null} problem */
export function listErrors(problem) {
  if (!problem) return [];
  if (problem.status !== 404) return problem.errors;
  const { message, suggestions } = problem;
  return [{ loc: ["query", "kernel"], msg: suggestions.length ? `${message} Did you mean ${suggestions.join(", ")}?` : message }];
}

/** The number of the step that a problem is about, from 1; NaN where it does not say. */
export function findFaultyStep(problem) {
  const [, named] = /^Step (\d+)/.exec(problem.message) ?? [];
  const place = problem.errors.find(({ loc }) => loc[1] === "operations")?.loc[2];
  return Number(named ?? place + 1);
}

/** What went wrong, in words, with a way on. @returns {number|undefined} a timer that asks again */
export function drawProblem(place, problem, retry) {
  if (!problem) {
    place.replaceChildren();
    return undefined;
  }
  const wait = problem.retryAfterSeconds;
  const again = problem.status === 0 || problem.status >= 500;
  place.replaceChildren(`${problem.message} `, ...(again ? [make("button", { type: "button", class: "small", onclick: retry }, "Try again")] : []));
  if (wait == null) return undefined;
  place.append(` The service is busy; this page asks again in ${wait} s.`);
  return setTimeout(retry, 1000 * wait);
}
