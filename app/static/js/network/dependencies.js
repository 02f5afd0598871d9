/** What a unit of the network depends on: lines to the maps before it, and the squares of pixels that it sees. */

import { rankFeatures, weighInputs } from "./workings.js";

/** Of an output: more would be a surface. */
const LINKED_FEATURES = 48;

/**
 * @typedef {import("./diagram-layout.js").Unit} Unit @typedef {import("./diagram-layout.js").StageName} StageName
 * @typedef {import("./diagram-layout.js").Box} Box
 * @typedef {{from: Box, to: Box, strength: number}} Link from -1 to 1
 * @typedef {[stage: StageName, map: number|null, x: number, y: number, side: number]} PixelWindow null stands for every map
 * @typedef {Partial<Record<StageName, number[]>>} Strengths of the maps of a stage, from -1 to 1
 */

/**
 * The squares of pixels that a unit sees.
 * @param {Unit} unit @returns {PixelWindow[]}
 */
export function findWindows({ stage, index, x, y }) {
  switch (stage) {
    case "conv1": return [["input", 0, x - 2, y - 2, 5]];
    case "pool1": return [["conv1", index, 2 * x, 2 * y, 2]];
    case "conv2": return [["pool1", null, x - 2, y - 2, 5]];
    case "pool2": return [["conv2", index, 2 * x, 2 * y, 2]];
    default: return [];
  }
}

/**
 * The maps that a unit depends on, with the strength of the weights between them.
 * @param {import("./diagram-layout.js").Layout} layout @param {Record<string, import("./inference.js").Layer>} layers
 * @param {import("./workings.js").Computed|null} computed @param {Unit} unit
 * @returns {{links: Link[], strengths: Strengths}}
 */
export function findDependencies({ stages }, layers, computed, { stage, index }) {
  const link = (from, to, strength = 1) => ({ from, to, strength });
  const { tiles } = stages[stage];
  switch (stage) {
    case "conv1":
    case "pool1": {
      const [input] = stages.input.tiles;
      const links = [link(input, stages.conv1.kernels[index])];
      if (stage === "pool1") links.push(link(stages.conv1.tiles[index], tiles[index]));
      return { links, strengths: {} };
    }
    case "conv2":
    case "pool2": {
      const weighed = weighInputs(layers, "conv2", index);
      const links = weighed.map((strength, map) => link(stages.pool1.tiles[map], stages.conv2.tiles[index], strength));
      if (stage === "pool2") links.push(link(stages.conv2.tiles[index], tiles[index]));
      return { links, strengths: { conv1: weighed, pool1: weighed } };
    }
    case "dense": {
      const weighed = weighInputs(layers, "dense", index);
      return { links: weighed.map((strength, map) => link(stages.pool2.tiles[map], tiles[index], strength)), strengths: { pool2: weighed } };
    }
    case "output": {
      if (!computed) return { links: [], strengths: {} };
      const ranked = rankFeatures(layers.output, computed.answer.features, index).slice(0, LINKED_FEATURES);
      const largest = Math.abs(ranked[0].product) || 1;
      return { links: ranked.map(({ feature, product }) => link(stages.dense.tiles[feature], tiles[index], product / largest)), strengths: {} };
    }
    default: return { links: [], strengths: {} };
  }
}
