import { NotComputable, canPreview, createPreview } from "../preview/preview.js";
import { measureMeanSquaredError } from "./mean-squared-error.js";

/**
 * Applies kernels as the hidden kernel of a puzzle was applied, and measures their loss: the mean squared difference
 * between the picture and the target. The browser computes it, with the pixels of the service. Call `close` at the end.
 */
export class KernelTrial {
  /** @param {import("./learn-request.js").Pair} pair @param {number} bias that the puzzle adds to every value, in grey levels */
  constructor({ before, after }, bias) {
    Object.assign(this, { before: before.pixels, target: after.pixels, bias });
    this.preview = createPreview();
  }

  /**
   * @param {number[][]} weights
   * @returns {Promise<{pixels: ImageData, loss: number}|null>} null if a later call overtook this one; throws
   *   NotComputable if this browser cannot compute it, RangeError if values overflow
   */
  async measure(weights) {
    const pixels = weights.flat().some(Boolean) ? await this.filter(weights) : drawLevel(this.before, this.bias);
    return pixels && { pixels, loss: measureMeanSquaredError(pixels, this.target) };
  }

  async filter(weights) {
    const operations = [{ kernel: "custom", weights, bias: this.bias, response: "clip" }];
    const answer = canPreview(operations);
    if (answer !== true) throw new NotComputable(answer);
    return (await this.preview.render(this.before, operations))?.imageData ?? null;
  }

  close() {
    this.preview.close();
  }
}

/** The result of a kernel without weights, which the service rejects. @param {ImageData} size */
function drawLevel({ width, height }, level) {
  const pixels = new ImageData(width, height);
  for (let at = 0; at < pixels.data.length; at++) pixels.data[at] = at % 4 === 3 ? 255 : level;
  return pixels;
}
