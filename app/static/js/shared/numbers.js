/** Numbers as text, and the order of numbers. */

/** The index of the largest number, the first of several. @param {ArrayLike<number>} numbers at least one */
export function findLargestIndex(numbers) {
  let best = 0;
  for (let index = 1; index < numbers.length; index++) if (numbers[index] > numbers[best]) best = index;
  return best;
}

/** The indices, that of the largest number first. @param {ArrayLike<number>} numbers @returns {number[]} */
export const rankIndices = (numbers) => Array.from(numbers, (_, index) => index).sort((one, other) => numbers[other] - numbers[one]);

/** At most `digits` decimals, without trailing zeros, with a typographic minus sign. */
export function formatNumber(number, digits = 4) {
  if (!Number.isFinite(number)) return String(number);
  const text = Number.isInteger(number) ? String(number) : String(Number(number.toFixed(digits)));
  return (text === "-0" || (text === "0" && number !== 0) ? number.toPrecision(2) : text).replace("-", "−");
}

/** @param {number} probability 0 to 1 */
export const formatProbability = (probability) =>
  probability > 0.9995 ? "> 99.9 %" : `${(100 * probability).toFixed(probability < 0.0995 || probability > 0.99 ? 1 : 0)} %`;
