/** Filters the frames of a camera or a video, one after the other. */

import { encodePng } from "../shared/png.js";
import { requestResult } from "./filter-results.js";

export { openCamera, openVideo } from "../sources/live-source.js";

/** @typedef {import("./live-preview.js").LivePreview} LivePreview */

const FRAME_NAME = "frame.png";
/** Frames over which the rate is measured. */
const RATE_FRAMES = 15;
/** After a frame that the setting or the service does not allow. */
const RETRY_MS = 500;

/**
 * Shows frames before and after filtering until the source is stopped or the view is hidden.
 * @param {import("../sources/live-source.js").LiveSource} source @param {LivePreview} live
 */
export async function showFrames(source, live) {
  let [started, count] = [performance.now(), 0];
  for await (const frame of source.frames()) {
    if (!live.view.isVisible()) return live.stop();
    const result = await filterFrame(frame, live);
    if (source !== live.source) return;
    if (!result) continue;
    live.frame = frame;
    live.view.showBefore(frame);
    live.view.showAfter(result.pixels, result.placement);
    if (++count < RATE_FRAMES) continue;
    const rate = (1000 * count) / (performance.now() - started);
    [started, count] = [performance.now(), 0];
    live.status.textContent = `Live, ${frame.width} × ${frame.height}: ${rate.toFixed(0)} frames per second, ${result.place}.`;
  }
}

/** The frame on display becomes the image, the service filters it, and both results are compared. @param {LivePreview} live */
export async function freezeFrame(live) {
  const { frame } = live;
  if (!frame) return;
  live.release();
  live.view.openFrame(await encodePng(frame, false), FRAME_NAME);
}

/** A setting that is being typed may be invalid: then the frame is shown as it is. @param {ImageData} frame @param {LivePreview} live */
async function filterFrame(frame, live) {
  try {
    if (live.findObstacle()) return await filterByService(frame, live);
    const result = await live.render(frame);
    return result && { pixels: result.imageData, placement: result.placement, place: "computed in this browser" };
  } catch (error) {
    if (error instanceof live.engine.NotComputable) return filterByService(frame, live); // its errors end the live source
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return { pixels: frame, placement: { x: 0, y: 0, scaleX: 1, scaleY: 1 }, place: `not filtered: ${error.message}` };
  }
}

/** @param {ImageData} frame @param {LivePreview} live */
async function filterByService(frame, live) {
  const file = { preview: await encodePng(frame, false), name: FRAME_NAME };
  const { pixels } = await requestResult(/** @type {any} */ (file), { ...live.view.readSetting(), area: live.view.readArea() }, new AbortController().signal);
  const placement = { x: 0, y: 0, scaleX: frame.width / pixels.width, scaleY: frame.height / pixels.height };
  return { pixels, placement, place: "computed by the service" };
}
