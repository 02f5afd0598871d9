/**
 * What the service does, for one pixel, in the open. The same rules as kernels/apply/filter.py; a browser test
 * compares the two.
 *
 * @typedef {{input: number, stride: number, dilation: number, footprint: number, before: number, output: number,
 *   anchor: number, first: number}} Axis `first` is the input pixel that output 0 belongs to
 * @typedef {{parts: number[][][], combine: string, sum: number, divisor: number, bias: number, response: string,
 *   amount: number, border: string, channels: string, stride: number[], dilation: number[], anchor: number[]|null}} Plan
 */

export const WHITE = 255;
const LUMA = [0.299, 0.587, 0.114].map(Math.fround);
const LUMINANCE = [0.2126, 0.7152, 0.0722].map(Math.fround);

/** @param {Record<string, string>} step @param {any} kernel as GET /kernels/{name} describes it @returns {Plan} */
export function planStep(step, kernel) {
  const parts = kernel.combine === "single" ? [kernel.weights] : kernel.weights;
  const turned = parts.map((part) => part.map((row) => [...row].reverse()).reverse());
  const own = "amount" in kernel.parameters.properties;
  const amount = own ? 1 : Number(step.amount ?? 1);
  const bias = step.bias ?? "0";
  return {
    parts: step.behaviour === "convolve" ? turned : parts,
    combine: kernel.combine,
    sum: kernel.sum,
    divisor: chooseDivisor(step.divisor, kernel),
    bias: bias.endsWith("%") ? (Number(bias.slice(0, -1)) / 100) * WHITE : Number(bias),
    response: step.response || (amount < 1 && kernel.response === "abs" ? "clip" : kernel.response),
    amount,
    border: step.border ?? "edge",
    channels: step.channels ?? "rgb",
    stride: parsePair(step.stride),
    dilation: parsePair(step.dilation),
    anchor: step.anchor ? step.anchor.split(",").map(Number) : null,
  };
}

function chooseDivisor(text, kernel) {
  if (!text) return kernel.divisor;
  if (text === "auto") return kernel.sum || 1;
  return text === "none" ? 1 : Number(text);
}

/** "2" or "2,3" as [y, x]. */
function parsePair(text) {
  const pair = String(text ?? 1).split(/\s*[,x]\s*/).map(Number);
  return pair.length === 2 ? pair : [pair[0], pair[0]];
}

/** @returns {Axis} */
export function layOutAxis(input, taps, stride, dilation, border, anchor) {
  const footprint = dilation * (taps - 1) + 1;
  const center = anchor === null ? (footprint - 1) >> 1 : anchor * dilation;
  let before = 0;
  let output = Math.floor((input - footprint) / stride) + 1;
  if (border !== "valid") {
    output = Math.ceil(input / stride);
    before = anchor === null ? Math.max((output - 1) * stride + footprint - input, 0) >> 1 : center;
  }
  return { input, stride, dilation, footprint, before, output, anchor: center, first: center - before };
}

/** @param {Plan} plan @returns {{rows: Axis, columns: Axis}} */
export function layOut({ parts, stride, dilation, border, anchor }, width, height) {
  return {
    rows: layOutAxis(height, parts[0].length, stride[0], dilation[0], border, anchor && anchor[1]),
    columns: layOutAxis(width, parts[0][0].length, stride[1], dilation[1], border, anchor && anchor[0]),
  };
}

/** Where a pixel beyond the edge takes its value from; -1 for nowhere. */
export function reachOver(index, length, border) {
  if (index >= 0 && index < length) return index;
  if (border === "zero" || border === "valid") return -1;
  if (border === "edge") return index < 0 ? 0 : length - 1;
  const modulo = (value, by) => ((value % by) + by) % by;
  if (border === "wrap") return modulo(index, length);
  if (border === "symmetric") {
    const place = modulo(index, 2 * length);
    return place < length ? place : 2 * length - 1 - place;
  }
  const place = length === 1 ? 0 : modulo(index, 2 * length - 2);
  return place < length ? place : 2 * length - 2 - place;
}

/**
 * @typedef {{width: number, height: number, get: (x: number, y: number, channel: number) => number}} Source values 0..255
 * @typedef {{x: number, y: number, outside: boolean, value: number, weight: number, product: number}} Tap
 * @typedef {{name: string, taps: Tap[][][], sums: number[], divided: number, own: number, mixed: number,
 *   biased: number, responded: number, final: number}} Working the steps from patch to pixel, of one channel
 */

/**
 * @param {Source} source @param {Plan} plan @param {number} x @param {number} y of the result
 * @param {{linear: boolean, decoded?: boolean, range?: [number, number]}} how `decoded`: the source holds linear light
 *   already; `range`: the smallest and largest value, for `rescale`
 * @returns {{working: Working[], pixel: number[]}} `pixel` as the service gives it: red, green, blue
 */
export function workOutPixel(source, plan, x, y, { linear, decoded = false, range }) {
  const { rows, columns } = layOut(plan, source.width, source.height);
  const top = y * rows.stride - rows.before;
  const left = x * columns.stride - columns.before;
  const read = (px, py, channel) => (linear && !decoded ? decodeSrgb(source.get(px, py, channel)) : source.get(px, py, channel));
  const finish = (value) => round(linear ? encodeSrgb(value) : value);
  const brightness = (px, py) => (linear ? LUMINANCE : LUMA).reduce((sum, share, c) => sum + share * read(px, py, c), 0);
  const grey = plan.channels === "gray" || plan.channels === "luma";
  const chosen = grey ? [0] : [0, 1, 2].filter((c) => plan.channels === "rgb" || plan.channels.includes("rgb"[c]));

  const working = chosen.map((channel) => {
    const look = (px, py) => {
      const [fx, fy] = [reachOver(px, source.width, plan.border), reachOver(py, source.height, plan.border)];
      if (fx < 0 || fy < 0) return 0;
      return grey ? brightness(fx, fy) : read(fx, fy, channel);
    };
    const taps = plan.parts.map((part) => part.map((row, i) => row.map((weight, j) => {
      const [px, py] = [left + j * columns.dilation, top + i * rows.dilation];
      const value = look(px, py);
      const outside = px < 0 || py < 0 || px >= source.width || py >= source.height;
      return { x: px, y: py, outside, value, weight, product: value * weight };
    })));
    const sums = taps.map((part) => part.flat().reduce((sum, tap) => sum + tap.product, 0));
    const divided = combine(sums.map((sum) => sum / plan.divisor), plan.combine);
    const own = look(left + columns.anchor, top + rows.anchor);
    const mixed = plan.amount === 1 ? divided : plan.amount * divided + (1 - plan.amount) * own;
    const biased = mixed + plan.bias;
    const responded = respond(biased, plan.response, range);
    const name = grey ? "brightness" : ["red", "green", "blue"][channel];
    return { name, taps, sums, divided, own, mixed, biased, responded, final: finish(responded) };
  });

  const [cx, cy] = [left + columns.anchor, top + rows.anchor].map((place, axis) => Math.min(Math.max(place, 0), (axis ? source.height : source.width) - 1));
  const pixel = [0, 1, 2].map((channel) => {
    if (plan.channels === "gray") return working[0].final;
    if (plan.channels === "luma") return finish(Math.min(Math.max(read(cx, cy, channel) + working[0].responded - working[0].own, 0), WHITE));
    const index = chosen.indexOf(channel);
    return index < 0 ? finish(read(cx, cy, channel)) : working[index].final;
  });
  return { working, pixel };
}

function combine(answers, how) {
  if (how === "magnitude") return Math.hypot(...answers);
  return how === "maximum" ? Math.max(...answers) : answers[0];
}

export function respond(value, response, range) {
  if (response === "raw") return value;
  if (response === "rescale") {
    const [low, high] = range ?? [0, WHITE];
    return high > low ? ((value - low) * WHITE) / (high - low) : 0;
  }
  const answer = response === "abs" ? Math.abs(value) : response === "offset" ? value / 2 + (WHITE + 1) / 2 : value;
  return Math.min(Math.max(answer, 0), WHITE);
}

/** To nearest, halves to even, as NumPy, TensorFlow and OpenCV do. Float32 first: that is what the service rounds. */
function round(value) {
  const single = Math.fround(value);
  const down = Math.floor(single);
  const nearest = single - down === 0.5 ? down + (down % 2) : Math.round(single);
  return Math.min(Math.max(nearest, 0), WHITE);
}

/** IEC 61966-2-1, on 0..255. */
const decodeSrgb = (value) => WHITE * (value / WHITE <= 0.04045 ? value / WHITE / 12.92 : ((value / WHITE + 0.055) / 1.055) ** 2.4);
const encodeSrgb = (value) => {
  const light = Math.min(Math.max(value / WHITE, 0), 1);
  return WHITE * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);
};
