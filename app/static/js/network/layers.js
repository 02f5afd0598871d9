/**
 * The layers of the network (models/network.py) and their derivatives, in plain loops over typed arrays.
 *
 * Maps lie as in TensorFlow: row by row, and the values of all maps at a place side by side. Sums start from the biases, and
 * each input that is not 0 adds its part to the sums that it reaches. After ReLU many inputs are 0, and a change of few
 * inputs costs as little as they reach.
 */

const KERNEL = 5;
const MARGIN = 2;

/** Adds the parts of the inputs that are not 0. @param {Float32Array} sums @param {Float32Array} inputs */
export function addDense(sums, inputs, weights) {
  const units = sums.length;
  for (let index = 0, row = 0; index < inputs.length; index++, row += units) {
    const value = inputs[index];
    if (value === 0) continue;
    for (let unit = 0; unit < units; unit++) sums[unit] += value * weights[row + unit];
  }
}

/**
 * Adds the parts of the inputs that are not 0 in a correlation with zeros around the maps.
 * @param {Float32Array} sums (side, side, maps) @param {Float32Array} inputs (side, side, channels)
 * @param {Float32Array} weights (5, 5, channels, maps) @param {number} side
 */
export function addConvolution(sums, inputs, weights, side) {
  const channels = inputs.length / side ** 2;
  const maps = sums.length / side ** 2;
  for (let y = 0, index = 0; y < side; y++) for (let x = 0; x < side; x++) for (let channel = 0; channel < channels; channel++, index++) {
    const value = inputs[index];
    if (value === 0) continue;
    for (let row = Math.max(y - MARGIN, 0); row <= Math.min(y + MARGIN, side - 1); row++) {
      for (let column = Math.max(x - MARGIN, 0); column <= Math.min(x + MARGIN, side - 1); column++) {
        const to = (row * side + column) * maps;
        const from = (((y - row + MARGIN) * KERNEL + x - column + MARGIN) * channels + channel) * maps;
        for (let map = 0; map < maps; map++) sums[to + map] += value * weights[from + map];
      }
    }
  }
}

/** ReLU. @param {Float32Array} sums */
export function rectify(sums) {
  const values = new Float32Array(sums.length);
  for (let index = 0; index < sums.length; index++) if (sums[index] > 0) values[index] = sums[index];
  return values;
}

/** @param {Float32Array} left @param {Float32Array} right */
export function subtract(left, right) {
  const difference = new Float32Array(left.length);
  for (let index = 0; index < left.length; index++) difference[index] = left[index] - right[index];
  return difference;
}

/** The largest of each 2×2 square. @param {Float32Array} maps (side, side, count) @param {number} side @param {number} count */
export function pool(maps, side, count) {
  const half = side / 2;
  const pooled = new Float32Array(half * half * count);
  for (let y = 0, to = 0; y < half; y++) for (let x = 0; x < half; x++) for (let map = 0; map < count; map++, to++) {
    const first = (2 * y * side + 2 * x) * count + map;
    const below = first + side * count;
    pooled[to] = Math.max(maps[first], maps[first + count], maps[below], maps[below + count]);
  }
  return pooled;
}

/** The derivative by the inputs of a dense layer. @param {Float32Array} slopes by its sums @param {Float32Array} weights */
export function derivateDense(slopes, weights, inputs) {
  const units = slopes.length;
  return Float32Array.from({ length: inputs }, (_, index) => {
    let sum = 0;
    for (let unit = 0, at = index * units; unit < units; unit++, at++) sum += slopes[unit] * weights[at];
    return sum;
  });
}

/** The derivative by the inputs of a convolution. @param {Float32Array} slopes (side, side, maps) @param {Float32Array} weights */
export function derivateConvolution(slopes, weights, side, channels) {
  const maps = slopes.length / side ** 2;
  const derivative = new Float32Array(side * side * channels);
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) {
    const from = (row * side + column) * maps;
    for (let map = 0; map < maps; map++) {
      const slope = slopes[from + map];
      if (slope === 0) continue;
      for (let y = Math.max(row - MARGIN, 0); y <= Math.min(row + MARGIN, side - 1); y++) {
        for (let x = Math.max(column - MARGIN, 0); x <= Math.min(column + MARGIN, side - 1); x++) {
          const to = (y * side + x) * channels;
          const first = ((y - row + MARGIN) * KERNEL + x - column + MARGIN) * channels;
          for (let channel = 0; channel < channels; channel++) derivative[to + channel] += slope * weights[(first + channel) * maps + map];
        }
      }
    }
  }
  return derivative;
}

/**
 * The derivative by the sums before ReLU and pooling: only the largest value of a square that is above 0 has one.
 * @param {Float32Array} slopes by the pooled maps @param {Float32Array} maps (side, side, count) after ReLU
 */
export function derivatePooling(slopes, maps, side, count) {
  const derivative = new Float32Array(maps.length);
  const half = side / 2;
  for (let y = 0, index = 0; y < half; y++) for (let x = 0; x < half; x++) for (let map = 0; map < count; map++, index++) {
    const first = (2 * y * side + 2 * x) * count + map;
    const below = first + side * count;
    let largest = first;
    for (const place of [first + count, below, below + count]) if (maps[place] > maps[largest]) largest = place;
    if (maps[largest] > 0) derivative[largest] = slopes[index];
  }
  return derivative;
}
