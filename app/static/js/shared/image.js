import { ask } from "./api.js";
import { encodePng, hasTransparency } from "./png.js";

export const LIVE_SIDE = 1000;

/**
 * An image that was opened. `live` is what the live view sends: the image itself, or a smaller one.
 * @typedef {{name: string, original: Blob, width: number, height: number, live: Blob, pixels: ImageData,
 *   reduced: boolean, transparent: boolean}} Image
 */

/** @param {Blob} file @param {string} name @returns {Promise<Image>} Throws Problem for what is no image. */
export async function openImage(file, name, side = LIVE_SIDE) {
  const bitmap = await decode(file, name);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const pixels = readPixels(bitmap, width, height);
  const transparent = hasTransparency(pixels);
  const live = await encodePng(pixels, transparent);
  return { name, original: file, width: bitmap.width, height: bitmap.height, live, pixels, reduced: scale < 1, transparent };
}

/** What the browser cannot show (TIFF, or no image at all) the service is asked about: it converts or explains. */
async function decode(file, name) {
  try {
    return await createImageBitmap(file);
  } catch {
    const reply = await ask("/filter/identity", {
      form: { file: [file, name] }, query: { format: "png", frames: "first" }, accept: "image/png",
    });
    return createImageBitmap(await reply.blob());
  }
}

/** @returns {ImageData} */
export function readPixels(bitmap, width = bitmap.width, height = bitmap.height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Pixels of an answer, with no colour conversion on the way. @param {Blob} blob */
export const readAnswer = async (blob) => readPixels(await createImageBitmap(blob, { colorSpaceConversion: "none" }));

/** Opens the images that are dropped on, pasted into or chosen on the page while `isHere()`. */
export function receiveImages(input, isHere, open) {
  const accept = (files) => files[0] && isHere() && open(files[0], files[0].name || "image.png");
  input.addEventListener("change", () => {
    accept(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", (event) => accept(event.clipboardData.files));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    accept(event.dataTransfer.files);
  });
}
