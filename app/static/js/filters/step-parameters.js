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
  exact: ["true", "false"],
};

/** Of layers, where they offer less: by kind, or by all. */
export const LAYER_CHOICES = {
  all: { channels: ["rgb", "gray"] },
  ...Object.fromEntries(["max-pool", "min-pool", "average-pool"].map((kind) => [kind, { border: ["zero", "valid"] }])),
};

export const LABELS = {
  kernel: "Kernel", weights: "Weights", border: "Border", response: "Response", channels: "Channels", alpha: "Transparency", behaviour: "Direction",
  stride: "Stride", dilation: "Dilation", divisor: "Divide by", bias: "Add", anchor: "Anchor", amount: "Strength", size: "Size",
  exact: "Accuracy",
};

export const HINTS = {
  border: "Border: what pixels outside the image count as.",
  response: "Response: how values below 0 and above 255 become colours.",
  channels: "Channels: which colours are filtered.",
  alpha: "Transparency: whether it is kept or filtered, too.",
  behaviour: "Direction: correlate uses the kernel as written, convolve turns it by 180°.",
  stride: "Stride: the kernel moves by so many pixels; the result is smaller.",
  dilation: "Dilation: distance between the weights, in pixels.",
  divisor: "Divide by: auto (the sum of the weights), none or a number.",
  bias: "Add: a number, or a percentage such as 50%.",
  anchor: "Anchor: x,y of the weight over the pixel that is computed.",
  size: "Size: the side of the window in pixels, or height,width.",
  weights: "Weights: outputs, inputs, rows, columns; or a row for each output of a colour matrix.",
  amount: "Strength: 1 is the filtered image, 0 the original.",
  exact: "Accuracy: a blur longer than 63 pixels can be computed faster, within half a level before rounding.",
};

/** What the values of a choice mean, where the name does not say it. */
export const MEANINGS = {
  border: { edge: "edge: nearest pixel", zero: "zero: black", reflect: "reflect", symmetric: "symmetric", wrap: "wrap around", valid: "valid: none, smaller" },
  response: { clip: "clip: cut off", abs: "abs: without sign", offset: "offset: 0 is grey", rescale: "rescale: full range" },
  channels: { rgb: "all colours", gray: "grey image", luma: "brightness only", r: "red", g: "green", b: "blue", rg: "red, green", rb: "red, blue", gb: "green, blue" },
  exact: { true: "exact", false: "faster: ± ½ level" },
  behaviour: { correlate: "correlate", convolve: "convolve (180°)" },
};

export const DEFAULTS = { border: "edge", channels: "rgb", alpha: "auto", behaviour: "correlate", stride: "1", dilation: "1", bias: "0", amount: "1", exact: "true" };

const COMMON = [...Object.keys(CHOICES), "divisor", "bias", "anchor"];

/** @param {Record<string, string>} step */
export const pickCommonParameters = (step) => Object.fromEntries(Object.entries(step).filter(([name]) => COMMON.includes(name)));
