/** Weights as a person types them: text such as "-1", "0.5" or "1/16", in rows. */

export const MAX_SIDE = 9;

/** A number, or null for what is none. The service reads the same: 5, -1.5, 1e-3, 1/16. */
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

/** A single row ends with `;`, or the service could not tell it from a list. */
export const formatRows = (rows) => rows.map((row) => row.join(",")).join(";") + (rows.length === 1 ? ";" : "");

/** @param {number[][]} weights Nine digits after the point are more than a pixel can show. */
export const writeRows = (weights) => weights.map((row) => row.map((weight) => String(Number(weight.toPrecision(12)))));

export const transpose = (rows) => rows[0].map((_, x) => rows.map((row) => row[x]));
export const mirror = (rows) => rows.map((row) => [...row].reverse());
/** By 90° clockwise. */
export const rotate = (rows) => mirror(transpose(rows));

/** Rows and columns added or cut off on both sides alike, so that the middle stays the middle. */
export function resize(rows, height, width) {
  const fit = (list, length, fill) => {
    const before = Math.floor((length - list.length) / 2);
    return Array.from({ length }, (_, index) => list[index - before] ?? fill());
  };
  const wide = rows.map((row) => fit(row, width, () => "0"));
  return fit(wide, height, () => Array(width).fill("0"));
}

/** Divided by the sum; where that is 0 by the sum of the positive ones, as ImageMagick does. Null where nothing is left to divide by. */
export function normalise(rows) {
  const numbers = rows.flat().map(parseNumber);
  if (numbers.includes(null)) return null;
  const total = numbers.reduce((sum, number) => sum + number, 0);
  const by = Math.abs(total) > 1e-9 ? total : numbers.reduce((sum, number) => sum + Math.max(number, 0), 0);
  if (!by) return null;
  const whole = numbers.every(Number.isInteger);
  return rows.map((row) => row.map((text) => {
    const number = parseNumber(text);
    if (number === 0 || by === 1) return String(number);
    if (!whole) return String(Number((number / by).toPrecision(12)));
    return reduceFraction(by < 0 ? -number : number, Math.abs(by));
  }));
}

function reduceFraction(numerator, denominator) {
  const divide = (a, b) => (b ? divide(b, a % b) : Math.abs(a));
  const common = divide(numerator, denominator);
  return denominator === common ? String(numerator / common) : `${numerator / common}/${denominator / common}`;
}
