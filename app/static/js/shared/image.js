/** Opens images and reads their pixels. */

import { readBody, requestBlob } from "./api.js";
import { encodePng, hasTransparency } from "./png.js";

const MAX_PREVIEW_SIDE = 1000;

/**
 * An opened image. `preview` is the file that is sent while settings change: the image as PNG, scaled down if it is large.
 * @typedef {{name: string, original: Blob, width: number, height: number, preview: Blob, pixels: ImageData,
 *   reduced: boolean, transparent: boolean}} Image `pixels` are those of `preview`
 */

/**
 * @param {Blob} file @param {string} name
 * @param {number} [maxSide] of the preview, in pixels
 * @returns {Promise<Image>} throws Problem if the file is not an image
 */
export async function openImage(file, name, maxSide = MAX_PREVIEW_SIDE) {
  const bitmap = await decode(file, name);
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const pixels = readPixels(bitmap, width, height);
  const transparent = hasTransparency(pixels);
  const preview = await encodePng(pixels, transparent);
  return { name, original: file, width: bitmap.width, height: bitmap.height, preview, pixels, reduced: scale < 1, transparent };
}

/** The service converts formats that the browser cannot decode, such as TIFF, or explains what is wrong with the file. */
async function decode(file, name) {
  try {
    return await createImageBitmap(file);
  } catch {
    return createImageBitmap(await requestBlob("/filter/identity", {
      form: { file: [file, name] }, query: { format: "png", frames: "first" }, accept: "image/png",
    }));
  }
}

/** @param {ImageBitmap} bitmap @returns {ImageData} */
function readPixels(bitmap, width = bitmap.width, height = bitmap.height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Pixels of an image reply, without colour conversion. @param {Response} reply */
export const readReplyPixels = async (reply) =>
  readPixels(await createImageBitmap(await readBody(() => reply.blob()), { colorSpaceConversion: "none" }));
