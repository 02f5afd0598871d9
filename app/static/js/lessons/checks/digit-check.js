/** Whether the digit network reads a drawing as a digit, and how many pixels of the lesson's drawing have changed. */

import { requestJson } from "../../shared/api.js";
import { formatProbability } from "../../shared/numbers.js";
import { countChangedPixels, haveOneSize, parseDrawing } from "../drawing.js";

const formatPixels = (count) => `${count} ${count === 1 ? "pixel" : "pixels"}`;

/**
 * @param {{digit: number, max_changed_pixels?: number}} task @param {import("../work.js").Drawing} drawing
 * @param {string} [original] the lesson's drawing
 * @returns {Promise<import("./check.js").Verdict>}
 */
export async function checkDigit({ digit, max_changed_pixels: maxChanged }, { file, name, isEmpty, field }, original) {
  if (isEmpty) return { isRight: false, message: "The pad is empty." };
  let changed = 0;
  if (maxChanged) {
    const start = parseDrawing(original);
    if (!haveOneSize(field, start)) return { isRight: false, message: "The drawing on the pad is not that of the lesson. Choose “Start over”, then change pixels." };
    changed = countChangedPixels(field, start);
    if (!changed) return { isRight: false, message: "No pixel has changed yet." };
  }
  const reading = await requestJson("/classify", { form: { file: [file, name] } });
  const isRead = reading.digit === digit && (reading.verdict === "digit" || reading.verdict === "unsure");
  const seen = describeReading(reading, digit);
  if (changed > maxChanged) return { isRight: false, message: `${seen} You have changed ${formatPixels(changed)}; at most ${maxChanged} are allowed.` };
  return { isRight: isRead, message: maxChanged ? `${seen} You have changed ${formatPixels(changed)} of ${maxChanged}.` : seen };
}

function describeReading({ verdict, digit, probabilities }, wanted) {
  if (verdict === "blank") return "The network finds no ink.";
  const shares = `${wanted} has a probability of ${formatProbability(probabilities[wanted])}`;
  if (verdict === "not_a_digit") return `The network sees no digit; ${shares}.`;
  return digit === wanted ? `The network reads ${digit} (${formatProbability(probabilities[digit])}).` : `The network reads ${digit} (${formatProbability(probabilities[digit])}); ${shares}.`;
}
