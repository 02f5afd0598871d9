/** Weights as text in rows, such as "-1", "0.5" or "1/16": parsing, formatting and transforming. */

/** Of a kernel that can be edited, in weights. */
export const MAX_EDITABLE_SIDE = 9;

/** A number, or null if the text is invalid. The service accepts the same forms: 5, -1.5, 1e-3, 1/16. @returns {number|null} */
export function parseNumber(text) {
  const parts = String(text).trim().replace("−", "-").split("/");
  if (parts.length > 2 || parts.some((part) => !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part.trim()))) return null;
  const number = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  return Number.isFinite(number) ? number : null;
}

/** @param {string} text `0,-1,0;-1,5,-1;0,-1,0` @returns {string[][]} */
export const parseRows = (text) =>
  (text.trim().startsWith("[") ? parseJson(text) : text.replace(/;\s*$/, "").split(/[;\n]/).map((row) => row.trim().split(/[\s,]+/)));

function parseJson(text) {
  try {
    return JSON.parse(text).map((row) => row.map(String));
  } catch {
    return [["0"]];
  }
}

/** A single row ends with `;`: without it the service reads a list. @param {string[][]} rows */
export const formatRows = (rows) => rows.map((row) => row.join(",")).join(";") + (rows.length === 1 ? ";" : "");

/** Rounds to 12 significant digits, which removes rounding errors such as 0.30000000000000004. @param {number[][]} weights @returns {string[][]} */
export const toRows = (weights) => weights.map((row) => row.map((weight) => String(Number(weight.toPrecision(12)))));

/** The shortest decimal number that is the same float32. @param {number} weight */
export function shorten(weight) {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(weight.toPrecision(digits));
    if (Math.fround(short) === Math.fround(weight)) return short;
  }
  return Number(weight.toPrecision(9));
}

export const transpose = (rows) => rows[0].map((_, x) => rows.map((row) => row[x]));
export const mirror = (rows) => rows.map((row) => [...row].reverse());
/** Rotates by 90° clockwise. */
export const rotate = (rows) => mirror(transpose(rows));

/** Adds or removes rows and columns on both sides equally, so that the centre stays the centre. */
export function resize(rows, height, width) {
  const fit = (list, length, fill) => {
    const before = Math.floor((length - list.length) / 2);
    return Array.from({ length }, (_, index) => list[index - before] ?? fill());
  };
  const wide = rows.map((row) => fit(row, width, () => "0"));
  return fit(wide, height, () => Array(width).fill("0"));
}

/** Divides by the sum; if it is 0, by the sum of the positive weights, as ImageMagick does. Null if that is 0, too. */
export function normalise(rows) {
  const numbers = rows.flat().map(parseNumber);
  if (numbers.includes(null)) return null;
  const total = numbers.reduce((sum, number) => sum + number, 0);
  const divisor = Math.abs(total) > 1e-9 ? total : numbers.reduce((sum, number) => sum + Math.max(number, 0), 0);
  if (!divisor) return null;
  const whole = numbers.every(Number.isInteger);
  return rows.map((row) => row.map((text) => {
    const number = parseNumber(text);
    if (number === 0 || divisor === 1) return String(number);
    if (!whole) return String(Number((number / divisor).toPrecision(12)));
    return reduceFraction(divisor < 0 ? -number : number, Math.abs(divisor));
  }));
}

function reduceFraction(numerator, denominator) {
  const findDivisor = (a, b) => (b ? findDivisor(b, a % b) : Math.abs(a));
  const common = findDivisor(numerator, denominator);
  return denominator === common ? String(numerator / common) : `${numerator / common}/${denominator / common}`;
}
