import { askJson } from "./api.js";
import { make } from "./dom.js";

/** Every kernel on a picture, by one request. @param {import("./picture.js").Picture} picture */
export async function drawGallery(root, picture, signal, open) {
  const { pictures } = await askJson("/gallery", { query: { format: "json", side: "128" }, form: { file: [picture.live, picture.name] }, signal });
  if (signal.aborted) return;
  root.replaceChildren(...pictures.filter(({ kernel }) => kernel !== "input").map(({ kernel, picture: source }) =>
    make("button", { type: "button", class: "tile", onclick: () => open(kernel) },
      make("img", { src: source, alt: "", loading: "lazy" }), make("span", {}, kernel))));
}
