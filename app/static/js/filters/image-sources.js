import { ask } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, say } from "../shared/dom.js";
import { receiveImages } from "../shared/image.js";

export const SAMPLES = { house: "House", chart: "Test chart", digits: "Handwriting" };

/**
 * Where images come from: samples, files, the clipboard, the camera.
 * @param {{isHere: () => boolean, choose: (sample: string) => void, open: (file: Blob, name: string) => void}} on
 */
export function drawSources(on) {
  find("#samples").append(...Object.entries(SAMPLES).map(([name, title]) => make("button", {
    type: "button", class: "sample", "data-sample": name, "aria-label": `Sample: ${title}`, title, onclick: () => on.choose(name),
  }, drawThumbnail(name))));
  receiveImages(find("#file"), on.isHere, on.open);
  find("#camera").hidden = !hasCamera();
  find("#camera").addEventListener("click", async () => {
    try {
      const photo = await takePhoto();
      if (photo) on.open(photo, "photo.png");
    } catch (error) {
      say(find("#image-error"), error.message);
    }
  });
}

/** Asked for like everything else, as an <img> could not send a token. */
function drawThumbnail(name) {
  const image = make("img", { alt: "", width: 64, height: 48 });
  ask(`/samples/${name}.png`, { accept: "image/png" }).then(async (reply) => {
    image.src = URL.createObjectURL(await reply.blob());
  }, () => {});
  return image;
}

export function markSample(chosen) {
  for (const sample of document.querySelectorAll("[data-sample]")) sample.setAttribute("aria-pressed", String(sample.dataset.sample === chosen));
}

/** @param {import("../shared/image.js").Image | null} image */
export function describeImage(image) {
  if (!image) return "";
  const { name, width, height, reduced, pixels } = image;
  const size = `${name}, ${width} × ${height}`;
  return reduced ? `${size}: scaled down to ${pixels.width} × ${pixels.height} for the live view. “Full size” sends the original.` : size;
}
