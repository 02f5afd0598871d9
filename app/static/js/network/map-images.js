/** Maps, kernels and fields as small images, one pixel a number, for `drawImage`. */

import { findLargest, readSignedScale } from "../shared/signed-colour.js";

const LEVELS = 128;
const [PAPER, INK] = [255, 22];

/** The colours of numbers from -1 to 1 as bytes red, green, blue. */
export class SignedColours {
  constructor() {
    const scale = readSignedScale();
    this.bytes = new Uint8ClampedArray(3 * (2 * LEVELS + 1));
    for (let level = -LEVELS; level <= LEVELS; level++) this.bytes.set(scale(level / LEVELS), 3 * (level + LEVELS));
  }

  /** Writes the colour of `share` of the full colour. @param {Uint8ClampedArray} data @param {number} at */
  write(data, at, share) {
    const from = 3 * (Math.round(Math.min(Math.max(share, -1), 1) * LEVELS) + LEVELS);
    data[at] = this.bytes[from];
    data[at + 1] = this.bytes[from + 1];
    data[at + 2] = this.bytes[from + 2];
    data[at + 3] = 255;
  }
}

/** One map as rows of numbers. @param {ArrayLike<number>} values (side, side, count) @param {number} side @param {number} count @param {number} index */
export const listMap = (values, side, count, index) =>
  Array.from({ length: side }, (_, y) => Array.from({ length: side }, (__, x) => values[(y * side + x) * count + index]));

/**
 * Maps below each other: map `n` starts at row `n * height`.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values (height, width, count) @param {number} width @param {number} height
 * @param {number} count @param {SignedColours} colours @param {number} largest magnitude, which has the full colour
 */
export function paintMaps(canvas, values, width, height, count, colours, largest) {
  Object.assign(canvas, { width, height: height * count });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height * count);
  const places = width * height;
  for (let place = 0, from = 0; place < places; place++) {
    for (let map = 0; map < count; map++, from++) colours.write(image.data, 4 * (map * places + place), values[from] / largest);
  }
  context.putImageData(image, 0, 0);
}

/** Ink on paper. @param {HTMLCanvasElement} canvas @param {Float32Array} field (28, 28) @param {number} side */
export function paintField(canvas, field, side) {
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  field.forEach((ink, index) => {
    const grey = PAPER + (INK - PAPER) * ink;
    image.data.set([grey, grey, grey, 255], 4 * index);
  });
  context.putImageData(image, 0, 0);
}

/** A map of importance to lay over a drawing: transparent where it is 0. @param {HTMLCanvasElement} canvas @param {Float32Array} values */
export function paintImportance(canvas, values) {
  const side = Math.sqrt(values.length);
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const colours = new SignedColours();
  const largest = findLargest(values);
  values.forEach((value, index) => {
    colours.write(image.data, 4 * index, Math.sign(value));
    image.data[4 * index + 3] = 235 * (Math.abs(value) / largest) ** 0.75;
  });
  context.putImageData(image, 0, 0);
}
