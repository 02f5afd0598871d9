/** Checks of tasks. Each compares what the learner has made with the parameters of the task. */

import { checkDigit } from "./digit-check.js";
import { checkEdges } from "./edges-check.js";
import { isFaultOfSteps } from "./filter-result.js";
import { checkTarget } from "./target-check.js";

/** @typedef {{isRight: boolean, message: string}} Verdict `message` says what is right or still wrong; empty for an answer without feedback */

/** The view in which the work of a check is done. */
const VIEWS = { "responds-only-to": "filter", "near-target": "filter", "reads-digit": "digits" };
const PLACES = { filter: "the filters", digits: "the digits" };

/**
 * @param {any} task of `GET /lessons/{name}` @param {import("../work.js").Work} work @param {string} [drawing] of the lesson
 * @returns {Promise<Verdict>} throws Problem if the service does not respond
 */
export async function checkTask(task, work, drawing) {
  if (task.check === "choice") return checkChoice(task, work.choice ?? null);
  const view = VIEWS[task.check];
  if (work.view !== view) return { isRight: false, message: `This task is done in ${PLACES[view]}. “Start over” opens them.` };
  if (task.check === "reads-digit") return checkDigit(task, work.drawing, drawing);
  if (!work.filter) return { isRight: false, message: "The image is still loading. Check again." };
  try {
    return await (task.check === "near-target" ? checkTarget : checkEdges)(task, work.filter);
  } catch (error) {
    if (!isFaultOfSteps(error)) throw error;
    return { isRight: false, message: `There is no result: ${error.message}` };
  }
}

/** @param {{choices: {correct: boolean, feedback?: string}[]}} task @param {number|null} choice @returns {Verdict} */
function checkChoice({ choices }, choice) {
  if (choice === null) return { isRight: false, message: "Choose an answer first." };
  const { correct, feedback } = choices[choice];
  return { isRight: correct, message: feedback ?? "" };
}
