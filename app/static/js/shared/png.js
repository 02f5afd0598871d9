/**
 * Encodes PNG files. A canvas cannot be told whether to write an alpha channel. An opaque image must reach the service as
 * RGB: with alpha, the border `zero` would be transparent.
 */

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function computeCrc(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function encodeChunk(type, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, computeCrc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** @param {ImageData} image */
export function hasTransparency({ data }) {
  for (let index = 3; index < data.length; index += 4) if (data[index] !== 255) return true;
  return false;
}

/** @param {ImageData} image @returns {Promise<Blob>} */
export async function encodePng({ data, width, height }, transparent) {
  const channels = transparent ? 4 : 3;
  const rows = new Uint8Array(height * (1 + width * channels));
  for (let y = 0, to = 0, from = 0; y < height; y++) {
    rows[to++] = 0;
    for (let x = 0; x < width; x++, from += 4) for (let c = 0; c < channels; c++) rows[to++] = data[from + c];
  }
  const packed = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, transparent ? 6 : 2], 8);
  const parts = [encodeChunk("IHDR", header), encodeChunk("IDAT", new Uint8Array(await packed.arrayBuffer())), encodeChunk("IEND", new Uint8Array())];
  return new Blob([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), ...parts], { type: "image/png" });
}
