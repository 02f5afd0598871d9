/** Correlation of padded planes, with the sums that the service computes (kernels/apply/conv2d.py). */

import { PIXELS_PER_GROUP, writeModule } from "./wasm-module.js";

/**
 * @typedef {{values: Float32Array, rows: number, columns: number}} Plane without gaps
 * @typedef {[number, number]} Pair y, x
 */

const PAGE_BYTES = 65536;
const BYTES = 4;
/** Kernel rows from which three correlations with half of the rows replace one: MIN_HALVED_ROWS of the service. */
const MIN_HALVED_ROWS = 16;

export class Correlator {
  /** Uses fused multiply-add if browser and processor have it. Throws if WebAssembly has no SIMD. @param {boolean} [fused] */
  static async load(fused) {
    const bytes = [true, false].filter((kind) => fused === undefined || kind === fused).map(writeModule);
    for (const module of bytes) {
      if (!WebAssembly.validate(module)) continue;
      const { instance } = await WebAssembly.instantiate(module).catch(() => {
        throw new Error("This browser does not run WebAssembly here.");
      });
      const correlator = new Correlator(instance.exports);
      if (correlator.isFused()) return correlator;
    }
    throw new Error("This browser has no WebAssembly with SIMD.");
  }

  /** @param {any} exports of a module of `writeModule` */
  constructor({ memory, correlate }) {
    this.memory = memory;
    this.run = correlate;
  }

  /** Whether a product is added without being rounded: (1 + 2^-12)² - (1 + 2^-11) is 2^-24, and 0 with rounding. */
  isFused() {
    const values = Float32Array.of(1 + 2 ** -11, 1 + 2 ** -12);
    const [sum] = this.correlate({ values, rows: 1, columns: 2 }, [[-1, 1 + 2 ** -12]], { rows: 1, columns: 1 }).values;
    return sum === 2 ** -24;
  }

  /**
   * Correlates with weights as written, without padding. Weights are rounded to float32.
   * @param {Plane} plane @param {ArrayLike<number>[]} weights @param {{rows: number, columns: number}} output
   * @param {Pair} [stride] @param {Pair} [dilation]
   * @returns {Plane}
   */
  correlate(plane, weights, output, stride = [1, 1], dilation = [1, 1]) {
    const columns = (output.columns - 1) * stride[1] + 1; // the results between those of the stride are dropped
    const targetPitch = PIXELS_PER_GROUP * Math.ceil(columns / PIXELS_PER_GROUP);
    const taps = listTaps(weights, plane.columns, dilation);
    const [source, target] = [taps.byteLength, taps.byteLength + BYTES * (plane.values.length + PIXELS_PER_GROUP)];
    const end = target + BYTES * targetPitch * output.rows;
    this.reserve(end + BYTES * PIXELS_PER_GROUP);
    new Uint8Array(this.memory.buffer, 0, taps.byteLength).set(new Uint8Array(taps));
    new Float32Array(this.memory.buffer, source, plane.values.length).set(plane.values);
    this.run(source, target, 0, taps.byteLength, output.rows, columns, BYTES * plane.columns * stride[0], BYTES * targetPitch);
    const padded = new Float32Array(this.memory.buffer, target, targetPitch * output.rows);
    return { ...output, values: dropColumns(padded, targetPitch, output, stride[1]) };
  }

  reserve(bytes) {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
  }

  /**
   * As `correlate`, with high kernels split into even and odd rows as in the service, whose sums are rounded differently. The
   * rows of such a plane are the first of the image, and as many as `measureHeight` says.
   * @param {Plane} plane @param {ArrayLike<number>[]} weights @param {{rows: number, columns: number}} output
   * @param {Pair} stride @param {Pair} dilation
   */
  correlateLanes(plane, weights, output, stride, dilation) {
    if (!isHalved(weights, stride, dilation)) return this.correlate(plane, weights, output, stride, dilation);
    const rows = weights.map((row) => Float32Array.from(row));
    const { values, columns } = this.correlateByHalves(plane, rows, output.columns, stride, dilation);
    return { ...output, values: values.slice(0, output.rows * columns) };
  }

  /** See `convolve_by_halves` in kernels/apply/conv2d.py for the names and the source. @param {Float32Array[]} weights */
  correlateByHalves(plane, weights, columns, stride, dilation) {
    const height = plane.rows - weights.length + 1;
    if (weights.length < MIN_HALVED_ROWS) return this.correlate(plane, weights, { rows: height, columns }, stride, dilation);
    const [even, odd] = [takeRows(plane, 0, 2), takeRows(plane, 1, 2)];
    const [evenWeights, oddWeights] = [0, 1].map((first) => weights.filter((_, index) => index % 2 === first));
    const sumWeights = evenWeights.map((row, y) => row.map((weight, x) => weight + (oddWeights[y]?.[x] ?? 0)));
    const [evenRows, oddRows] = [evenWeights, oddWeights].map((half) => height / 2 + half.length - 1);
    const filter = (half, own) => this.correlateByHalves(half, own, columns, stride, dilation).values;
    const common = filter(takeFirstRows(odd, evenRows), sumWeights);
    const evenResult = filter(subtract(even, odd, evenRows), evenWeights);
    const oddResult = filter(subtract(takeRows(even, 1, 1), odd, oddRows), oddWeights);
    const result = { rows: height, columns, values: new Float32Array(height * columns) };
    for (let y = 0, from = 0; y < height / 2; y++) {
      for (let x = 0, to = 2 * y * columns; x < columns; x++, to++, from++) {
        result.values[to] = common[from] + evenResult[from];
        result.values[to + columns] = common[from] + oddResult[from];
      }
    }
    return result;
  }
}

/** An int32 offset in bytes and a float32 weight for each weight that is not 0, or one of weight 0. */
function listTaps(weights, pitch, dilation) {
  const taps = [];
  weights.forEach((row, y) => Array.from(row).forEach((weight, x) => {
    if (Math.fround(weight)) taps.push([BYTES * (y * dilation[0] * pitch + x * dilation[1]), weight]);
  }));
  if (!taps.length) taps.push([0, 0]);
  const view = new DataView(new ArrayBuffer(8 * taps.length));
  taps.forEach(([offset, weight], index) => {
    view.setInt32(8 * index, offset, true);
    view.setFloat32(8 * index + 4, weight, true);
  });
  return view.buffer;
}

/** Copies every `step`-th column of rows of `pitch` values. */
function dropColumns(source, pitch, { rows, columns }, step) {
  const values = new Float32Array(rows * columns);
  for (let y = 0, to = 0; y < rows; y++) {
    if (step === 1) values.set(source.subarray(y * pitch, y * pitch + columns), y * columns);
    else for (let x = 0, from = y * pitch; x < columns; x++, from += step) values[to++] = source[from];
  }
  return values;
}

/** @param {ArrayLike<number>[]} weights @param {Pair} stride @param {Pair} dilation */
export const isHalved = (weights, stride, dilation) =>
  stride[0] === 1 && dilation[0] === 1 && weights.length >= MIN_HALVED_ROWS && weights[0].length > 1;

/** The rows of results that are computed, at least `rows`: the rows below the last one count in the rounding of the halves. */
export const measureHeight = (weights, rows) => 2 ** countHalvings(weights.length) * Math.ceil(rows / 2 ** countHalvings(weights.length));

const countHalvings = (rows) => (rows < MIN_HALVED_ROWS ? 0 : 1 + countHalvings(Math.ceil(rows / 2)));

/** @param {Plane} plane @returns {Plane} a view */
const takeFirstRows = ({ values, columns }, rows) => ({ rows, columns, values: values.subarray(0, rows * columns) });

/** @param {Plane} plane */
function takeRows({ values, rows, columns }, first, step) {
  const count = Math.max(0, Math.ceil((rows - first) / step));
  const result = new Float32Array(count * columns);
  for (let y = 0; y < count; y++) result.set(values.subarray((first + y * step) * columns, (first + y * step + 1) * columns), y * columns);
  return { rows: count, columns, values: result };
}

/** The first rows of a difference. @param {Plane} first @param {Plane} second */
function subtract(first, second, rows) {
  const values = new Float32Array(rows * first.columns);
  for (let index = 0; index < values.length; index++) values[index] = first.values[index] - second.values[index];
  return { rows, columns: first.columns, values };
}
