import { askJson } from "../shared/api.js";
import { make } from "../shared/dom.js";

/** Every kernel on an image, by one request. @param {import("../shared/image.js").Image} image */
export async function drawGallery(root, image, signal, open) {
  const { images } = await askJson("/gallery", { query: { format: "json", side: "128" }, form: { file: [image.live, image.name] }, signal });
  if (signal.aborted) return;
  root.replaceChildren(...images.filter(({ kernel }) => kernel !== "input").map(({ kernel, image: source }) =>
    make("button", { type: "button", class: "tile", onclick: () => open(kernel) },
      make("img", { src: source, alt: "", loading: "lazy" }), make("span", {}, kernel))));
}
