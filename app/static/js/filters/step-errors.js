/** Finds the step and the parameters that an error is about. */

/** @typedef {import("../shared/api.js").Problem} Problem */

/** Errors with their parameter. @param {Problem|null} problem @returns {{loc: (string|number)[], msg: string}[]} */
export function listErrors(problem) {
  if (!problem) return [];
  return problem.status === 404 ? [{ loc: ["query", "kernel"], msg: problem.message }] : problem.errors; // 404: unknown kernel
}

/** The number of the step, from 1; NaN if the problem is not about a step. @param {Problem} problem */
export function findFaultyStep(problem) {
  const [, named] = /^Step (\d+)/.exec(problem.message) ?? [];
  const index = problem.errors.find(({ loc }) => loc[1] === "operations")?.loc[2];
  return Number(named ?? Number(index) + 1);
}
