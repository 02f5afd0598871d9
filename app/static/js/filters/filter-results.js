/** Results of filtering, and the values between two steps. */

import { readReplyPixels } from "../shared/image.js";
import { parseNpy } from "../shared/npy.js";
import { requestFilter } from "./filter-request.js";
import { findRange } from "./maps.js";
import { applyResponse } from "./pixel.js";

/**
 * @typedef {import("../shared/image.js").Image} Image
 * @typedef {import("./filter-request.js").Filtering} Filtering
 * @typedef {{pixels: ImageData, clippedPercent: number, milliseconds: string}} FilterResult `milliseconds` of server time
 */

/**
 * @param {Image} image @param {Filtering} filtering @param {AbortSignal} signal @param {boolean} [asSheet] all maps side by side
 * @returns {Promise<FilterResult>}
 */
export async function requestResult(image, filtering, signal, asSheet = false) {
  const query = { format: "png", ...(asSheet && { maps: "sheet" }) };
  const reply = await requestFilter(filtering, [image.preview, image.name], { query, accept: "image/png", signal });
  const durations = (reply.headers.get("Server-Timing") ?? "").matchAll(/dur=([\d.]+)/g);
  return {
    pixels: await readReplyPixels(reply),
    clippedPercent: Number(reply.headers.get("X-Clipped-Percent")),
    milliseconds: [...durations].reduce((sum, [, duration]) => sum + Number(duration), 0).toFixed(0),
  };
}

/** A result as numbers. @returns {Promise<import("./maps.js").Maps>} */
export async function requestMaps(image, filtering, signal) {
  const accept = "application/octet-stream, */*";
  return parseNpy(await (await requestFilter(filtering, [image.preview, image.name], { query: { format: "npy" }, accept, signal })).arrayBuffer());
}

/** The values after the last step before its response: float32, neither rounded nor clipped. */
const requestRawValues = (image, { steps, linear }, signal) =>
  requestMaps(image, { steps: [...steps.slice(0, -1), { ...steps.at(-1), response: "raw" }], linear }, signal);

/** The smallest and largest value before the response, which `rescale` maps to black and white. @returns {Promise<[number, number]>} */
export const requestRange = async (image, filtering, signal) => findRange(await requestRawValues(image, filtering, signal));

/**
 * The input of the last step.
 * @param {Image} image @param {Filtering} filtering @param {import("./plan.js").Plan[]} plans one for each step
 * @returns {Promise<import("./pixel.js").Source>}
 */
export async function requestSource(image, { steps, linear }, plans, signal) {
  if (steps.length === 1) {
    const { width, height, data } = image.pixels;
    return { width, height, get: (x, y, channel) => data[4 * (y * width + x) + channel] };
  }
  const maps = await requestRawValues(image, { steps: steps.slice(0, -1), linear }, signal);
  const { width, height, channels, values } = maps;
  const { passed } = plans.at(-2);
  const range = passed === "rescale" ? findRange(maps) : undefined;
  return {
    width, height, maps: channels, values: passed === "raw" ? maps : undefined,
    get: (x, y, channel) => applyResponse(values[channels * (y * width + x) + Math.min(channel, channels - 1)], passed, range),
  };
}
