/** Strokes of the example drawings. Coordinates are percentages of the pad. @type {Record<string, [number, number][][]>} */
export const EXAMPLE_DRAWINGS = {
  3: [smooth([[28, 22], [42, 12], [60, 14], [68, 27], [60, 42], [44, 48], [62, 52], [72, 67], [63, 83], [44, 89], [27, 80]])],
  7: [[[24, 16], [76, 16], [58, 48], [46, 88]], [[38, 52], [68, 52]]],
  "not a digit": [[[18, 82], [50, 16], [82, 82], [18, 82]], [[50, 40], [50, 60]]],
};

/** A Catmull-Rom curve through the points. @param {[number, number][]} points @returns {[number, number][]} */
function smooth(points) {
  const at = (index) => points[Math.min(Math.max(index, 0), points.length - 1)];
  const interpolate = (index, t) => [0, 1].map((axis) => {
    const [a, b, c, d] = [-1, 0, 1, 2].map((by) => at(index + by)[axis]);
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t ** 2 + (3 * b - a - 3 * c + d) * t ** 3);
  });
  const curve = points.slice(0, -1).flatMap((_, index) => [0, 0.25, 0.5, 0.75].map((t) => interpolate(index, t)));
  return /** @type {[number, number][]} */ ([...curve, points.at(-1)]);
}
