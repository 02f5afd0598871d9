/** Images that are chosen, dropped or pasted. */

/** The `accept` of an input of images: those that the browser decodes, and formats that the service converts. */
export const IMAGE_TYPES = "image/*,.tif,.tiff,.heic,.heif";

/**
 * Calls `open` with each image that arrives through `input`, the clipboard or a drop while `isVisible()`.
 * @param {HTMLInputElement} input @param {() => boolean} isVisible @param {(file: File, name: string) => void} open
 */
export function receiveImages(input, isVisible, open) {
  const accept = (files) => files[0] && isVisible() && open(files[0], files[0].name || "image.png");
  input.addEventListener("change", () => {
    accept(input.files);
    input.value = ""; // so that choosing the same file again fires an event
  });
  receiveDroppedAndPasted((files) => accept(files));
}

/** @param {(files: FileList, target: any) => void} accept `target` is the element under the pointer or with focus */
export function receiveDroppedAndPasted(accept) {
  addEventListener("paste", (event) => accept(event.clipboardData.files, event.target));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    accept(event.dataTransfer.files, event.target);
  });
}
