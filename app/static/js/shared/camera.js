import { make } from "./dom.js";

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

const REFUSALS = {
  NotAllowedError: "Camera access is blocked. Allow it in the browser's settings.",
  NotReadableError: "The camera is in use by another program. Close that program and try again.",
};

/** @param {MediaTrackConstraints} video @returns {Promise<MediaStream>} throws Error with a sentence for the user */
export async function requestCamera(video) {
  if (!hasCamera()) throw new Error("Browsers allow the camera only over HTTPS and on localhost. Open this page with an https:// address.");
  try {
    return await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    throw new Error(REFUSALS[error.name] ?? "No camera found.");
  }
}

/**
 * Opens a dialog with the camera's preview.
 * @returns {Promise<Blob|null>} the photo as PNG, or null if the dialog was cancelled; throws if there is no camera
 */
export async function takePhoto() {
  const stream = await requestCamera({ facingMode: "environment", width: { ideal: 1920 } });
  const video = make("video", { autoplay: true, muted: true, playsinline: true, "aria-label": "Camera preview" });
  video.srcObject = stream;
  const dialog = make("dialog", { class: "camera", "aria-label": "Camera" }, video,
    make("div", { class: "row" },
      make("button", { type: "button", class: "primary", onclick: () => dialog.close("take") }, "Take photo"),
      make("button", { type: "button", onclick: () => dialog.close("") }, "Cancel")));
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const photo = dialog.returnValue === "take" && video.videoWidth ? await capturePhoto(video) : null;
  for (const track of stream.getTracks()) track.stop();
  dialog.remove();
  return photo;
}

function capturePhoto(video) {
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
