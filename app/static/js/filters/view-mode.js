import { find } from "../shared/dom.js";

/**
 * Shows the kernel bench or the whole image. A chain that the page cannot work out is shown as the whole image.
 * @param {HTMLElement} root @param {"bench"|"image"} mode
 */
export function showMode(root, mode) {
  root.dataset.mode = mode;
  find("#show-bench").setAttribute("aria-pressed", String(mode === "bench"));
  find("#show-image").setAttribute("aria-pressed", String(mode === "image"));
}
