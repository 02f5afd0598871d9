/** A setting as code: as a request in three languages, and as the same operation in four other tools. */

import { writeOpenCv, writeSciPy } from "./array-snippets.js";
import { writeImageMagick, writeSvg } from "./convolution-snippets.js";
import { planStep } from "./plan.js";
import { writeCurl, writeFetch, writeHttpx } from "./request-snippets.js";

/**
 * @typedef {{setting: import("./setting.js").Setting, kernels: any[], image: import("../shared/image.js").Image}} SnippetInput
 *   `kernels` has one for each step
 * @typedef {{code?: string, note?: string}} Snippet without code, `note` says why the tool cannot do the same
 */

/** @type {Record<string, (input: SnippetInput) => Snippet>} */
export const TOOLS = {
  curl: writeCurl,
  "Python (httpx)": writeHttpx,
  "JavaScript (fetch)": writeFetch,
  OpenCV: (input) => writeOpenCv(input, planSteps(input)),
  SciPy: (input) => writeSciPy(input, planSteps(input)),
  ImageMagick: (input) => writeImageMagick(input, planSteps(input)),
  "SVG feConvolveMatrix": (input) => writeSvg(input, planSteps(input)),
};

const planSteps = ({ setting, kernels }) => setting.steps.map((step, index) => planStep(step, kernels[index]));
