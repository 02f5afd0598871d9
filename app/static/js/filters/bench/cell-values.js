/** The colours of magnified pixels. */

import { COLOURS, encodeSrgb } from "../colour.js";
import { resolveBorder } from "../geometry.js";
import { makeShade, readMaps } from "../maps.js";

/** @typedef {import("../../shared/signed-colour.js").Colour} Colour */

/** A grey of this level. @param {number} level 0 to 255 @returns {Colour} */
export const makeGrey = (level) => [level, level, level];

/** The grey of a value before its range is known. @param {number} value */
export const clipToLevel = (value) => Math.min(Math.max(Math.round(value), 0), 255);

/**
 * The colour of an input pixel; outside the image that of the pixel which the border supplies.
 * @param {import("../pixel.js").Source} source @param {string} border @param {boolean} encode from linear light
 * @param {number} map is shown if there are other numbers of maps than those of a grey or colour image
 * @returns {Colour}
 */
export function readColour(source, border, x, y, encode, map) {
  const [fromX, fromY] = [resolveBorder(x, source.width, border), resolveBorder(y, source.height, border)];
  if (fromX < 0 || fromY < 0) return makeGrey(0);
  if (source.values && ![1, COLOURS].includes(source.maps)) return makeGrey(makeShade(source.values, map)(source.get(fromX, fromY, map)));
  return /** @type {Colour} */ ([0, 1, 2].map((channel) => {
    const value = source.get(fromX, fromY, channel);
    return clipToLevel(encode ? encodeSrgb(value) : value);
  }));
}

/** What the service returned for a pixel: red, green, blue, or all maps that are no image. @returns {number[]|null} null if it is missing */
export function readReturned({ pixels, values }, x, y) {
  const { width, height } = pixels ?? values ?? { width: 0, height: 0 };
  if (x >= width || y >= height) return null;
  if (values) return readMaps(values, x, y);
  const start = 4 * (y * width + x);
  return [...pixels.data.slice(start, start + 3)];
}

/** Relative to a value: sums of float32 numbers differ with their order. */
const TOLERANCE = 1e-4;

/** Whether a computed value is the returned one: exactly, unless it is a number that is not rounded. @param {boolean} isRounded */
export const isSame = (computed, returned, isRounded) =>
  computed === returned || (!isRounded && Math.abs(computed - returned) <= TOLERANCE * Math.max(1, Math.abs(computed)));
