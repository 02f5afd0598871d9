/**
 * Sizes and positions of results, as in kernels/geometry.py and kernels/padding.py.
 *
 * @typedef {{input: number, stride: number, dilation: number, footprint: number, before: number, output: number,
 *   anchor: number, first: number}} Axis one dimension, in pixels: `footprint` is the size of the dilated kernel, `before`
 *   the padding before the first pixel, `output` the size of the result, `anchor` the anchor's place in the footprint and
 *   `first` the input pixel at the centre of output 0
 */

/** @param {number} input @param {number} size of the kernel @param {number|null} anchor index of a weight @returns {Axis} */
function layOutAxis(input, size, stride, dilation, border, anchor) {
  const footprint = dilation * (size - 1) + 1;
  const center = anchor === null ? (footprint - 1) >> 1 : anchor * dilation;
  let before = 0;
  let output = Math.floor((input - footprint) / stride) + 1;
  if (border !== "valid") {
    output = Math.ceil(input / stride);
    before = anchor === null ? Math.max((output - 1) * stride + footprint - input, 0) >> 1 : center;
  }
  return { input, stride, dilation, footprint, before, output, anchor: center, first: center - before };
}

/** @param {import("./plan.js").Plan} plan @param {number} width @param {number} height @returns {{rows: Axis, columns: Axis}} */
export function layOut({ parts, stride, dilation, border, anchor }, width, height) {
  return {
    rows: layOutAxis(height, parts[0].length, stride[0], dilation[0], border, anchor && anchor[1]),
    columns: layOutAxis(width, parts[0][0].length, stride[1], dilation[1], border, anchor && anchor[0]),
  };
}

/** The index that supplies the value at `index`, which may lie outside 0..length - 1; -1 if none does. */
export function resolveBorder(index, length, border) {
  if (index >= 0 && index < length) return index;
  if (["zero", "valid", "none"].includes(border)) return -1;
  if (border === "edge") return index < 0 ? 0 : length - 1;
  const modulo = (value, by) => ((value % by) + by) % by;
  if (border === "wrap") return modulo(index, length);
  if (border === "symmetric") {
    const position = modulo(index, 2 * length);
    return position < length ? position : 2 * length - 1 - position;
  }
  const position = length === 1 ? 0 : modulo(index, 2 * length - 2);
  return position < length ? position : 2 * length - 2 - position;
}
