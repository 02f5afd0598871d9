/** A puzzle: an image and its filtered copy, and four kernels to choose from. */

import { requestBlob } from "../shared/api.js";
import { make, setText } from "../shared/dom.js";
import { openImage } from "../shared/image.js";

/** Kernels that can be told apart, and that change the sample visibly. */
const PUZZLE_KERNELS = ["blur", "average", "box", "sharpen", "edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt", "emboss"];
/** Their results have negative values, which `offset` keeps visible. */
const SIGNED_KERNELS = ["edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt"];
const SAMPLE = "/samples/house.png";
const CHOICES = 4;
const MAX_SEED = 1_000_000;

/** @typedef {{seed: string, hidden: string, choices: string[]}} Puzzle `hidden` is the kernel to guess */

export const pickSeed = () => String(Math.floor(MAX_SEED * Math.random()));

/** The same seed makes the same puzzle, so a link can name a puzzle without its answer. @param {string} seed digits @returns {Puzzle} */
export function makePuzzle(seed) {
  const random = makeGenerator(Number(seed));
  const kernels = [...PUZZLE_KERNELS];
  for (let last = kernels.length - 1; last > 0; last--) { // Fisher-Yates
    const other = Math.floor(random() * (last + 1));
    [kernels[last], kernels[other]] = [kernels[other], kernels[last]];
  }
  return { seed, hidden: kernels[0], choices: kernels.slice(0, CHOICES).sort() };
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

/** @param {Puzzle} puzzle @param {number} maxSide of the images, in pixels @param {AbortSignal} signal @returns {Promise<import("./learn-request.js").Pair>} */
export async function requestPuzzle({ hidden }, maxSide, signal) {
  const sample = await requestBlob(SAMPLE, { accept: "image/png", signal });
  const query = { format: "png", response: SIGNED_KERNELS.includes(hidden) ? "offset" : "clip" };
  const filtered = await requestBlob(`/filter/${hidden}`, { query, form: { file: [sample, "sample.png"] }, accept: "image/png", signal });
  return {
    before: await openImage(sample, "sample", maxSide),
    after: await openImage(filtered, "filtered by the hidden kernel", maxSide),
  };
}

/** @param {HTMLElement} root @param {Puzzle} puzzle @param {() => void} onSolved the user found the kernel, or gave up */
export function drawGuesses(root, { hidden, choices }, onSolved) {
  const answer = make("span", { id: "guessed", role: "status" });
  const press = (pressed) => {
    for (const button of root.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === pressed));
  };
  const guess = (name) => (event) => {
    press(event.target);
    setText(answer, name === hidden ? `Correct: ${name}.` : `No, it is not ${name}.`);
    if (name === hidden) onSolved();
  };
  const showAnswer = () => {
    setText(answer, `The kernel is ${hidden}.`);
    onSolved();
  };
  root.hidden = false;
  root.replaceChildren(make("b", {}, "Which kernel is it?"),
    ...choices.map((name) => make("button", { type: "button", class: "small choice-of-kernel", onclick: guess(name) }, name)),
    make("button", { type: "button", class: "small", id: "show-answer", onclick: showAnswer }, "Show the answer"), answer);
}
