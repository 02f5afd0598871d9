/** A puzzle: an image and its filtered copy, and four kernels to choose from. */

import { request } from "../shared/api.js";
import { make, setText } from "../shared/dom.js";
import { openImage } from "../shared/image.js";

/** Kernels that can be told apart, and that change the sample visibly. */
export const PUZZLE_KERNELS = ["blur", "average", "box", "sharpen", "edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt", "emboss"];
/** Their results have negative values, which `offset` keeps visible. */
const SIGNED_KERNELS = ["edge", "laplacian", "top-sobel", "left-sobel", "top-prewitt", "left-prewitt"];
const SAMPLE = "/samples/house.png";
const CHOICES = 4;

export const pickPuzzleKernel = () => PUZZLE_KERNELS[Math.floor(Math.random() * PUZZLE_KERNELS.length)];

/** @param {string} kernel @param {number} maxSide of the images, in pixels @returns {Promise<import("./learn-request.js").Pair>} */
export async function requestPuzzle(kernel, maxSide) {
  const sample = await (await request(SAMPLE, { accept: "image/png" })).blob();
  const query = { format: "png", response: SIGNED_KERNELS.includes(kernel) ? "offset" : "clip" };
  const reply = await request(`/filter/${kernel}`, { query, form: { file: [sample, "sample.png"] }, accept: "image/png" });
  return {
    before: await openImage(sample, "sample", maxSide),
    after: await openImage(await reply.blob(), "filtered by the hidden kernel", maxSide),
  };
}

/** @param {HTMLElement} root @param {string} hidden the kernel to guess */
export function drawGuesses(root, hidden) {
  const others = PUZZLE_KERNELS.filter((name) => name !== hidden);
  const start = PUZZLE_KERNELS.indexOf(hidden);
  const wrong = Array.from({ length: CHOICES - 1 }, (_, index) => others[(start + 3 * index) % others.length]);
  const answer = make("span", { id: "guessed", role: "status" });
  const guess = (name) => (event) => {
    for (const button of root.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === event.target));
    setText(answer, name === hidden ? `Correct: ${name}.` : `No, it is not ${name}.`);
  };
  root.hidden = false;
  root.replaceChildren(make("span", {}, "Which kernel is it?"), ...[hidden, ...wrong].sort().map((name) =>
    make("button", { type: "button", class: "small", onclick: guess(name) }, name)), answer);
}
