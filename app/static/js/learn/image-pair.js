/** The two images of the learn view: chosen, dropped or pasted by the user, or those of a puzzle. */

import { find, setText } from "../shared/dom.js";
import { receiveDroppedAndPasted } from "../shared/image-input.js";
import { openImage } from "../shared/image.js";

export const MAX_IMAGE_SIDE = 4000;
const SLOTS = /** @type {const} */ (["before", "after"]);

/**
 * @typedef {import("../shared/image.js").Image} Image
 * @typedef {{before: Image|null, after: Image|null}} PairInProgress
 */

/** @param {HTMLElement} root @param {PairInProgress} pair */
export function showPair(root, pair) {
  for (const slot of SLOTS) {
    const image = pair[slot];
    const canvas = find(`#${slot}-canvas`, root);
    canvas.hidden = !image;
    canvas.nextElementSibling.hidden = Boolean(image);
    setText(find(`#${slot}-name`, root), image ? `${image.name}, ${image.width} × ${image.height}` : "no image");
    if (!image) continue;
    Object.assign(canvas, { width: image.pixels.width, height: image.pixels.height });
    canvas.getContext("2d").putImageData(image.pixels, 0, 0);
  }
  find("#start-learning", root).disabled = !(pair.before && pair.after);
}

/**
 * Calls `onImage` with each image that the user gives. A file that is not an image is explained.
 * @param {HTMLElement} root @param {() => "before"|"after"} findFreeSlot for an image that is not dropped on one
 * @param {(slot: "before"|"after", image: Image) => void} onImage
 */
export function receivePair(root, findFreeSlot, onImage) {
  const open = async (slot, file, name) => {
    const error = find("#pair-error", root);
    setText(error, "");
    try {
      onImage(slot, await openImage(file, name, MAX_IMAGE_SIDE));
    } catch (problem) {
      setText(error, `${name}: ${problem.message}`);
    }
  };
  for (const slot of SLOTS) {
    const input = find(`#${slot}-file`, root);
    input.addEventListener("change", () => {
      if (input.files[0]) open(slot, input.files[0], input.files[0].name);
      input.value = "";
    });
  }
  receiveDroppedAndPasted((files, target) => {
    if (root.hidden || !files[0]) return;
    open(target.closest?.("[data-slot]")?.dataset.slot ?? findFreeSlot(), files[0], files[0].name || "image.png");
  });
}
