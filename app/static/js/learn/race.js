import { formatLoss } from "./loss-curves.js";

/**
 * Who reached the lower loss.
 * @param {number[]} tries the losses of the user's tries @param {{step: number, loss: number}[]} steps of gradient descent
 */
export function describeRace(tries, steps) {
  if (!steps.length) return "";
  const last = steps.at(-1);
  const reached = `${formatLoss(last.loss)} after ${last.step} steps`;
  if (tries.length < 2) return `Gradient descent reached a loss of ${reached}.`; // only the weights to begin with
  const best = Math.min(...tries);
  const overtaking = steps.find(({ loss }) => loss < best);
  if (!overtaking) return `Your loss of ${formatLoss(best)} is not beaten: gradient descent reached ${reached}.`;
  return `Gradient descent was better than your best loss of ${formatLoss(best)} from step ${overtaking.step}, and reached ${reached}.`;
}
