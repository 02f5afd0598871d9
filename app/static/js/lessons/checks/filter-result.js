/** Results of steps: the browser's own, or the service's for what the browser does not compute. */

import { toOperation } from "../../filters/filter-request.js";
import { requestResult } from "../../filters/filter-results.js";
import { NotComputable, canPreview, createPreview } from "../../preview/preview.js";
import { Problem } from "../../shared/api.js";
import { encodePng, hasTransparency } from "../../shared/png.js";

/** @typedef {import("../../filters/filter-request.js").Filtering} Filtering */

/** Images are computed one after the other, so that none overtakes another. */
let queue = Promise.resolve();
/** @type {ReturnType<typeof createPreview>|null} started with the first result */
let preview = null;

/** @param {ImageData} pixels @param {Filtering} filtering @returns {Promise<ImageData>} throws Problem or RangeError for steps or regions that have no result */
export function computeResult(pixels, filtering) {
  const result = queue.then(() => compute(pixels, filtering));
  queue = result.then(() => {}, () => {});
  return result;
}

async function compute(pixels, { steps, linear, area }) {
  const operations = steps.map(toOperation);
  if (canPreview(operations, { linear, area }) === true) {
    try {
      preview ??= createPreview();
      return (await preview.render(pixels, operations, area)).imageData;
    } catch (error) {
      if (!(error instanceof NotComputable)) throw error;
    }
  }
  const image = /** @type {any} */ ({ preview: await encodePng(pixels, hasTransparency(pixels)), name: "image.png" });
  return (await requestResult(image, { steps, linear, area }, new AbortController().signal)).pixels;
}

/** Whether an error says that steps have no result, such as weights that are no numbers. */
export const isFaultOfSteps = (error) => error instanceof RangeError || (error instanceof Problem && error.status === 422);
