/** Compares the browser's pixels with those of the service. */

import { describeArea } from "../filters/area/area.js";
import { request } from "../shared/api.js";
import { parseNpy } from "../shared/npy.js";
import { encodePng, hasTransparency } from "../shared/png.js";
import { createPreview } from "./renderer.js";

/**
 * @typedef {import("../filters/area/area.js").Area} Area
 * @typedef {{different: number, total: number,
 *   first: {x: number, y: number, channel: string, ours: number, theirs: number}|null}} Comparison `different` and `total`
 *   count pixels; `first` is the first difference
 */

const CHANNELS = ["red", "green", "blue", "alpha"];

/**
 * Filters an image here and in the service.
 * @param {ImageData} image @param {import("./operations.js").Operation[]} operations @param {Area|null} [area]
 * @returns {Promise<Comparison>}
 */
export async function compareWithService(image, operations, area = null) {
  const preview = createPreview();
  try {
    const [own, theirs] = await Promise.all([preview.render(image, operations, area), requestResult(image, operations, area)]);
    return comparePixels(own.imageData, theirs);
  } finally {
    preview.close();
  }
}

/** The pixels of `POST /filter`, as numbers: a canvas changes the colours of transparent pixels. @param {ImageData} image */
async function requestResult(image, operations, area) {
  const file = await encodePng(image, hasTransparency(image));
  const form = { file: /** @type {[Blob, string]} */ ([file, "frame.png"]), operations: JSON.stringify(operations) };
  const reply = await request("/filter", { form, query: { format: "npy", ...describeArea(area) }, accept: "application/octet-stream, */*" });
  const { width, height, channels, values } = parseNpy(await reply.arrayBuffer());
  const result = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [at, from] = [4 * pixel, channels * pixel];
    for (let colour = 0; colour < 3; colour++) result.data[at + colour] = values[from + (channels < 3 ? 0 : colour)];
    result.data[at + 3] = channels % 2 ? 255 : values[from + channels - 1];
  }
  return result;
}

/** @param {ImageData} own @param {ImageData} theirs @returns {Comparison} images of different sizes differ in all pixels */
export function comparePixels(own, theirs) {
  const total = own.width * own.height;
  if (own.width !== theirs.width || own.height !== theirs.height) return { different: total, total, first: null };
  /** @type {Comparison} */
  const comparison = { different: 0, total, first: null };
  for (let pixel = 0; pixel < total; pixel++) {
    const at = 4 * pixel;
    const channel = [0, 1, 2, 3].find((index) => own.data[at + index] !== theirs.data[at + index]);
    if (channel === undefined) continue;
    comparison.different++;
    comparison.first ??= {
      x: pixel % own.width, y: Math.floor(pixel / own.width), channel: CHANNELS[channel],
      ours: own.data[at + channel], theirs: theirs.data[at + channel],
    };
  }
  return comparison;
}

const formatCount = (count) => count.toLocaleString("en");

/** A comparison as a sentence. @param {Comparison} comparison */
export function describeComparison({ different, total, first }) {
  const count = `${formatCount(different)} of ${formatCount(total)} pixels differ`;
  if (!different) return `✓ Browser and service agree: ${count}.`;
  if (!first) return `Browser and service disagree about the size: ${count}.`;
  const { x, y, channel, ours, theirs } = first;
  const why = Math.abs(ours - theirs) === 1
    ? " Processors round sums of float32 numbers in different order: a value next to a half is rounded up here and down there." : "";
  return `Browser and service differ: ${count}, the first at ${x}, ${y} (${channel}: ${ours} here, ${theirs} from the service).${why}`;
}
