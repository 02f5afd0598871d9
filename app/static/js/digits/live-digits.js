/** Digits before a camera, read about twice a second. */

import { setText } from "../shared/dom.js";
import { openCamera } from "../sources/live-source.js";

const INTERVAL_MS = 500;

/**
 * Makes a button start and stop the camera.
 * @param {HTMLElement} button @param {HTMLElement} error gets the sentence if there is no camera
 * @param {{isVisible: () => boolean, read: (frame: ImageData) => Promise<void>}} view `read` ends when the result is shown
 */
export function attachLiveCamera(button, error, { isVisible, read }) {
  /** @type {import("../sources/live-source.js").LiveSource|null} */
  let source = null;
  const stop = () => {
    source?.stop();
    source = null;
    setText(button, "Live camera");
    button.setAttribute("aria-pressed", "false");
  };
  stop();
  button.addEventListener("click", async () => {
    if (source) return stop();
    setText(error, "");
    try {
      const opened = await openCamera();
      source = opened;
      setText(button, "Stop the camera");
      button.setAttribute("aria-pressed", "true");
      for await (const frame of opened.frames()) {
        if (!isVisible()) break;
        const pause = new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
        await Promise.all([read(frame), pause]);
      }
      if (source === opened) stop();
    } catch (problem) {
      stop();
      setText(error, problem.message);
    }
  });
}
