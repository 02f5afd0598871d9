import { requestBlob } from "../shared/api.js";
import { hasCamera, takePhoto } from "../shared/camera.js";
import { find, make, setText } from "../shared/dom.js";
import { receiveImages } from "../shared/image-input.js";
import { openImage } from "../shared/image.js";
import { DIGIT_PAD } from "./digit-layout.js";
import { EXAMPLE_DRAWINGS } from "./example-drawings.js";

const MAX_IMAGE_SIDE = 1600;

/** @param {Blob} file @param {string} name */
export const openPadImage = (file, name) => openImage(file, name, MAX_IMAGE_SIDE);

/** Puts files, the clipboard, photos, examples and the sample page on the pad. @param {HTMLElement} root @param {import("./draw-pad.js").DrawPad} pad */
export function connectDrawingSources(root, pad) {
  const showError = (message) => setText(find("#pad-error", root), message);
  const openFile = async (file, name) => {
    showError("");
    try {
      await pad.setImage(await openPadImage(file, name));
    } catch (problem) {
      showError(`${name}: ${problem.message}`);
    }
  };
  /** @param {() => Promise<Blob|null>} request @param {string} name */
  const openReply = (request, name) => async () => {
    showError("");
    try {
      const file = await request();
      if (file) await openFile(file, name);
    } catch (error) {
      showError(error.message);
    }
  };
  receiveImages(find("#digit-file", root), () => !root.hidden, openFile);
  find("#digit-camera", root).hidden = !hasCamera();
  find("#digit-camera", root).addEventListener("click", openReply(takePhoto, "photo.png"));
  find("#page-sample", root).addEventListener("click",
    openReply(() => requestBlob("/samples/digits.png", { accept: "image/png" }), "digits.png"));
  find("#examples", root).append(...Object.entries(EXAMPLE_DRAWINGS).map(([name, strokes]) =>
    make("button", { type: "button", class: "small", onclick: () => pad.setStrokes(scaleStrokes(strokes, pad)) }, name)));
}

/** @param {[number, number][][]} strokes in percent of the pad @returns {import("./draw-pad.js").Stroke[]} */
function scaleStrokes(strokes, { canvas: { width }, thickness }) {
  return strokes.map((points) => ({
    width: thickness * (width / DIGIT_PAD.width),
    points: points.map(([x, y]) => /** @type {[number, number]} */ ([(x * width) / 100, (y * width) / 100])),
  }));
}
