import { make } from "./dom.js";

export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Opens a window with the camera's view; resolves to a photo, or null where none was taken. Throws where there is no camera. */
export async function takePhoto() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch (error) {
    throw new Error(error.name === "NotAllowedError" ? "The browser was not allowed to use the camera." : "No camera was found.");
  }
  const video = make("video", { autoplay: true, muted: true, playsinline: true, "aria-label": "View of the camera" });
  video.srcObject = stream;
  const dialog = make("dialog", { class: "camera", "aria-label": "Camera" }, video,
    make("div", { class: "row" },
      make("button", { type: "button", class: "primary", onclick: () => dialog.close("take") }, "Take the image"),
      make("button", { type: "button", onclick: () => dialog.close("") }, "Cancel")));
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const photo = dialog.returnValue === "take" && video.videoWidth ? await grab(video) : null;
  for (const track of stream.getTracks()) track.stop();
  dialog.remove();
  return photo;
}

function grab(video) {
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
