import { make } from "./dom.js";
import { findLargest, readSignedScale } from "./signed-colour.js";

/** The weights as an image, one pixel per weight, in the colours of signed numbers. @param {number[][]} weights */
export function drawWeightMap(weights, attributes) {
  const canvas = make("canvas", { ...attributes, width: weights[0].length, height: weights.length });
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const [scale, largest] = [readSignedScale(), findLargest(weights.flat())];
  weights.flat().forEach((weight, index) => image.data.set([...scale(weight / largest), 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas;
}
