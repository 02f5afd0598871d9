/** Drawings of 28 × 28 pixels in lessons: rows of `.` and 1 to 9, from no ink to full ink, as white ink on black. */

import { WHITE } from "../filters/colour.js";

const FULL_INK = 9;

/** @param {string} text @returns {ImageData} */
export function parseDrawing(text) {
  const rows = text.split("\n");
  const image = new ImageData(rows[0].length, rows.length);
  rows.forEach((row, y) => [...row].forEach((ink, x) => {
    const level = ink === "." ? 0 : Math.round((WHITE * Number(ink)) / FULL_INK);
    image.data.set([level, level, level, WHITE], 4 * (y * image.width + x));
  }));
  return image;
}

/** @param {ImageData} first @param {ImageData} second of the same size */
export function countChangedPixels(first, second) {
  let count = 0;
  for (let index = 0; index < first.data.length; index += 4) count += Number(first.data[index] !== second.data[index]);
  return count;
}

/** @param {ImageData|null} first @param {ImageData} second */
export const haveOneSize = (first, second) => first?.width === second.width && first.height === second.height;
