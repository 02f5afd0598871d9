/** What the learner has made with the tools of the page. */

/**
 * @typedef {{pixels: ImageData, steps: import("../filters/setting.js").Step[], linear: boolean}} FilterWork the image and the
 *   steps of the filter view
 * @typedef {{file: Blob, name: string, isEmpty: boolean, field: ImageData|null}} Drawing `field` is the image on the pad, if
 *   nothing is drawn over it
 * @typedef {{view: string, filter?: FilterWork|null, drawing?: Drawing, choice?: number|null}} Work `view` is the open view;
 *   `choice` the index of the chosen answer
 */

/** @param {string} view @param {any} opened what the view's module returned; null while it loads @returns {Promise<Work>} */
export async function readWork(view, opened) {
  if (view === "filter" && opened?.image) {
    const { image, setting } = opened;
    return { view, filter: { pixels: image.pixels, steps: structuredClone(setting.steps), linear: setting.linear } };
  }
  if (view === "digits" && opened?.pad) {
    const { pad } = opened;
    const { blob, name } = await pad.export();
    return { view, drawing: { file: blob, name, isEmpty: pad.isEmpty, field: pad.strokes.length ? null : pad.image?.pixels ?? null } };
  }
  return { view };
}
