import { requestJson } from "../shared/api.js";
import { make } from "../shared/dom.js";

/**
 * Every kernel applied to an image, with one request.
 * @param {HTMLElement} root @param {import("../shared/image.js").Image} image @param {AbortSignal} signal
 * @param {(kernel: string) => void} onOpen
 */
export async function drawGallery(root, image, signal, onOpen) {
  const { images } = await requestJson("/gallery", { query: { format: "json", side: "128", response: "rescale" }, form: { file: [image.preview, image.name] }, signal });
  if (signal.aborted) return;
  /** Kernels with the same weights have one tile. @type {Map<string, string[]>} */
  const tiles = new Map();
  for (const { kernel, image: source } of images) {
    if (kernel !== "input") tiles.set(source, [...(tiles.get(source) ?? []), kernel]);
  }
  root.replaceChildren(...[...tiles].map(([source, kernels]) =>
    make("button", { type: "button", class: "tile", onclick: () => onOpen(kernels[0]) },
      make("img", { src: source, alt: "", loading: "lazy" }), make("span", {}, kernels.join(", ")))));
}
