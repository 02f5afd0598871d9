/**
 * A softmax layer on the network's features, trained from a few examples of each class: the method and the numbers of
 * `models/class_head.py`, which reads and applies the same weights.
 */

import { FEATURES } from "../network/inference.js";
import { findLargestIndex } from "../shared/numbers.js";

const DECAY = 1e-3;
const STEPS = 200;
const LEAST_LENGTH = 1e-6;

/**
 * @typedef {{weights: Float64Array[], bias: Float64Array}} Head one row of 1,024 weights and one bias for each class; they are
 *   for features of length 1
 */

/** Divides features by their Euclidean length. @param {ArrayLike<number>} features @returns {Float64Array} */
export function normaliseFeatures(features) {
  const values = Float64Array.from(features);
  const length = Math.max(Math.sqrt(multiply(values, values)), LEAST_LENGTH);
  return values.map((value) => value / length);
}

/**
 * The scalar product. For features of length 1 it is their similarity, 0 to 1. Four sums, of which none waits for another,
 * take a third of the time of one.
 * @param {Float64Array} a @param {Float64Array} b
 */
export function multiply(a, b) {
  const whole = a.length - (a.length % 4);
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let index = 0; index < whole; index += 4) {
    first += a[index] * b[index];
    second += a[index + 1] * b[index + 1];
    third += a[index + 2] * b[index + 2];
    fourth += a[index + 3] * b[index + 3];
  }
  for (let index = whole; index < a.length; index++) first += a[index] * b[index];
  return first + second + third + fourth;
}

/**
 * @param {ArrayLike<number>[]} features 1,024 for each example @param {number[]} classes the class of each, from 0
 * @param {number} count of classes @returns {Head}
 */
export function trainHead(features, classes, count) {
  const examples = features.map(normaliseFeatures);
  const { shares, bias } = descend(multiplyAll(examples), classes, count);
  const weights = shares.map((own) => {
    const row = new Float64Array(FEATURES);
    examples.forEach((example, number) => {
      for (let index = 0; index < FEATURES; index++) row[index] += own[number] * example[index];
    });
    return row;
  });
  return { weights, bias };
}

/** The probability of each class. @param {Head} head @param {ArrayLike<number>} features @returns {Float64Array} */
export function classify({ weights, bias }, features) {
  const example = normaliseFeatures(features);
  const probabilities = bias.map((value, number) => value + multiply(weights[number], example));
  applySoftmax(probabilities);
  return probabilities;
}

/**
 * The class that a head, trained on all other examples, finds for each example.
 * @param {ArrayLike<number>[]} features @param {number[]} classes @param {number} count of classes
 * @yields {number} for one example after the other
 */
export function* leaveEachOut(features, classes, count) {
  const products = multiplyAll(features.map(normaliseFeatures));
  for (let left = 0; left < classes.length; left++) {
    const { shares, bias } = descend(products, classes, count, left);
    const scores = bias.map((value, number) => value + multiply(products[left], shares[number]));
    yield findLargestIndex(scores);
  }
}

/** The scalar products of all pairs. @param {Float64Array[]} examples @returns {Float64Array[]} */
const multiplyAll = (examples) => examples.map((one) => Float64Array.from(examples, (other) => multiply(one, other)));

/**
 * Softmax regression by gradient descent with Nesterov's momentum on the shares of the examples in the weights.
 * @param {Float64Array[]} products of the examples @param {number[]} classes @param {number} count of classes
 * @param {number} [left] the number of an example without influence
 * @returns {{shares: Float64Array[], bias: Float64Array}} the shares of all examples for each class
 */
function descend(products, classes, count, left = -1) {
  const step = 1 / (1 + DECAY);
  const examples = classes.length - (left < 0 ? 0 : 1);
  const makeShares = () => Array.from({ length: count }, () => new Float64Array(classes.length));
  const [shares, ahead] = [makeShares(), makeShares()];
  const [bias, aheadBias, scores, sums] = [0, 1, 2, 3].map(() => new Float64Array(count));
  const errors = makeShares();
  for (let number = 0; number < STEPS; number++) {
    sums.fill(0);
    for (let row = 0; row < classes.length; row++) {
      if (row === left) continue;
      for (let one = 0; one < count; one++) scores[one] = aheadBias[one] + multiply(products[row], ahead[one]);
      applySoftmax(scores);
      for (let one = 0; one < count; one++) {
        errors[one][row] = (scores[one] - (classes[row] === one ? 1 : 0)) / examples;
        sums[one] += errors[one][row];
      }
    }
    const momentum = number / (number + 3);
    for (let one = 0; one < count; one++) {
      for (let row = 0; row < classes.length; row++) {
        const moved = ahead[one][row] - step * (errors[one][row] + DECAY * ahead[one][row]);
        ahead[one][row] = moved + momentum * (moved - shares[one][row]);
        shares[one][row] = moved;
      }
      const moved = aheadBias[one] - step * sums[one];
      aheadBias[one] = moved + momentum * (moved - bias[one]);
      bias[one] = moved;
    }
  }
  return { shares, bias };
}

/** @param {Float64Array} scores become probabilities */
function applySoftmax(scores) {
  const largest = Math.max(...scores);
  let sum = 0;
  for (let index = 0; index < scores.length; index++) sum += scores[index] = Math.exp(scores[index] - largest);
  for (let index = 0; index < scores.length; index++) scores[index] /= sum;
}
