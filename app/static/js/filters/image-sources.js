import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, setText } from "../shared/dom.js";
import { IMAGE_TYPES, receiveImages } from "../shared/image-input.js";
import { SAMPLES } from "./images.js";

const THUMBNAILS = new URL("../../samples/thumbnails.jpg", import.meta.url).href;

/**
 * Samples, files, the clipboard and the camera.
 * @param {{isVisible: () => boolean, onSample: (name: string) => void, onFile: (file: Blob, name: string) => void}} listeners
 */
export function drawImageSources({ isVisible, onSample, onFile }) {
  find("#samples").append(...Object.entries(SAMPLES).map(([name, { title }], index) => make("button", {
    type: "button", class: "sample", "data-sample": name, "aria-label": `Sample: ${title}`, title, onclick: () => onSample(name),
  }, drawThumbnail(index))));
  find("#file").accept = IMAGE_TYPES;
  receiveImages(find("#file"), isVisible, onFile);
  markDropTarget(isVisible);
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

/** One file has the thumbnails of all samples, side by side in their order. @param {number} index */
function drawThumbnail(index) {
  const image = make("img", { alt: "", width: 48, height: 36, src: THUMBNAILS });
  image.style.objectPosition = `${(100 * index) / (Object.keys(SAMPLES).length - 1)}% 0`;
  return image;
}

/** Shows where an image can be dropped while one is dragged over the page. */
function markDropTarget(isVisible) {
  const target = find("#drop-target");
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragover", (event) => { target.hidden = !(isVisible() && carriesFile(event)); });
  addEventListener("drop", () => { target.hidden = true; });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) target.hidden = true; });
}

export function markSample(name) {
  for (const sample of document.querySelectorAll("[data-sample]")) sample.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (sample).dataset.sample === name));
}

/** What a person should know about an image and its preview. @param {import("../shared/image.js").Image | null} image @returns {Promise<string>} */
export async function describeImage(image) {
  if (!image) return "";
  const { name, width, height, reduced, pixels, original } = image;
  const notes = [
    ...(reduced ? [`scaled down to ${pixels.width} × ${pixels.height} for the preview`] : []),
    ...await listLimits(original),
  ];
  return `${name}, ${width} × ${height}${notes.length ? `: ${notes.join("; ")}. “Full size” filters the original.` : ""}`;
}

const HEAD_BYTES = 64 * 1024;

/** What the preview of a file leaves out: frames after the first, and bits beyond eight. @param {Blob} file */
async function listLimits(file) {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const text = new TextDecoder("latin1").decode(head);
  if (text.startsWith("GIF8")) {
    const frames = text.split("\x21\xf9\x04").length - 1; // a graphic control extension before each frame
    return frames > 1 ? ["the preview shows the first frame of the animation"] : [];
  }
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP" && text.includes("ANIM")) return ["the preview shows the first frame of the animation"];
  if (text.slice(1, 4) === "PNG") {
    return [
      ...(text.includes("acTL") ? ["the preview shows the first frame of the animation"] : []),
      ...(head[24] === 16 ? ["the preview has 8 bits per channel, the original 16"] : []),
    ];
  }
  return [];
}
