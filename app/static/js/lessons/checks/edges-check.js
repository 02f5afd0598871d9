/** Whether steps respond to edges of one kind only. They are applied to images with one edge each. */

import { WHITE } from "../../filters/colour.js";
import { computeResult } from "./filter-result.js";

const SIDE = 96;
const GREY = 96;
/** Brightness of an edge, in levels. The next one is tried if the response to one before is cut off at black or white. */
const CONTRASTS = [64, 16, 4];
/** A response this weak is a rounding error. */
const NOISE_LEVELS = 1;
/** Smallest response to an edge, as a part of its contrast. */
const MIN_RESPONSE = 0.1;

/** @type {Record<string, {words: string, isBright: (x: number, y: number) => boolean}>} */
const EDGES = {
  "vertical-brighter-right": { words: "vertical edges that get brighter to the right", isBright: (x) => x >= SIDE / 2 },
  "vertical-brighter-left": { words: "vertical edges that get brighter to the left", isBright: (x) => x < SIDE / 2 },
  "horizontal-brighter-below": { words: "horizontal edges that get brighter downwards", isBright: (_, y) => y >= SIDE / 2 },
  "horizontal-brighter-above": { words: "horizontal edges that get brighter upwards", isBright: (_, y) => y < SIDE / 2 },
};

/** @param {{edges: string, max_other: number}} task @param {import("../work.js").FilterWork} work @returns {Promise<import("./check.js").Verdict>} */
export async function checkEdges({ edges, max_other: maxOther }, { steps, linear, area }) {
  if (area) return { isRight: false, message: "Only a part of the image is filtered. Remove the regions and the mask under “Regions”." };
  if (steps.at(-1).response === "rescale") {
    return { isRight: false, message: "The response “full range” stretches every image by itself. Choose another one." };
  }
  const measured = await measureResponses({ steps, linear });
  const { flat, responses, contrast } = measured;
  if (flat[0] === WHITE) return { isRight: false, message: "It makes flat areas white. The weights of a kernel that finds edges add up to 0." };
  if (Math.abs(flat[0] - flat[1]) > NOISE_LEVELS) {
    return { isRight: false, message: `It responds to flat areas too: ${GREY} becomes ${flat[0]}, ${GREY + contrast} becomes ${flat[1]}. `
      + "A kernel that finds edges gives the same for both: its weights add up to 0." };
  }
  const names = Object.keys(EDGES);
  const wanted = names.filter((name) => name.startsWith(edges));
  const own = Math.max(...wanted.map((name) => responses[name]));
  const describe = (name) => (edges === "vertical" || edges === "horizontal" ? `${name.split("-")[0]} edges` : EDGES[name].words);
  if (own < MIN_RESPONSE * contrast) {
    return { isRight: false, message: `It does not respond to ${describe(wanted[0])}: ${own} levels at an edge of ${contrast}.` };
  }
  const worst = names.filter((name) => !wanted.includes(name)).reduce((most, name) => (responses[name] > responses[most] ? name : most), names.find((name) => !wanted.includes(name)));
  const share = responses[worst] <= NOISE_LEVELS ? 0 : responses[worst] / own;
  if (share > maxOther) {
    return { isRight: false, message: `It responds to ${describe(worst)} too: ${share.toFixed(2)} of the response to ${describe(wanted[0])}.` };
  }
  return { isRight: true, message: `It responds to ${describe(wanted[0])} with ${own} levels, and to others with ${responses[worst]}.` };
}

/** The largest change at each kind of edge, in levels, and the results of the two flat areas. */
async function measureResponses(filtering) {
  let measured;
  for (const contrast of CONTRASTS) {
    const render = (isBright) => computeResult(drawEdge(isBright, contrast), filtering);
    const flats = [await render(() => false), await render(() => true)].map(readMiddle);
    const responses = {};
    for (const [name, { isBright }] of Object.entries(EDGES)) responses[name] = findLargestChange(await render(isBright), flats[0]);
    measured = { flat: flats.map((flat) => flat[0]), responses, contrast };
    const room = Math.max(flats[0][0], WHITE - flats[0][0]);
    if (Math.max(...Object.values(responses)) < room - NOISE_LEVELS) break;
  }
  return measured;
}

function drawEdge(isBright, contrast) {
  const image = new ImageData(SIDE, SIDE);
  for (let index = 0; index < SIDE * SIDE; index++) {
    const level = isBright(index % SIDE, Math.floor(index / SIDE)) ? GREY + contrast : GREY;
    image.data.set([level, level, level, WHITE], 4 * index);
  }
  return image;
}

/** Red, green and blue of the pixel in the middle. @param {ImageData} image */
const readMiddle = ({ data, width, height }) => {
  const at = 4 * (Math.floor(height / 2) * width + Math.floor(width / 2));
  return [data[at], data[at + 1], data[at + 2]];
};

/** The largest difference from a flat area in the middle half, where no border counts. @param {ImageData} image @param {number[]} flat */
function findLargestChange({ data, width, height }, flat) {
  let largest = 0;
  for (let y = Math.floor(height / 4); y < Math.ceil((3 * height) / 4); y++) {
    for (let x = Math.floor(width / 4); x < Math.ceil((3 * width) / 4); x++) {
      for (let channel = 0; channel < 3; channel++) largest = Math.max(largest, Math.abs(data[4 * (y * width + x) + channel] - flat[channel]));
    }
  }
  return largest;
}
