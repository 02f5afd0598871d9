/** The setting in OpenCV and SciPy. The programs differ only in reading, writing, borders and the call that correlates. */

import { placeRegion } from "./area/area.js";
import { layOut } from "./geometry.js";

/**
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./snippets.js").SnippetInput} SnippetInput
 * @typedef {import("./snippets.js").Snippet} Snippet
 */

const OPENCV_BORDERS = { edge: "REPLICATE", zero: "CONSTANT", reflect: "REFLECT_101", symmetric: "REFLECT", valid: "REPLICATE" };
const SCIPY_MODES = { edge: "nearest", zero: "constant", reflect: "mirror", symmetric: "reflect", wrap: "grid-wrap", valid: "nearest" };
const NO_READS = "Not available with reads=region: each region would be an image of its own. Let the kernels read all pixels.";
const NO_MEDIAN = "This tool's median does not have this border, size, dilation, anchor or choice of channels. Use SciPy, without dilation and anchor.";
const LUMA = "[0.299, 0.587, 0.114]";

/** The tools' own calls for kernels that they know by name, in place of a table of weights. */
const OPENCV_CALLS = {
  gaussian: ({ sigma, size, border }) => `cv2.GaussianBlur(source, (${size}, ${size}), ${sigma}, borderType=cv2.BORDER_${OPENCV_BORDERS[border]})`,
  box: ({ size, border }) => `cv2.blur(source, (${size}, ${size}), borderType=cv2.BORDER_${OPENCV_BORDERS[border]})`,
  // cv2.medianBlur knows one border, one, three or four channels, and larger sides for 8 bits only.
  median: ({ size, border, channels }) => (["edge", "valid"].includes(border) && size <= 5 && channels.length !== 2 ? `cv2.medianBlur(source, ${size})` : null),
};
const SCIPY_CALLS = {
  gaussian: ({ sigma, size, border }) => `scipy.ndimage.gaussian_filter(source, (${sigma}, ${sigma}, 0), mode="${SCIPY_MODES[border]}", radius=(${size >> 1}, ${size >> 1}, 0))`,
  box: ({ size, border }) => `scipy.ndimage.uniform_filter(source, (${size}, ${size}, 1), mode="${SCIPY_MODES[border]}")`,
  median: ({ size, border }) => `scipy.ndimage.median_filter(source, (${size}, ${size}, 1), mode="${SCIPY_MODES[border]}")`,
};

/** @param {SnippetInput} input @param {Plan[]} plans @returns {Snippet} */
export function writeOpenCv({ setting, kernels, image }, plans) {
  const head = `import cv2
import numpy as np

image = cv2.imread(${JSON.stringify(image.name)})[:, :, ::-1]  # red, green, blue
`;
  const tail = `cv2.imwrite("result.png", result[:, :, ::-1])\n`;
  const readGrey = (name) => `cv2.imread(${JSON.stringify(name)}, cv2.IMREAD_GRAYSCALE)`;
  if (plans.some(({ border }) => border === "wrap")) return { note: "cv2.filter2D does not support BORDER_WRAP. Use SciPy." };
  const correlate = (plan, kernel, anchor) =>
    `cv2.filter2D(source, cv2.CV_32F, ${kernel}, anchor=(${anchor.x}, ${anchor.y}), borderType=cv2.BORDER_${OPENCV_BORDERS[plan.border]})`;
  return writeProgram({ setting, kernels, image }, plans, { head, tail, readGrey, correlate, ownCalls: OPENCV_CALLS });
}

/** @param {SnippetInput} input @param {Plan[]} plans @returns {Snippet} */
export function writeSciPy({ setting, kernels, image }, plans) {
  const head = `import numpy as np
import scipy.ndimage
from PIL import Image

image = np.asarray(Image.open(${JSON.stringify(image.name)}).convert("RGB"))
`;
  const tail = `Image.fromarray(result).save("result.png")\n`;
  const readGrey = (name) => `np.asarray(Image.open(${JSON.stringify(name)}).convert("L"))`;
  const correlate = (plan, kernel, anchor, footprint) => {
    const origin = [anchor.y - (footprint.rows >> 1), anchor.x - (footprint.columns >> 1)];
    return `scipy.ndimage.correlate(source, ${kernel}[:, :, None], mode="${SCIPY_MODES[plan.border]}"${origin.some(Boolean) ? `, origin=(${origin.join(", ")}, 0)` : ""})`;
  };
  return writeProgram({ setting, kernels, image }, plans, { head, tail, readGrey, correlate, ownCalls: SCIPY_CALLS });
}

function writeProgram({ setting, kernels, image }, plans, { head, tail, readGrey, correlate, ownCalls }) {
  if (setting.linear) return { note: "Not available with linear=true: the code would also have to convert from and to sRGB." };
  if (setting.area?.reads === "region") return { note: NO_READS };
  let [width, height] = [image.width, image.height];
  const ownCallsOfSteps = plans.map((plan, index) => writeOwnCall(ownCalls, setting.steps[index], kernels[index], plan));
  if (plans.some(({ combine }, index) => combine === "median" && !ownCallsOfSteps[index])) return { note: NO_MEDIAN };
  const body = plans.map((plan, index) => {
    const axes = layOut(plan, width, height);
    const input = { width, height };
    [width, height] = [axes.columns.output, axes.rows.output];
    const title = plans.length > 1 ? `\n# ${index + 1}: ${setting.steps[index].kernel}\n` : "\n";
    return title + writeStep(plan, axes, input, correlate, ownCallsOfSteps[index]);
  });
  const end = `
result = np.clip(np.rint(values), 0, 255).astype(np.uint8)
${setting.area ? writeArea(setting.area, image, readGrey) : ""}${tail}`;
  const { mask } = setting.area ?? {};
  const strided = plans.some(({ stride }) => stride.some((n) => n > 1));
  const notes = [
    ...(image.transparent ? ["For images without transparency: the service weights colours by alpha."] : []),
    ...(mask ? ["For masks without transparency."] : []),
    ...(strided ? [`With a stride, the first pixel depends on the image's size. This code is for ${image.width} × ${image.height}.`] : []),
  ];
  return { code: `${head}values = image.astype(np.float32)\n${body.join("")}${end}`, note: notes.join(" ") };
}

/** The original outside of the area. @param {import("./area/area.js").Area} area @param {import("../shared/image.js").Image} image @param {(name: string) => string} readGrey */
function writeArea({ regions, mask }, { width: columns, height: rows }, readGrey) {
  const slices = regions.map((region) => placeRegion(region, columns, rows)).map(({ x, y, width, height }) => `${y}:${y + height}, ${x}:${x + width}`);
  const inside = regions.length ? ["inside = np.zeros(image.shape[:2], bool)", ...slices.map((slice) => `inside[${slice}] = True`)] : [];
  const lines = !mask ? ["result[~inside] = image[~inside]"] : [
    `share = ${readGrey(mask[1])} / 255`,
    ...(regions.length ? ["share[~inside] = 0"] : []),
    "result = np.rint(image + share[:, :, None] * (result.astype(np.float64) - image)).astype(np.uint8)",
  ];
  return [...inside, ...lines].map((line) => `${line}\n`).join("");
}

/** The call for a kernel with the weights that the tool gives it; null if the step changes them. @param {Plan} plan */
function writeOwnCall(ownCalls, step, kernel, plan) {
  const [weights] = plan.parts;
  const asNamed = plan.divisor === kernel.divisor && plan.dilation.every((n) => n === 1) && !plan.anchor;
  if (!(step.kernel in ownCalls) || !asNamed || weights.length % 2 === 0) return null;
  const sigma = step.sigma ?? kernel.parameters.properties.sigma?.default;
  return ownCalls[step.kernel]({ sigma, size: weights.length, border: plan.border, channels: plan.channels });
}

/** @param {Plan} plan @param {string|null} ownCall */
function writeStep(plan, { rows, columns }, input, correlate, ownCall) {
  const lines = [`source = ${selectSource(plan.channels)}`];
  const kernels = ownCall ? [] : plan.parts.map((part, index) => {
    const name = plan.parts.length > 1 ? `kernel${index + 1}` : "kernel";
    const divisor = plan.divisor === 1 ? "" : ` / ${plan.divisor}`;
    lines.push(`${name} = ${writeWeights(part)}${divisor}`);
    if (plan.dilation.some((n) => n > 1)) {
      lines.push(`dilated = np.zeros((${rows.footprint}, ${columns.footprint}))`, `dilated[::${plan.dilation[0]}, ::${plan.dilation[1]}] = ${name}`, `${name} = dilated`);
    }
    return name;
  });
  const anchor = { x: columns.anchor, y: rows.anchor };
  const calls = kernels.map((kernel) => correlate(plan, kernel, anchor, { rows: rows.footprint, columns: columns.footprint }));
  if (ownCall) lines.push(`filtered = ${ownCall}`);
  else if (calls.length === 1) lines.push(`filtered = ${calls[0]}`);
  else lines.push(`parts = [\n${calls.map((call) => `    ${call},\n`).join("")}]`,
    plan.combine === "maximum" ? "filtered = np.max(parts, axis=0)" : "filtered = np.sqrt(np.sum(np.square(parts), axis=0))");
  const slice = sliceResults(rows, input.height, columns, input.width);
  if (["gray", "luma", "r", "g", "b"].includes(plan.channels)) lines.push("filtered = filtered.reshape(source.shape)");
  if (slice) lines.push(`filtered, source, values = filtered${slice}, source${slice}, values${slice}`);
  if (plan.amount !== 1) lines.push(`filtered = ${plan.amount} * filtered + ${Number((1 - plan.amount).toFixed(10))} * source`);
  if (plan.bias) lines.push(`filtered = filtered + ${plan.bias}`);
  lines.push(...writeResponse(plan.response), ...writeChannels(plan.channels));
  return `${lines.join("\n")}\n`;
}

/** float32 has seven to nine significant digits. */
const WEIGHT_DIGITS = 10;
const writeWeights = (part) =>
  `np.array([\n${part.map((row) => `    [${row.map((weight) => String(Number(weight.toPrecision(WEIGHT_DIGITS)))).join(", ")}],\n`).join("")}], np.float64)`;

function selectSource(channels) {
  if (channels === "rgb") return "values";
  if (channels === "gray" || channels === "luma") return `(values @ np.array(${LUMA}, np.float32))[:, :, None]`;
  return `values[:, :, ${listChannels(channels)}]`;
}

const listChannels = (channels) => `[${[...channels].map((letter) => "rgb".indexOf(letter)).join(", ")}]`;

/** The slice of the input pixels that have a result; empty if all have one. */
function sliceResults(rows, height, columns, width) {
  const sliceAxis = ({ first, stride, output }, length) =>
    first === 0 && stride === 1 && output === length ? ":" : `${first}:${first + (output - 1) * stride + 1}${stride > 1 ? `:${stride}` : ""}`;
  const [y, x] = [sliceAxis(rows, height), sliceAxis(columns, width)];
  return y === ":" && x === ":" ? "" : `[${y}, ${x}]`;
}

function writeResponse(response) {
  if (response === "abs") return ["filtered = np.clip(np.abs(filtered), 0, 255)"];
  if (response === "offset") return ["filtered = np.clip(filtered / 2 + 128, 0, 255)"];
  if (response === "rescale") return ["low, high = filtered.min(), filtered.max()", "filtered = (filtered - low) * (255 / (high - low))"];
  return response === "raw" ? [] : ["filtered = np.clip(filtered, 0, 255)"];
}

/** Writes the filtered channels back into the image. */
function writeChannels(channels) {
  if (channels === "rgb") return ["values = filtered"];
  if (channels === "gray") return ["values = np.repeat(filtered, 3, axis=2)"];
  if (channels === "luma") return ["values = np.clip(values + (filtered - source), 0, 255)"];
  return ["values = values.copy()", `values[:, :, ${listChannels(channels)}] = filtered`];
}
