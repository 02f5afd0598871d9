import { requestJson } from "../shared/api.js";
import { make } from "../shared/dom.js";

/**
 * Every kernel applied to an image, with one request.
 * @param {HTMLElement} root @param {import("../shared/image.js").Image} image @param {AbortSignal} signal
 * @param {(kernel: string) => void} onOpen
 */
export async function drawGallery(root, image, signal, onOpen) {
  const { images } = await requestJson("/gallery", { query: { format: "json", side: "128" }, form: { file: [image.preview, image.name] }, signal });
  if (signal.aborted) return;
  root.replaceChildren(...images.filter(({ kernel }) => kernel !== "input").map(({ kernel, image: source }) =>
    make("button", { type: "button", class: "tile", onclick: () => onOpen(kernel) },
      make("img", { src: source, alt: "", loading: "lazy" }), make("span", {}, kernel))));
}
