/** A puzzle: a photograph, its copy filtered by a hidden kernel, and four names to choose from. */

import { parseAddress } from "../shared/address.js";
import { requestBlob, requestJsonOnce } from "../shared/api.js";
import { openImage } from "../shared/image.js";
import { Images } from "../filters/images.js";
import { normalise, toRows } from "../filters/weights.js";

/** Kernels of 3 × 3 that can be told apart, and that change a photograph visibly. */
const PUZZLE_KERNELS = ["blur", "average", "sharpen", "edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt", "emboss"];
/** Their weights sum to 0, so their results have negative values. A bias makes 0 grey. */
const SIGNED_KERNELS = ["edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt"];
const GREY = 128;
export const PUZZLE_SIZE = 3;
const SAMPLES = ["cat", "coffee", "rocket"];
const CHOICES = 4;
const MAX_SEED = 1_000_000;

/**
 * @typedef {{seed: string, isEasy: boolean, hidden: string, choices: string[], sample: string, bias: number, place: number}} Puzzle
 *   `hidden` is the kernel to guess, `bias` what is added to its results. In an easy puzzle all weights but one are given;
 *   `place`, from 0 to below 1, chooses it among those that are not 0.
 * @typedef {{cells: string[][], free: number|null}} Board the weights to begin with, as text; `free` is the index of the
 *   only one that is not given, null if none is given
 */

const samples = new Images();

/** The address of a puzzle: `#learn?puzzle=SEED`, with `free=1` an easy one. @param {{seed: string, isEasy: boolean}} puzzle */
export const writeAddress = ({ seed, isEasy }) => `#learn?puzzle=${seed}${isEasy ? "&free=1" : ""}`;

/** @param {string} hash @returns {{seed: string, isEasy: boolean}|null} null if it is not the address of a puzzle */
export function readAddress(hash) {
  const { query } = parseAddress(hash);
  const seed = query.get("puzzle") ?? "";
  return /^\d{1,9}$/.test(seed) ? { seed, isEasy: query.get("free") === "1" } : null;
}

export const pickSeed = () => String(Math.floor(MAX_SEED * Math.random()));

/** The same seed makes the same puzzle, so a link can name a puzzle without its answer. @returns {Puzzle} */
export function makePuzzle({ seed, isEasy }) {
  const random = makeGenerator(Number(seed));
  const kernels = [...PUZZLE_KERNELS];
  for (let last = kernels.length - 1; last > 0; last--) { // Fisher-Yates
    const other = Math.floor(random() * (last + 1));
    [kernels[last], kernels[other]] = [kernels[other], kernels[last]];
  }
  const [hidden] = kernels;
  return {
    seed, isEasy, hidden, choices: kernels.slice(0, CHOICES).sort(), bias: SIGNED_KERNELS.includes(hidden) ? GREY : 0,
    sample: SAMPLES[Math.floor(random() * SAMPLES.length)], place: random(),
  };
}

/** Pseudo-random numbers from 0 to below 1: mulberry32 by Tommy Ettinger (public domain). @param {number} state */
function makeGenerator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The photograph and its filtered copy, without loss by JPEG. @param {Puzzle} puzzle @param {AbortSignal} signal @returns {Promise<import("./learn-request.js").Pair>} */
export async function requestPuzzle({ hidden, sample, bias }, signal) {
  const photograph = await samples.open(sample);
  const before = { ...photograph, original: photograph.preview, name: "photograph" };
  const query = { format: "png", response: "clip", bias: String(bias) };
  const filtered = await requestBlob(`/filter/${hidden}`, { query, form: { file: [before.original, before.name] }, accept: "image/png", signal });
  return { before, after: await openImage(filtered, bias ? `filtered, plus ${bias}: grey is 0` : "filtered") };
}

/** The weights of the hidden kernel as text; fractions where it has a divisor, which is their sum. @param {Puzzle} puzzle @returns {Promise<string[][]>} */
export async function requestAnswer({ hidden }) {
  const { kernels } = await requestJsonOnce("/kernels"); // of all kernels: the request does not tell which one is hidden
  const { weights, divisor } = kernels.find(({ name }) => name === hidden);
  return divisor === 1 ? toRows(weights) : normalise(toRows(weights));
}

/** What the user begins with: weights of 0, or in an easy puzzle all weights but one. @param {Puzzle} puzzle @returns {Promise<Board>} */
export async function requestBoard(puzzle) {
  if (!puzzle.isEasy) return { cells: Array.from({ length: PUZZLE_SIZE }, () => Array(PUZZLE_SIZE).fill("0")), free: null };
  const answer = await requestAnswer(puzzle);
  const candidates = answer.flat().flatMap((text, index) => (text === "0" ? [] : [index]));
  const free = candidates[Math.floor(puzzle.place * candidates.length)];
  return { cells: answer.map((row, y) => row.map((text, x) => (y * PUZZLE_SIZE + x === free ? "0" : text))), free };
}
