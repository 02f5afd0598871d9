import { make } from "./dom.js";

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/**
 * Opens a dialog with the camera's preview.
 * @returns {Promise<Blob|null>} the photo as PNG, or null if the dialog was cancelled; throws if there is no camera
 */
export async function takePhoto() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch (error) {
    throw new Error(error.name === "NotAllowedError" ? "Camera access is blocked. Allow it in the browser's settings." : "No camera found.");
  }
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
