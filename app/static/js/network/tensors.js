/** Reads tensors from a safetensors file, https://huggingface.co/docs/safetensors. */

/** @typedef {{shape: number[], values: Float32Array}} Tensor the last axis changes fastest */

/**
 * @param {ArrayBuffer} buffer of tensors of float16 and float32
 * @returns {{tensors: Record<string, Tensor>, metadata: Record<string, string>}} float16 becomes float32
 */
export function parseTensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const read = ({ dtype, shape, data_offsets: [start, end] }) => {
    const first = 8 + length + start;
    return { shape, values: dtype === "F16" ? widen(new Uint16Array(buffer, first, (end - start) / 2)) : new Float32Array(buffer, first, (end - start) / 4) };
  };
  return { metadata, tensors: Object.fromEntries(Object.entries(header).map(([name, entry]) => [name, read(entry)])) };
}

/** @type {Float32Array|null} */
let everyHalf = null;

/** float16 numbers as float32, with a table: `Float16Array` is not in every browser. @param {Uint16Array} halves */
function widen(halves) {
  everyHalf ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeHalf(bits));
  const table = everyHalf;
  const values = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) values[index] = table[halves[index]];
  return values;
}

/** The number of IEEE 754 binary16 bits: a sign, 5 bits of exponent and 10 of fraction. */
function decodeHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}
