/**
 * Writes the WebAssembly module that correlates a plane. WebAssembly has no text format in browsers, so the bytes of the
 * binary format are put together here: https://webassembly.github.io/spec/core/binary/.
 *
 * Sums must equal those of oneDNN, which the service uses: weights in rows from the top left, and one rounding for each
 * product and sum (fused multiply-add). There are two modules with the same interface:
 * - `fused` uses f32x4.relaxed_madd, which is fused on processors with FMA.
 * - the other computes each product and sum as float64, where the product is exact, and rounds the sum to float32. This
 *   equals a fused multiply-add except when the float64 sum is rounded to the middle of two float32 numbers (about one sum
 *   in 2^29).
 */

const [I32, V128, FUNCTION, EMPTY] = [0x7f, 0x7b, 0x60, 0x40];
const SIMD = 0xfd;
/** Opcodes after the prefix SIMD. */
const [LOAD, LOAD_SPLAT, CONST, STORE, STORE_LANE, LOAD_ZERO, DEMOTE, PROMOTE] = [0, 9, 12, 11, 91, 93, 94, 95];
const [F64_ADD, F64_MUL, F32_MADD] = [0xf0, 0xf2, 0x105];

/** Vectors that are summed together: more loads and sums run at the same time. */
const VECTORS = 8;

const encodeUnsigned = (value) => {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value);
  return bytes;
};
const encodeSigned = (value) => {
  const bytes = [];
  for (;;) {
    const byte = value & 127;
    value >>= 7;
    const isLast = (value === 0 && !(byte & 64)) || (value === -1 && byte & 64);
    bytes.push(isLast ? byte : byte | 128);
    if (isLast) return bytes;
  }
};
const encodeList = (items) => [...encodeUnsigned(items.length), ...items.flat()];
const encodeSection = (id, content) => [id, ...encodeUnsigned(content.length), ...content];

const simd = (opcode) => [SIMD, ...encodeUnsigned(opcode)];
const at = (alignment, offset) => [alignment, ...encodeUnsigned(offset)];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const number = (value) => [0x41, ...encodeSigned(value)];
const [ADD, SUBTRACT, LESS, LOAD_I32, END] = [[0x6a], [0x6b], [0x48], [0x28, 2, 0], [0x0b]];
const addTo = (local, value) => [...get(local), ...value, ...ADD, ...set(local)];
/** Repeats the body until the condition is 0. It runs at least once. */
const repeat = (body, condition) => [0x03, EMPTY, ...body, ...condition, 0x0d, 0, ...END];

/** How one vector is loaded, summed and stored. `weight` and `sum` are locals, `source` and `target` addresses. */
const FUSED = {
  pixels: 4,
  loadWeight: (address) => [...address, ...simd(LOAD_SPLAT), ...at(2, 4)],
  sum: (source, offset, weight, sum) => [
    ...source, ...simd(LOAD), ...at(2, offset), ...get(weight), ...get(sum), ...simd(F32_MADD), ...set(sum)],
  store: (target, offset, sum) => [...target, ...get(sum), ...simd(STORE), ...at(2, offset)],
};
const ROUNDED = {
  pixels: 2,
  loadWeight: (address) => [...address, ...simd(LOAD_SPLAT), ...at(2, 4), ...simd(PROMOTE)],
  sum: (source, offset, weight, sum) => [
    ...source, ...simd(LOAD_ZERO), ...at(2, offset), ...simd(PROMOTE), ...get(weight), ...simd(F64_MUL),
    ...get(sum), ...simd(F64_ADD), ...simd(DEMOTE), ...simd(PROMOTE), ...set(sum)],
  store: (target, offset, sum) => [...target, ...get(sum), ...simd(DEMOTE), ...simd(STORE_LANE), ...at(2, offset), 0],
};

/**
 * The bytes of a module that exports `memory` and
 * `correlate(source, target, taps, tapsEnd, rows, columns, sourcePitch, targetPitch)`. Addresses, pitches and offsets are in
 * bytes, values float32. A tap is an int32 offset from a pixel to the one under a weight, and the float32 weight. A row of
 * results is written in groups of PIXELS_PER_GROUP: the pitch and the memory must have room for them.
 * @param {boolean} fused
 */
export function writeModule(fused) {
  const { pixels, loadWeight, sum, store } = fused ? FUSED : ROUNDED;
  const bytes = 4 * pixels;
  const [source, target, taps, tapsEnd, rows, columns, sourcePitch, targetPitch] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [x, tap, pixel, left, weight, firstSum] = [8, 9, 10, 11, 12, 13];
  const vectors = Array.from({ length: VECTORS }, (_, index) => index);
  const addTap = [
    ...get(pixel), ...get(tap), ...LOAD_I32, ...ADD, ...set(left),
    ...loadWeight(get(tap)), ...set(weight),
    ...vectors.flatMap((index) => sum(get(left), index * bytes, weight, firstSum + index)),
    ...addTo(tap, number(8)),
  ];
  const sumGroup = [
    ...vectors.flatMap((index) => [...simd(CONST), ...new Array(16).fill(0), ...set(firstSum + index)]),
    ...get(source), ...get(x), ...ADD, ...set(pixel),
    ...get(taps), ...set(tap),
    ...repeat(addTap, [...get(tap), ...get(tapsEnd), ...LESS]),
    ...get(target), ...get(x), ...ADD, ...set(pixel),
    ...vectors.flatMap((index) => store(get(pixel), index * bytes, firstSum + index)),
    ...addTo(x, number(VECTORS * bytes)),
  ];
  const sumRow = [
    ...number(0), ...set(x),
    ...repeat(sumGroup, [...get(x), ...get(columns), ...LESS]),
    ...addTo(source, get(sourcePitch)), ...addTo(target, get(targetPitch)),
    ...get(rows), ...number(1), ...SUBTRACT, ...set(rows),
  ];
  const locals = encodeList([[4, I32], [1 + VECTORS, V128]]);
  const body = [...locals, ...get(columns), ...number(4), 0x6c, ...set(columns), ...repeat(sumRow, get(rows)), ...END];
  const name = (text) => encodeList([...new TextEncoder().encode(text)].map((byte) => [byte]));
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...encodeSection(1, encodeList([[FUNCTION, ...encodeList(new Array(8).fill([I32])), 0]])),
    ...encodeSection(3, encodeList([[0]])),
    ...encodeSection(5, encodeList([[0, 1]])),
    ...encodeSection(7, encodeList([[...name("memory"), 2, 0], [...name("correlate"), 0, 0]])),
    ...encodeSection(10, encodeList([[...encodeUnsigned(body.length), ...body]])),
  ]);
}

/** The largest group of results that is written at once, of both modules. */
export const PIXELS_PER_GROUP = VECTORS * FUSED.pixels;
