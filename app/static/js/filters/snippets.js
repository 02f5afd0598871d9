/** A setting as code: as a request in three languages, and as the same operation in four other tools. */

import { writeOpenCv, writeSciPy } from "./array-snippets.js";
import { writeImageMagick, writeSvg } from "./convolution-snippets.js";
import { isComputable } from "./kernel-description.js";
import { isLayer } from "./layer-plan.js";
import { planStep } from "./plan.js";
import { writeCurl, writeFetch, writeHttpx } from "./request-snippets.js";

/**
 * @typedef {{setting: Omit<import("./setting.js").Setting, "area"> & {area: import("./area/area.js").Area|null}, kernels: any[], image: import("../shared/image.js").Image}} SnippetInput
 *   `kernels` has one for each step, null for an unknown one
 * @typedef {{code?: string, note?: string}} Snippet without code, `note` says why the tool cannot do the same
 */

/** @type {Record<string, (input: SnippetInput) => Snippet>} */
export const TOOLS = {
  curl: writeCurl,
  "Python (httpx)": writeHttpx,
  "JavaScript (fetch)": writeFetch,
  OpenCV: (input) => writeForKernels(writeOpenCv, input),
  SciPy: (input) => writeForKernels(writeSciPy, input),
  ImageMagick: (input) => writeForKernels(writeImageMagick, input),
  "SVG feConvolveMatrix": (input) => writeForKernels(writeSvg, input),
};

/** @param {(input: SnippetInput, plans: import("./plan.js").Plan[]) => Snippet} write @param {SnippetInput} input */
function writeForKernels(write, input) {
  const { setting, kernels } = input;
  if (kernels.some((kernel) => kernel === null || isLayer(kernel))) return { note: "Not available: a step of this chain is no kernel." };
  if (!kernels.every(isComputable)) return { note: "Not available: a kernel has a side above 63, too many weights to list." };
  return write(input, setting.steps.map((step, index) => planStep(step, kernels[index])));
}
