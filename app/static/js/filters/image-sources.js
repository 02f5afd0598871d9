import { request } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, setText } from "../shared/dom.js";
import { receiveImages } from "../shared/image-input.js";

export const SAMPLES = { house: "House", chart: "Test chart", digits: "Handwriting" };

/**
 * Samples, files, the clipboard and the camera.
 * @param {{isVisible: () => boolean, onSample: (name: string) => void, onFile: (file: Blob, name: string) => void}} listeners
 */
export function drawImageSources({ isVisible, onSample, onFile }) {
  find("#samples").append(...Object.entries(SAMPLES).map(([name, title]) => make("button", {
    type: "button", class: "sample", "data-sample": name, "aria-label": `Sample: ${title}`, title, onclick: () => onSample(name),
  }, drawThumbnail(name))));
  receiveImages(find("#file"), isVisible, onFile);
  find("#camera").hidden = !hasCamera();
  find("#camera").addEventListener("click", async () => {
    try {
      const photo = await takePhoto();
      if (photo) onFile(photo, "photo.png");
    } catch (error) {
      setText(find("#image-error"), error.message);
    }
  });
}

/** Requested by script, because an <img> cannot send a token. */
function drawThumbnail(name) {
  const image = make("img", { alt: "", width: 64, height: 48 });
  request(`/samples/${name}.png`, { accept: "image/png" }).then(async (reply) => {
    image.src = URL.createObjectURL(await reply.blob());
  }, () => {});
  return image;
}

export function markSample(name) {
  for (const sample of document.querySelectorAll("[data-sample]")) sample.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (sample).dataset.sample === name));
}

/** @param {import("../shared/image.js").Image | null} image */
export function describeImage(image) {
  if (!image) return "";
  const { name, width, height, reduced, pixels } = image;
  const size = `${name}, ${width} × ${height}`;
  return reduced ? `${size}: scaled down to ${pixels.width} × ${pixels.height} for the preview. “Full size” filters the original.` : size;
}
