/** Layers with every default resolved, as kernels/apply/layers.py applies them. */

/**
 * @typedef {{filters: import("./layer-description.js").Filters|null, biases: number[], isRectified: boolean}} LayerParts
 *   `filters` is null for a layer that treats each map on its own
 */

/** How a layer makes one number of the values under its window. */
const COMBINATIONS = { conv: "total", relu: "rectified", "max-pool": "largest", "min-pool": "smallest", "average-pool": "average" };

/** Whether a description of `GET /kernels` is that of a layer, not of a kernel. */
export const isLayer = (description) => Boolean(description && "kind" in description);

/**
 * @param {any} layer as `GET /kernels/{name}` describes it @param {boolean} linear whether linear light is filtered
 * @returns {import("./plan.js").Plan} with the response of a last step
 */
export function planLayer({ kind, step }, linear) {
  const { size: [height, width], stride, dilation, border, channels, response } = step;
  const filters = ((linear && step.linear_weights) || step.weights)?.map((inputs) => inputs.map((rows) => rows.map((row) => row.map(Math.fround))));
  return {
    parts: filters ? filters[0] : [Array.from({ length: height }, () => Array(width).fill(1))],
    combine: COMBINATIONS[kind],
    layer: { filters, biases: step.bias, isRectified: step.rectified },
    // The padding of pooling is never the largest value, and is not counted in an average.
    border: kind.endsWith("-pool") && border !== "valid" ? "none" : border,
    divisor: 1, bias: 0, amount: 1, response, channels, stride, dilation, anchor: null,
  };
}
