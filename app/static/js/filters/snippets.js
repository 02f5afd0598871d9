/**
 * The setting as a request in three languages and as the same operation in four other tools. Every writer returns
 * {code, note}; without code the tool cannot, and the note says why.
 */

import { describeRequest } from "./setting.js";
import { planStep } from "./pixel.js";
import { writeOpenCv, writeSciPy } from "./array-snippets.js";

/** @typedef {{setting: import("./setting.js").Setting, descriptions: any[], image: import("../shared/image.js").Image}} Subject */

export const TOOLS = {
  curl: writeCurl,
  "Python (httpx)": writeHttpx,
  "JavaScript (fetch)": writeFetch,
  OpenCV: (subject) => writeOpenCv(subject, plan(subject)),
  SciPy: (subject) => writeSciPy(subject, plan(subject)),
  ImageMagick: writeImageMagick,
  "SVG feConvolveMatrix": writeSvg,
};

const plan = ({ setting, descriptions }) => setting.steps.map((step, index) => planStep(step, descriptions[index]));

function describe({ setting, image }) {
  const { path, query: { operations, ...query } } = describeRequest(setting);
  const search = new URLSearchParams(query).toString().replaceAll("%2C", ",").replaceAll("%3B", ";");
  return { url: location.origin + path + (search && `?${search}`), plain: location.origin + path, query, operations, name: image.name };
}

const quoteShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function writeCurl(subject) {
  const { url, operations, name } = describe(subject);
  const more = operations ? ` \\\n  -F operations=${quoteShell(operations)}` : "";
  return { code: `curl -F file=@${quoteShell(name)}${more} \\\n  ${quoteShell(url)} -o result.png` + (/\.png$/i.test(name) ? "" : " -H 'Accept: image/png'") };
}

function writeHttpx(subject) {
  const { plain, query, operations, name } = describe(subject);
  const python = (value) => JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  const lines = [
    ...(Object.keys(query).length ? [`        params=${python(query)},`] : []),
    ...(operations ? [`        data={"operations": ${JSON.stringify(operations)}},`] : []),
  ];
  return { code: `import httpx

with open(${JSON.stringify(name)}, "rb") as image:
    reply = httpx.post(
        ${JSON.stringify(plain)},
        files={"file": image},
${lines.map((line) => `${line}\n`).join("")}        headers={"Accept": "image/png"},
    )
if reply.is_error:
    raise SystemExit(reply.json()["detail"])
with open("result.png", "wb") as result:
    result.write(reply.content)
` };
}

function writeFetch(subject) {
  const { url, operations } = describe(subject);
  return { code: `const form = new FormData();
form.set("file", file); // a File or Blob
${operations ? `form.set("operations", ${JSON.stringify(operations)});\n` : ""}const reply = await fetch(${JSON.stringify(url)}, {
  method: "POST", body: form, headers: { Accept: "image/png" },
});
if (!reply.ok) throw new Error((await reply.json()).detail);
const image = await reply.blob();
` };
}

/** What neither a single ImageMagick nor a single SVG operation can do; null where they can. */
function findObstacle(plans, setting, borders) {
  const [one] = plans;
  if (plans.length > 1) return "Here a chain is rounded between its steps, which the service does not do: ask for the single steps.";
  if (one.parts.length > 1) return "It has no way to combine several kernels.";
  if (setting.linear) return "Not with linear light in a way that gives the same pixels.";
  if (!["clip", "offset"].includes(one.response)) return `It has no response '${one.response}': it cuts negative values off. Choose clip or offset.`;
  if (one.stride.some((n) => n > 1)) return "It has no stride.";
  if (one.channels !== "rgb") return `It has no channels=${one.channels}.`;
  if (!(one.border in borders)) return `It has no border '${one.border}'.`;
  return null;
}

/** Weights with dilation, divisor and amount put in. */
function spread({ parts: [weights], dilation: [dy, dx], divisor, amount, anchor }) {
  const [height, width] = [(weights.length - 1) * dy + 1, (weights[0].length - 1) * dx + 1];
  const [ax, ay] = anchor ? [anchor[0] * dx, anchor[1] * dy] : [(width - 1) >> 1, (height - 1) >> 1];
  const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) =>
    (y % dy || x % dx ? 0 : (amount * weights[y / dy][x / dx]) / divisor) + (x === ax && y === ay ? 1 - amount : 0)));
  return { rows, ax, ay, width, height };
}

const tidy = (number) => String(Number(number.toPrecision(10)));

function writeImageMagick({ setting, descriptions, image }) {
  const plans = plan({ setting, descriptions });
  const borders = { edge: "Edge", zero: "Black", symmetric: "Mirror", wrap: "Tile" };
  const obstacle = findObstacle(plans, setting, borders)
    ?? (plans[0].bias ? "Its bias is not applied by -morphology." : null)
    ?? (plans[0].response === "offset" ? "Its -morphology has no offset: negative values are cut off. Choose clip." : null);
  if (obstacle) return { note: obstacle };
  const { rows, ax, ay, width, height } = spread(plans[0]);
  const kernel = `${width}x${height}+${ax}+${ay}: ${rows.map((row) => row.map(tidy).join(",")).join("  ")}`;
  return {
    code: `convert ${quoteShell(image.name)} -virtual-pixel ${borders[plans[0].border]} \\\n  -morphology Correlate ${quoteShell(kernel)} -depth 16 result.png`,
    note: "Correlate, because Convolve turns the kernel by 180°. 16 bits, because with 8 it cuts off where the service rounds.",
  };
}

function writeSvg({ setting, descriptions, image }) {
  const plans = plan({ setting, descriptions });
  const borders = { edge: "duplicate", zero: "none", wrap: "wrap" };
  const obstacle = findObstacle(plans, setting, borders);
  if (obstacle) return { note: obstacle };
  const [one] = plans;
  const { rows, ax, ay, width, height } = spread({ ...one, divisor: 1, amount: 1 });
  const mixed = one.amount === 1 ? rows : spread(one).rows;
  const half = one.response === "offset" ? 2 : 1;
  const divisor = (one.amount === 1 ? one.divisor : 1) * half;
  const bias = one.bias / half / 255 + (half === 2 ? 128 / 255 : 0);
  const matrix = mixed.flat().reverse().map(tidy).join(" ");
  return {
    code: `<svg xmlns="http://www.w3.org/2000/svg" width="${image.width}" height="${image.height}">
  <filter id="kernel" x="0" y="0" width="100%" height="100%" color-interpolation-filters="sRGB">
    <feConvolveMatrix order="${width === height ? width : `${width} ${height}`}" kernelMatrix="${matrix}"
      divisor="${tidy(divisor)}"${bias ? ` bias="${tidy(bias)}"` : ""} targetX="${ax}" targetY="${ay}" edgeMode="${borders[one.border]}" preserveAlpha="true"/>
  </filter>
  <image href="${image.name}" width="${image.width}" height="${image.height}" filter="url(#kernel)"/>
</svg>
`,
    note: bias ? "The weights stand in reverse: the filter turns them by 180°. Browsers differ in bias." : "The weights stand in reverse: the filter turns them by 180°.",
  };
}
