/** Maps of a layer that are no image: numbers of any range, each map shown as grey from its smallest to its largest. */

/**
 * @typedef {{width: number, height: number, channels: number, values: Float32Array|Uint8Array}} Maps pixel by pixel
 * @type {WeakMap<Maps, Map<number, [number, number]>>}
 */
const ranges = new WeakMap();

/** The smallest and largest value of a map; of all maps without `map`. @param {Maps} maps @param {number} [map] @returns {[number, number]} */
export function findRange(maps, map) {
  const { channels, values } = maps;
  const known = ranges.get(maps) ?? new Map();
  ranges.set(maps, known);
  if (!known.has(map)) {
    let [low, high] = [Infinity, -Infinity];
    for (let index = map ?? 0; index < values.length; index += map === undefined ? 1 : channels) {
      if (values[index] < low) low = values[index];
      if (values[index] > high) high = values[index];
    }
    known.set(map, [low, high]);
  }
  return known.get(map);
}

/** The values of all maps at a place. @param {Maps} maps @returns {number[]} */
export const readMaps = ({ width, channels, values }, x, y) => [...values.subarray(channels * (y * width + x), channels * (y * width + x + 1))];

/** A value as a grey level, 0 to 255, as on the service's sheet of maps. @param {Maps} maps @param {number} map */
export function makeShade(maps, map) {
  const [low, high] = findRange(maps, map);
  return (value) => (high > low ? Math.min(Math.max(Math.round((255 * (value - low)) / (high - low)), 0), 255) : 0);
}

/** @param {Maps} maps @param {number} map @returns {ImageData} */
export function drawMap(maps, map) {
  const { width, height, channels, values } = maps;
  const image = new ImageData(width, height);
  const shade = makeShade(maps, map);
  for (let index = 0; index < width * height; index++) {
    const level = shade(values[channels * index + map]);
    image.data.set([level, level, level, 255], 4 * index);
  }
  return image;
}
