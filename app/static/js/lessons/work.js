/** What the learner has made with the tools of the page. */

import { describePreviewArea } from "../filters/area/area.js";

/**
 * @typedef {import("../filters/filter-request.js").Filtering & {image: {pixels: ImageData, width: number, height: number}}} FilterWork
 *   the image and the setting of the filter view; `width` and `height` are those of the file, which regions refer to
 * @typedef {{file: Blob, name: string, isEmpty: boolean, field: ImageData|null}} Drawing `field` is the image on the pad, if
 *   nothing is drawn over it
 * @typedef {{view: string, filter?: FilterWork|null, drawing?: Drawing, choice?: number|null}} Work `view` is the open view;
 *   `choice` the index of the chosen answer
 */

/**
 * @param {string} view @param {any} opened what the view's module returned; null while it loads
 * @returns {Promise<Work>} throws Problem for a region outside of the image
 */
export async function readWork(view, opened) {
  if (view === "filter" && opened?.image) {
    const { image, setting, area: panel } = opened;
    const { steps, linear, area } = structuredClone(setting);
    return { view, filter: { image, steps, linear, area: describePreviewArea(area, image, panel.mask) } };
  }
  if (view === "digits" && opened?.pad) {
    const { pad } = opened;
    const { blob, name } = await pad.export();
    return { view, drawing: { file: blob, name, isEmpty: pad.isEmpty, field: pad.strokes.length ? null : pad.image?.pixels ?? null } };
  }
  return { view };
}
