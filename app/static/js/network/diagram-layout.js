/**
 * Where the parts of the network diagram lie. The layers follow each other in the direction of flow, to the right or, on a
 * narrow screen, down. Across the flow there are 16 lanes with a map in each. Lengths are in CSS pixels.
 */

import { DIGITS, FEATURES, FIELD, SIDES } from "./inference.js";

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{name: StageName, title: string, shape: string, box: Box, tiles: Box[], kernels: Box[]}} Stage `tiles` are its maps,
 *   features or outputs; `kernels` those that the diagram draws before the maps
 * @typedef {"input"|"conv1"|"pool1"|"conv2"|"pool2"|"dense"|"output"} StageName
 * @typedef {{width: number, height: number, cell: number, isTall: boolean, stages: Record<StageName, Stage>}} Layout
 */

export const LANES = 16;
/** The ten digits, and “not a digit”. */
const OUTPUTS = DIGITS + 1;
/** In cells. */
const [INPUT_SIDE, KERNEL_SIDE, OUTPUT_LENGTH, GAP] = [3.4, 0.66, 4.6, 1];
const LABEL_HEIGHT = 34;
const MAX_TALL_WIDTH = 600;
/** A tall diagram fits the height of a phone. */
const MAX_TALL_CELL = 25;

/** Name, title, shape, columns of maps, and whether kernels are drawn before the maps. */
const MAP_STAGES = /** @type {const} */ ([
  ["conv1", "convolution", "28×28×32", 2, true],
  ["pool1", "max-pool", "14×14×32", 2, false],
  ["conv2", "convolution", "14×14×64", 4, false],
  ["pool2", "max-pool", "7×7×64", 4, false],
]);

/** @param {number} width of the diagram @returns {Layout} */
export function layOutDiagram(width) {
  const isTall = width < MAX_TALL_WIDTH;
  const featureColumns = LANES / 4;
  const lengths = MAP_STAGES.map(([, , , columns, hasKernels]) => columns * (hasKernels ? 1 + KERNEL_SIDE + 0.1 : 1));
  const total = INPUT_SIDE + lengths.reduce((sum, length) => sum + length, 0) + featureColumns + OUTPUT_LENGTH + GAP * (MAP_STAGES.length + 2);
  const cell = isTall ? Math.min(width / LANES, MAX_TALL_CELL) : width / total;
  const across = LANES * cell;
  const margin = isTall ? (width - across) / 2 : 0;
  const start = isTall ? 0.8 * cell : 0; // for the label of the first stage
  /** @returns {Box} from positions along and across the flow */
  const place = (along, position, length, breadth) => (isTall
    ? { x: margin + position, y: start + along, width: breadth, height: length }
    : { x: along, y: LABEL_HEIGHT + position, width: length, height: breadth });
  const map = cell - 2;
  let along = 0;
  const stages = /** @type {Record<StageName, Stage>} */ ({});
  const add = (name, title, shape, length, tiles, kernels = []) => {
    stages[name] = { name, title, shape, box: place(along, 0, length, across), tiles, kernels };
    along += length + GAP * cell;
  };
  const side = INPUT_SIDE * cell;
  add("input", "input", "28×28", side, [place(0, (across - side) / 2, side, side)]);
  for (const [index, [name, title, shape, columns, hasKernels]] of MAP_STAGES.entries()) {
    const pitch = (lengths[index] * cell) / columns;
    const before = pitch - cell;
    const kernel = KERNEL_SIDE * cell;
    const numbers = Array.from({ length: columns * LANES }, (_, number) => [Math.floor(number / LANES), number % LANES]);
    const tiles = numbers.map(([column, lane]) => place(along + column * pitch + before, lane * cell + 1, map, map));
    const kernels = hasKernels ? numbers.map(([column, lane]) => place(along + column * pitch, (lane + 0.5) * cell - kernel / 2, kernel, kernel)) : [];
    add(name, title, shape, lengths[index] * cell, tiles, kernels);
  }
  const feature = cell / 4;
  add("dense", "features", "1,024", featureColumns * cell, Array.from({ length: FEATURES }, (_, number) =>
    place(along + (number % LANES) * feature, Math.floor(number / LANES) * feature, feature, feature)));
  const bar = across / OUTPUTS;
  add("output", "output", "10 digits + ✕", OUTPUT_LENGTH * cell, Array.from({ length: OUTPUTS }, (_, number) =>
    place(along, number * bar + 1, OUTPUT_LENGTH * cell, bar - 2)));
  const flow = along - GAP * cell;
  return isTall ? { width, height: Math.ceil(start + flow), cell, isTall, stages } : { width, height: Math.ceil(LABEL_HEIGHT + across), cell, isTall, stages };
}

/** @typedef {{stage: StageName, index: number, x: number, y: number}} Unit `index` of the map, feature or output; x and y of its pixel */

/** The unit at a place of the diagram; null if there is none. @param {Layout} layout @returns {Unit|null} */
export function findUnit(layout, x, y) {
  for (const stage of Object.values(layout.stages)) {
    const index = stage.tiles.findIndex((tile) => contains(tile, x, y));
    if (index >= 0) return { stage: stage.name, index, ...locatePixel(stage, index, x, y) };
  }
  return null;
}

/** Pixels of a side of a map; 1 for a feature or an output. @type {Record<StageName, number>} */
export const PIXELS = { input: FIELD, ...SIDES, dense: 1, output: 1 };

/** @param {Stage} stage */
function locatePixel({ name, tiles }, index, x, y) {
  const { x: left, y: top, width, height } = tiles[index];
  const locate = (share) => Math.min(Math.max(Math.floor(share * PIXELS[name]), 0), PIXELS[name] - 1);
  return { x: locate((x - left) / width), y: locate((y - top) / height) };
}

/** @param {Box} box */
const contains = ({ x: left, y: top, width, height }, x, y) => x >= left && y >= top && x < left + width && y < top + height;

/** @param {Box} box @returns {[number, number]} */
export const findCentre = ({ x, y, width, height }) => [x + width / 2, y + height / 2];

/**
 * The unit one step away: a pixel of the same map, or the nearest tile in this direction.
 * @param {Layout} layout @param {Unit} unit @param {number} right @param {number} down -1, 0 or 1 @param {boolean} byTile
 * @returns {Unit} the same unit if there is none
 */
export function moveUnit(layout, unit, right, down, byTile) {
  const [x, y] = [unit.x + right, unit.y + down];
  const last = PIXELS[unit.stage] - 1;
  if (!byTile && x >= 0 && y >= 0 && x <= last && y <= last) return { ...unit, x, y };
  const [fromX, fromY] = findCentre(layout.stages[unit.stage].tiles[unit.index]);
  let [best, distance] = [unit, Infinity];
  for (const { name, tiles } of Object.values(layout.stages)) {
    for (const [index, tile] of tiles.entries()) {
      const [toX, toY] = findCentre(tile);
      const along = (toX - fromX) * right + (toY - fromY) * down;
      const aside = Math.abs((toX - fromX) * down) + Math.abs((toY - fromY) * right);
      if (along > 1 && aside < along && along + 2 * aside < distance) {
        distance = along + 2 * aside;
        const enter = (step, position) => (byTile || PIXELS[name] !== PIXELS[unit.stage] ? Math.floor(PIXELS[name] / 2) : step > 0 ? 0 : step < 0 ? PIXELS[name] - 1 : position);
        best = { stage: name, index, x: enter(right, unit.x), y: enter(down, unit.y) };
      }
    }
  }
  return best;
}
