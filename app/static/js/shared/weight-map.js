import { make } from "./dom.js";

/** The weights as a grey image, one pixel per weight: 0 is mid-grey, positive weights are brighter. @param {number[][]} weights */
export function drawWeightMap(weights, attributes) {
  const canvas = make("canvas", { ...attributes, width: weights[0].length, height: weights.length });
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const largest = Math.max(...weights.flat().map(Math.abs), 1e-9);
  weights.flat().forEach((weight, index) => {
    const level = 127.5 + (127.5 * weight) / largest;
    image.data.set([level, level, level, 255], 4 * index);
  });
  context.putImageData(image, 0, 0);
  return canvas;
}
