/** The colours of magnified pixels. */

import { encodeSrgb } from "../colour.js";
import { resolveBorder } from "../geometry.js";

/** @typedef {import("../../shared/signed-colour.js").Colour} Colour */

/**
 * The colour of an input pixel; outside the image that of the pixel which the border supplies.
 * @param {import("../pixel.js").Source} source @param {string} border @param {boolean} encode from linear light
 * @returns {Colour}
 */
export function readColour(source, border, x, y, encode) {
  const [fromX, fromY] = [resolveBorder(x, source.width, border), resolveBorder(y, source.height, border)];
  if (fromX < 0 || fromY < 0) return [0, 0, 0];
  return /** @type {Colour} */ ([0, 1, 2].map((channel) => {
    const value = source.get(fromX, fromY, channel);
    return Math.min(Math.max(Math.round(encode ? encodeSrgb(value) : value), 0), 255);
  }));
}

/** A pixel of the service's reply; null if it is missing. @param {ImageData|null} pixels @returns {Colour|null} */
export function readReturned(pixels, x, y) {
  if (!pixels || x >= pixels.width || y >= pixels.height) return null;
  const start = 4 * (y * pixels.width + x);
  return /** @type {Colour} */ ([...pixels.data.slice(start, start + 3)]);
}
