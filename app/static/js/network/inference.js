/** The digit network: 28×28 field -> maps, features, logits and probabilities, and which pixels mattered. */

import {
  addConvolution, addDense, derivateConvolution, derivateDense, derivatePooling, pool, rectify, subtract,
} from "./layers.js";

/**
 * @typedef {{conv1: Float32Array, pool1: Float32Array, conv2: Float32Array, pool2: Float32Array}} Maps after ReLU, with the
 *   shapes (28, 28, 32), (14, 14, 32), (14, 14, 64) and (7, 7, 64)
 * @typedef {{maps: Maps, features: Float32Array, logits: Float32Array, probabilities: number[], notADigit: number}} Answer
 *   `features` are the 1,024 values after ReLU, `logits` those of the ten digits and of “not a digit”, `probabilities` the
 *   calibrated ones of the ten digits, `notADigit` the probability that it is none of them
 * @typedef {{occlusion: Float32Array, gradient: Float32Array, logOdds: number}} Importance of the pixels for the log odds of a
 *   digit: (14, 14) decrease if the 6×6 patch around a 2×2 square is covered with paper, and (28, 28) derivative by the ink
 * @typedef {{kernel: Float32Array, bias: Float32Array}} Layer `kernel` includes the factor of batch norm
 */

export const FIELD = 28;
export const DIGITS = 10;
export const FEATURES = 1024;
export const MAPS = { conv1: 32, pool1: 32, conv2: 64, pool2: 64 };
/** Of a map. */
export const SIDES = { conv1: FIELD, pool1: FIELD / 2, conv2: FIELD / 2, pool2: FIELD / 4 };
/** The covered patch, and the step between patches: those of models/reader/explain.py. */
const [PATCH, STEP] = [6, 2];
const GRID = FIELD / STEP;

export class Inference {
  /** @param {{tensors: Record<string, import("./tensors.js").Tensor>, metadata: Record<string, string>}} file of `GET /model/weights` */
  constructor({ tensors, metadata }) {
    this.temperature = Number(metadata.temperature);
    /** @type {Record<string, Layer>} */
    this.layers = {};
    for (const name of ["conv1", "conv2", "dense", "output"]) {
      const [kernel, factor, bias] = ["kernel", "factor", "bias"].map((part) => tensors[`${name}.${part}`].values);
      this.layers[name] = { kernel: kernel.map((weight, index) => weight * factor[index % factor.length]), bias };
    }
  }

  /** @param {Float32Array} field (28, 28), 0 (paper) to 1 (ink) @returns {Answer} */
  run(field) {
    return this.describe(this.compute(field));
  }

  compute(field) {
    const { conv1, conv2, dense, output } = this.layers;
    const sums = { conv1: repeat(conv1.bias, FIELD ** 2), conv2: repeat(conv2.bias, SIDES.conv2 ** 2), dense: dense.bias.slice(), output: output.bias.slice() };
    addConvolution(sums.conv1, field, conv1.kernel, FIELD);
    const maps = /** @type {Maps} */ ({ conv1: rectify(sums.conv1) });
    maps.pool1 = pool(maps.conv1, FIELD, MAPS.conv1);
    addConvolution(sums.conv2, maps.pool1, conv2.kernel, SIDES.conv2);
    maps.conv2 = rectify(sums.conv2);
    maps.pool2 = pool(maps.conv2, SIDES.conv2, MAPS.conv2);
    addDense(sums.dense, maps.pool2, dense.kernel);
    const features = rectify(sums.dense);
    addDense(sums.output, features, output.kernel);
    return { field, sums, maps, features };
  }

  /** The result of another field: only what differs from the computed one is computed. */
  computeChange({ field, sums, maps, features }, other) {
    const { conv1, conv2, dense, output } = this.layers;
    const changed = { conv1: sums.conv1.slice(), conv2: sums.conv2.slice(), dense: sums.dense.slice(), output: sums.output.slice() };
    addConvolution(changed.conv1, subtract(other, field), conv1.kernel, FIELD);
    const pool1 = pool(rectify(changed.conv1), FIELD, MAPS.conv1);
    addConvolution(changed.conv2, subtract(pool1, maps.pool1), conv2.kernel, SIDES.conv2);
    const pool2 = pool(rectify(changed.conv2), SIDES.conv2, MAPS.conv2);
    addDense(changed.dense, subtract(pool2, maps.pool2), dense.kernel);
    addDense(changed.output, subtract(rectify(changed.dense), features), output.kernel);
    return changed.output;
  }

  /** @returns {Answer} */
  describe({ maps, features, sums: { output: logits } }) {
    const digits = Array.from(logits.subarray(0, DIGITS));
    const together = addLogarithms(digits);
    const calibrated = digits.map((logit) => logit / this.temperature);
    const sum = addLogarithms(calibrated);
    const probabilities = calibrated.map((logit) => Math.exp(logit - sum));
    return { maps, features, logits, probabilities, notADigit: 1 / (1 + Math.exp(together - logits[DIGITS])) };
  }

  /** Pauses after each row of the occlusion map, which takes as long as several runs. @returns {Generator<void, Importance>} */
  *explain(field, digit) {
    const state = this.compute(field);
    const logOdds = this.findLogOdds(state.sums.output, digit);
    const occlusion = new Float32Array(GRID ** 2);
    for (let square = 0; square < occlusion.length; square++) {
      const covered = coverPatch(field, square);
      if (covered) occlusion[square] = logOdds - this.findLogOdds(this.computeChange(state, covered), digit);
      if (square % GRID === GRID - 1) yield;
    }
    return { occlusion, gradient: this.derivate(state, digit), logOdds };
  }

  /** The calibrated log odds of a digit against the other nine. @param {Float32Array} logits */
  findLogOdds(logits, digit) {
    const calibrated = Array.from(logits.subarray(0, DIGITS), (logit) => logit / this.temperature);
    return calibrated[digit] - addLogarithms(calibrated.filter((_, other) => other !== digit));
  }

  /** (28, 28): the derivative of the log odds by the ink of each pixel; at a kink of the network, one of several. */
  derivate({ sums, maps, features }, digit) {
    const { conv1, conv2, dense, output } = this.layers;
    const calibrated = Array.from(sums.output.subarray(0, DIGITS), (logit) => logit / this.temperature);
    const others = addLogarithms(calibrated.filter((_, other) => other !== digit));
    const slopes = sums.output.map((_, index) =>
      (index === DIGITS ? 0 : (index === digit ? 1 : -Math.exp(calibrated[index] - others)) / this.temperature));
    const byFeatures = derivateDense(slopes, output.kernel, features.length).map((slope, index) => (features[index] > 0 ? slope : 0));
    const byPool2 = derivateDense(byFeatures, dense.kernel, maps.pool2.length);
    const byConv2 = derivatePooling(byPool2, maps.conv2, SIDES.conv2, MAPS.conv2);
    const byPool1 = derivateConvolution(byConv2, conv2.kernel, SIDES.conv2, MAPS.pool1);
    return derivateConvolution(derivatePooling(byPool1, maps.conv1, FIELD, MAPS.conv1), conv1.kernel, FIELD, 1);
  }
}

/** log(Σ exp). @param {number[]} numbers */
function addLogarithms(numbers) {
  const peak = Math.max(...numbers);
  return peak + Math.log(numbers.reduce((sum, one) => sum + Math.exp(one - peak), 0));
}

/** @param {Float32Array} values @param {number} times */
function repeat(values, times) {
  const repeated = new Float32Array(values.length * times);
  for (let start = 0; start < repeated.length; start += values.length) repeated.set(values, start);
  return repeated;
}

/** The field with the patch around a 2×2 square set to paper; null if there is nothing to cover. */
function coverPatch(field, square) {
  const margin = (PATCH - STEP) / 2;
  const [top, left] = [STEP * Math.floor(square / GRID) - margin, STEP * (square % GRID) - margin];
  let covered = null;
  for (let y = Math.max(top, 0); y < Math.min(top + PATCH, FIELD); y++) {
    for (let x = Math.max(left, 0); x < Math.min(left + PATCH, FIELD); x++) {
      if (field[y * FIELD + x]) (covered ??= field.slice())[y * FIELD + x] = 0;
    }
  }
  return covered;
}
