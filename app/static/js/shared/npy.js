/** Reads arrays in NumPy's format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */

/**
 * An image of float32 or uint8 numbers.
 * @param {ArrayBuffer} buffer
 * @returns {{width: number, height: number, channels: number, values: Float32Array|Uint8Array}} values pixel by pixel
 */
export function parseNpy(buffer) {
  const start = 10 + new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(buffer.slice(10, start));
  const [height, width, channels = 1] = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((part) => part.trim()).map(Number);
  const content = buffer.slice(start);
  return { width, height, channels, values: header.includes("'|u1'") ? new Uint8Array(content) : new Float32Array(content) };
}
