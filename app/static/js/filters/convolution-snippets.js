/** The setting in tools that apply a single kernel: ImageMagick and SVG. */

import { quoteForShell } from "./request-snippets.js";

/** @typedef {import("./plan.js").Plan} Plan */

const ROTATION_NOTE = "The weights are in reverse order, because feConvolveMatrix rotates them by 180°.";

/** Why one convolution cannot give the same pixels; null if it can. @param {Plan[]} plans @param {import("./snippets.js").SnippetInput["setting"]} setting */
function findObstacle(plans, { linear, area }, borders) {
  const [plan] = plans;
  if (area) return "This code would filter the whole image. Use SciPy or OpenCV for regions and masks.";
  if (plans.length > 1) return "This tool rounds after each step of a chain; the service rounds only at the end. Use a single step.";
  if (plan.combine === "median") return "This tool has no median with the service's borders. Use SciPy.";
  if (plan.parts.length > 1) return "This tool cannot combine several kernels.";
  if (linear) return "This tool does not give the same pixels with linear=true.";
  if (!["clip", "offset"].includes(plan.response)) {
    return `This tool does not support response=${plan.response}: it clips negative values. Choose clip or offset.`;
  }
  if (plan.stride.some((n) => n > 1)) return "This tool does not support stride.";
  if (plan.channels !== "rgb") return `This tool does not support channels=${plan.channels}.`;
  if (!(plan.border in borders)) return `This tool does not support border=${plan.border}.`;
  return null;
}

/** One kernel that includes dilation, divisor and amount. @param {Plan} plan */
function mergeWeights({ parts: [weights], dilation: [dy, dx], divisor, amount, anchor }) {
  const [height, width] = [(weights.length - 1) * dy + 1, (weights[0].length - 1) * dx + 1];
  const [anchorX, anchorY] = anchor ? [anchor[0] * dx, anchor[1] * dy] : [(width - 1) >> 1, (height - 1) >> 1];
  const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) =>
    (y % dy || x % dx ? 0 : (amount * weights[y / dy][x / dx]) / divisor) + (x === anchorX && y === anchorY ? 1 - amount : 0)));
  return { rows, anchorX, anchorY, width, height };
}

const roundNumber = (number) => String(Number(number.toPrecision(10)));

/** @param {import("./snippets.js").SnippetInput} input @param {Plan[]} plans @returns {import("./snippets.js").Snippet} */
export function writeImageMagick({ setting, image }, plans) {
  const borders = { edge: "Edge", zero: "Black", symmetric: "Mirror", wrap: "Tile" };
  const [plan] = plans;
  const obstacle = findObstacle(plans, setting, borders)
    ?? (plan.bias ? "-morphology does not apply a bias." : null)
    ?? (plan.response === "offset" ? "-morphology does not support response=offset: it clips negative values. Choose clip." : null);
  if (obstacle) return { note: obstacle };
  const { rows, anchorX, anchorY, width, height } = mergeWeights(plan);
  const kernel = `${width}x${height}+${anchorX}+${anchorY}: ${rows.map((row) => row.map(roundNumber).join(",")).join("  ")}`;
  return {
    code: `convert ${quoteForShell(image.name)} -virtual-pixel ${borders[plan.border]} \\\n  -morphology Correlate ${quoteForShell(kernel)} -depth 16 result.png`,
    note: "Correlate, because Convolve rotates the kernel by 180°. 16 bits, because with 8 bits ImageMagick truncates where the service rounds.",
  };
}

/** @param {import("./snippets.js").SnippetInput} input @param {Plan[]} plans @returns {import("./snippets.js").Snippet} */
export function writeSvg({ setting, image }, plans) {
  const borders = { edge: "duplicate", zero: "none", wrap: "wrap" };
  const obstacle = findObstacle(plans, setting, borders);
  if (obstacle) return { note: obstacle };
  const [plan] = plans;
  const { rows, anchorX, anchorY, width, height } = mergeWeights({ ...plan, divisor: 1, amount: 1 });
  const mixed = plan.amount === 1 ? rows : mergeWeights(plan).rows;
  const scale = plan.response === "offset" ? 2 : 1;
  const divisor = (plan.amount === 1 ? plan.divisor : 1) * scale;
  const bias = plan.bias / scale / 255 + (scale === 2 ? 128 / 255 : 0);
  const matrix = mixed.flat().reverse().map(roundNumber).join(" ");
  return {
    code: `<svg xmlns="http://www.w3.org/2000/svg" width="${image.width}" height="${image.height}">
  <filter id="kernel" x="0" y="0" width="100%" height="100%" color-interpolation-filters="sRGB">
    <feConvolveMatrix order="${width === height ? width : `${width} ${height}`}" kernelMatrix="${matrix}"
      divisor="${roundNumber(divisor)}"${bias ? ` bias="${roundNumber(bias)}"` : ""} targetX="${anchorX}" targetY="${anchorY}" edgeMode="${borders[plan.border]}" preserveAlpha="true"/>
  </filter>
  <image href="${image.name}" width="${image.width}" height="${image.height}" filter="url(#kernel)"/>
</svg>
`,
    note: bias ? `${ROTATION_NOTE} Browsers treat bias differently.` : ROTATION_NOTE,
  };
}
