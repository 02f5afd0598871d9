/** Two workers that filter images, each a band. */

import { hasTransparency } from "../shared/png.js";
import { cutOut, planCutouts, putBack } from "./cutouts.js";
import { canDivide, hasHalvedStrips, layOutChain, placeResult } from "./layout.js";
import { NotComputable, checkOperations, planOperations } from "./operations.js";
import { hasOwnBrightness } from "./planes.js";

/**
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("../filters/area/area.js").Area} Area
 * @typedef {{imageData: ImageData, clippedPercent: number, milliseconds: number,
 *   placement: import("../filters/plan.js").Placement}} Preview `milliseconds` of the slowest worker; `placement` of the
 *   result on the image
 */

const MAX_WORKERS = 2;

/** Why this browser cannot compute anything; found when the first worker starts. */
let obstacle = "";

/**
 * Whether the browser computes what the service computes.
 * @param {Operation[]} operations @param {{linear?: boolean, area?: {mask?: unknown}|null}} [options] of the request
 * @returns {true|string} or why not
 */
export function canPreview(operations, { linear = false, area = null } = {}) {
  if (typeof WebAssembly !== "object" || typeof Worker !== "function") return "This browser has no WebAssembly.";
  if (obstacle) return obstacle;
  if (linear) return "linear=true is left to the service: its powers are rounded differently.";
  if (area?.mask) return "The mix by a mask is left to the service.";
  return checkOperations(operations);
}

/** One render runs at a time. Of those that are requested meanwhile, only the newest runs. Call `close` at the end. */
export function createPreview() {
  const workers = Array.from({ length: Math.min(MAX_WORKERS, Math.max(1, navigator.hardwareConcurrency ?? 1)) }, startWorker);
  /** @type {Promise<unknown>|null} */
  let running = null;
  /** @type {{start: () => void, cancel: () => void}|null} */
  let waiting = null;

  const run = (image, operations, area) => {
    const result = area?.regions.length ? renderRegions(workers, image, operations, area) : renderBands(workers, image, operations);
    running = result.catch(() => {}).then(() => {
      running = null;
      const next = waiting;
      waiting = null;
      next?.start();
    });
    return result;
  };

  return {
    /**
     * @param {ImageData} image @param {Operation[]} operations for which `canPreview` is true
     * @param {Area|null} [area] the part that is filtered
     * @returns {Promise<Preview|null>} null if a later call overtook this one; throws Problem if the service rejects a
     *   kernel or a region is outside, RangeError if a kernel does not fit or values overflow, NotComputable for some large
     *   kernels
     */
    render(image, operations, area = null) {
      if (!running) return run(image, operations, area);
      waiting?.cancel();
      planOperations(operations).catch(() => {}); // asks for the kernel meanwhile; `run` throws the error
      return new Promise((resolve) => {
        waiting = { start: () => resolve(run(image, operations, area)), cancel: () => resolve(null) };
      });
    },

    /** Ends the workers. Renders that wait resolve to null. */
    close() {
      waiting?.cancel();
      waiting = null;
      for (const worker of workers) worker.close();
    },
  };
}

/** Pixels outside of the regions stay as they are. @param {Area} area @returns {Promise<Preview>} */
async function renderRegions(workers, image, operations, area) {
  const plans = await planOperations(operations);
  const layout = layOutChain(plans, image.width, image.height);
  const transparent = hasTransparency(image);
  const imageData = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
  let [clipped, pixels, milliseconds] = [0, 0, 0];
  for (const cutout of planCutouts(area, plans, layout)) {
    const part = await renderBands(workers, cutOut(image, cutout.source), operations, transparent);
    putBack(imageData, part.imageData, cutout);
    const count = cutout.source.width * cutout.source.height;
    clipped += part.clippedPercent * count;
    pixels += count;
    milliseconds += part.milliseconds;
  }
  return { imageData, clippedPercent: clipped / pixels, placement: placeResult(layout), milliseconds };
}

/** @param {boolean} [transparent] whether the image that `image` is a part of has transparency @returns {Promise<Preview>} */
async function renderBands(workers, image, operations, transparent = hasTransparency(image)) {
  const plans = await planOperations(operations);
  const layout = layOutChain(plans, image.width, image.height);
  if (hasHalvedStrips(plans, transparent)) {
    throw new NotComputable("The service computes kernels of 16 rows or more, that are not a column times a row, in parts of an image.");
  }
  if (plans.some(({ channels }, index) => hasOwnBrightness(layout[index].columns.input, channels))) {
    throw new NotComputable("The service computes the brightness of images that are one pixel wide.");
  }
  const parts = canDivide(plans, transparent) ? workers.length : 1;
  const message = { image: { width: image.width, height: image.height, data: image.data }, transparent, plans, parts };
  const replies = await Promise.all(workers.slice(0, parts).map((worker, part) => worker.compute({ ...message, part })));
  const [{ band: { width, height } }] = replies;
  const result = new ImageData(width, height);
  for (const { band } of replies) result.data.set(band.pixels, 4 * band.first * width);
  const count = (name) => replies.reduce((sum, { band }) => sum + band[name], 0);
  return {
    imageData: result,
    clippedPercent: count("values") ? (100 * count("clipped")) / count("values") : 0,
    placement: placeResult(layout),
    milliseconds: Math.max(...replies.map(({ milliseconds }) => milliseconds)),
  };
}

/** A worker as a function that returns a promise. */
function startWorker() {
  const worker = new Worker(new URL("./band-worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, {resolve: (reply: any) => void, reject: (error: Error) => void}>} */
  const pending = new Map();
  let number = 0;
  const settle = (id, finish) => {
    const request = pending.get(id);
    pending.delete(id);
    if (request) finish(request);
  };
  const giveUp = (reason) => {
    obstacle = reason;
    for (const id of [...pending.keys()]) settle(id, ({ reject }) => reject(new NotComputable(reason)));
  };
  worker.onmessage = ({ data }) => {
    if (data.obstacle) return giveUp(data.obstacle);
    settle(data.number, ({ resolve, reject }) => (data.message ? reject(new RangeError(data.message)) : resolve(data)));
  };
  worker.onerror = () => giveUp("This browser cannot run the filters.");
  return {
    compute: (message) => new Promise((resolve, reject) => {
      pending.set(++number, { resolve, reject });
      worker.postMessage({ ...message, number });
    }),
    close() {
      worker.terminate();
      for (const id of [...pending.keys()]) settle(id, ({ reject }) => reject(new Error("The preview was closed.")));
    },
  };
}
