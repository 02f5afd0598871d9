/**
 * The part of an image that is filtered: regions, a mask, or the part of a mask in regions. Rules of kernels/regions.py.
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle whole pixels from the top left
 * @typedef {{regions: string[], reads: string, mask?: [Blob, string]|null}} Area `regions` as the parameter `region` of the
 *   API takes them; `reads` is `image` or `region`; `mask` is a file and its name
 */

import { Problem } from "../../shared/api.js";
import { measureBrightness } from "../colour.js";

export const MAX_REGIONS = 100;
const PART = /^(-?\d{1,9}|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?%)$/i;
const HOW = "Use x,y,width,height in pixels or percent, such as 100,50,200,120 or 10%,10%,50%,25%.";

/** @param {string} text regions with `;` between them @returns {string[]} */
export const splitRegions = (text) => text.split(";").map((region) => region.replaceAll(" ", "")).filter(Boolean);

/** As query parameters; none for the whole image. @param {{regions: string[], reads: string, mask?: unknown}|null|undefined} area @returns {Record<string, string>} */
export function describeArea(area) {
  if (!area || !(area.regions.length || area.mask)) return {};
  return { ...(area.regions.length && { region: area.regions.join(";") }), ...(area.reads === "region" && { reads: "region" }) };
}

/** The pixels of a region. Edges in percent are rounded to the nearest pixel, halves up. @returns {Rectangle} throws Problem */
export function placeRegion(region, width, height) {
  const parts = region.split(",");
  if (parts.length !== 4 || !parts.every((part) => PART.test(part))) throw makeProblem(`The region ${region} is not complete. ${HOW}`);
  const [x, y, columns, rows] = parts;
  const [left, right] = placeEdges(x, columns, width);
  const [top, bottom] = placeEdges(y, rows, height);
  if (!(left >= 0 && left < right && right <= width && top >= 0 && top < bottom && bottom <= height)) {
    throw makeProblem(`The region ${region} is x ${left} to ${right}, y ${top} to ${bottom} in an image of ${width} × ${height} pixels. `
      + `It must have at least one pixel and end at x ${width} and y ${height} at the latest.`);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function placeEdges(start, length, side) {
  const first = measure(start, side);
  return [Math.floor(first + 0.5), Math.floor(first + measure(length, side) + 0.5)];
}

const measure = (text, side) => (text.endsWith("%") ? (Number(text.slice(0, -1)) / 100) * side : Number(text));

const makeProblem = (detail) => new Problem(422, { detail, errors: [{ loc: ["query", "region"], msg: detail }] });

/** @param {Rectangle} rectangle @returns {string} a region in pixels */
export const formatRegion = ({ x, y, width, height }) => [x, y, width, height].join(",");

/**
 * The same region of a copy of another size, at least one pixel.
 * @param {string} region @param {{width: number, height: number}} from @param {{width: number, height: number}} to
 */
export function scaleRegion(region, from, to) {
  const place = placeRegion(region, from.width, from.height);
  const [x, width] = scaleSpan(place.x, place.width, from.width, to.width);
  const [y, height] = scaleSpan(place.y, place.height, from.height, to.height);
  return formatRegion({ x, y, width, height });
}

/**
 * The area in the copy of an image that is shown and sent.
 * @param {{regions: string[], reads: string}} setting of the file @param {{width: number, height: number, pixels: ImageData, reduced?: boolean}} image
 * @param {import("../../shared/image.js").Image|null} [mask] of the size of the file
 * @returns {Area|null} null for all of the image; throws Problem for a region outside
 */
export function describePreviewArea({ regions, reads }, image, mask = null) {
  if (!regions.length && !mask) return null;
  return {
    regions: regions.map((region) => scaleRegion(region, image, image.pixels)), reads,
    mask: mask && [image.reduced ? mask.preview : mask.original, mask.name],
  };
}

function scaleSpan(start, length, from, to) {
  const first = Math.min(Math.round((start * to) / from), to - 1);
  return [first, Math.max(1, Math.round(((start + length) * to) / from) - first)];
}

/** @param {Rectangle} rectangle */
export const contains = ({ x, y, width, height }, [column, row]) => column >= x && column < x + width && row >= y && row < y + height;

/** The share of the filtered image in a pixel: brightness times alpha, 0..1. @param {ImageData} mask */
export function readShare({ data, width }, [x, y]) {
  const start = 4 * (y * width + x);
  const [red, green, blue, alpha] = data.subarray(start, start + 4);
  const brightness = red === green && green === blue ? red : measureBrightness((channel) => data[start + channel], false);
  return (brightness * alpha) / 255 ** 2;
}
