/**
 * The colours of signed numbers: negative, zero and positive weights look the same everywhere on the page. The three colours
 * are properties of page.css, which differ between the light and the dark theme.
 */

/** @typedef {[number, number, number]} Colour red, green, blue in 0..255 */

/** Black: with it or white, every ground has a contrast of at least 4.58. */
const DARK_INK = "#000000";
const LIGHT_INK = "#ffffff";

/** The colour scale of the current theme. @returns {(share: number) => Colour} `share` from -1 to 1 */
export function readSignedScale() {
  const style = getComputedStyle(document.documentElement);
  const [negative, zero, positive] = ["--negative", "--zero", "--positive"].map((name) => parseColour(style.getPropertyValue(name)));
  return (share) => mixColours(zero, share < 0 ? negative : positive, Math.min(Math.abs(share), 1));
}

/** @param {string} text `#rrggbb` @returns {Colour} */
const parseColour = (text) => /** @type {Colour} */ ([1, 3, 5].map((start) => Number.parseInt(text.trim().slice(start, start + 2), 16)));

/** @param {Colour} from @param {Colour} to @param {number} share of `to`; less than linear, so that small weights have a colour */
const mixColours = (from, to, share) => /** @type {Colour} */ (from.map((level, index) => Math.round(level + (to[index] - level) * share ** 0.75)));

/** @param {Colour} colour */
export const toCss = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

/** The ink with the higher contrast (WCAG 2.2, relative luminance). @param {Colour} colour of the ground */
export function chooseInk(colour) {
  const [red, green, blue] = colour.map((level) => (level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? DARK_INK : LIGHT_INK;
}

/** The largest magnitude, which has the full colour; at least a tiny one. @param {ArrayLike<number>} numbers */
export function findLargest(numbers) {
  let largest = 1e-9;
  for (let index = 0; index < numbers.length; index++) largest = Math.max(largest, Math.abs(numbers[index]));
  return largest;
}
