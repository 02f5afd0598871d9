/**
 * Filters images in the browser by the rules of the service, pixel for pixel.
 *
 *   if (canPreview(operations) === true) {
 *     const preview = createPreview();
 *     const result = await preview.render(imageData, operations);  // null if a later call overtook this one
 *     const { different, total, first } = await compareWithService(imageData, operations);
 *   }
 *
 * `operations` is the list that `POST /filter` takes. A third argument `{ regions: ["10,20,30,40"], reads: "image" }` of
 * `render` and `compareWithService` is the part that is filtered; other pixels stay as they are. Alpha counts only if a pixel
 * of the image is transparent: an opaque image is sent to the service as RGB, too (../shared/png.js).
 */

export { comparePixels, compareWithService, describeComparison } from "./comparison.js";
export { NotComputable } from "./operations.js";
export { canPreview, createPreview } from "./renderer.js";
