/** The parameters that every kernel takes. */

const SMALL_NUMBERS = ["1", "2", "3", "4", "5", "6", "7", "8"];

export const CHOICES = {
  border: ["edge", "zero", "reflect", "symmetric", "wrap", "valid"],
  response: ["", "clip", "abs", "offset", "rescale"],
  channels: ["rgb", "gray", "luma", "r", "g", "b", "rg", "rb", "gb"],
  alpha: ["auto", "keep", "filter"],
  behaviour: ["correlate", "convolve"],
  stride: SMALL_NUMBERS,
  dilation: SMALL_NUMBERS,
};

export const HINTS = {
  border: "pixel values outside the image",
  response: "how values below 0 and above 255 are converted",
  channels: "colour channels to filter",
  alpha: "how transparency is treated",
  behaviour: "correlate: kernel as written; convolve: kernel rotated by 180°",
  stride: "keep every n-th pixel",
  dilation: "distance between weights, in pixels",
  divisor: "auto, none or a number",
  bias: "a number, or a percentage such as 50%",
  anchor: "x,y of the weight over the pixel that is computed",
  amount: "1: filtered image, 0: original",
};

export const DEFAULTS = { border: "edge", channels: "rgb", alpha: "auto", behaviour: "correlate", stride: "1", dilation: "1", bias: "0", amount: "1" };

const COMMON = [...Object.keys(CHOICES), "divisor", "bias", "anchor"];

/** @param {Record<string, string>} step */
export const pickCommonParameters = (step) => Object.fromEntries(Object.entries(step).filter(([name]) => COMMON.includes(name)));
