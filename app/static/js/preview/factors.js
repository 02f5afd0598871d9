/** Kernels as sums of columns times rows, where the service applies them so (kernels/apply/separable.py). */

/** @typedef {[number[], number[]][]} Factors pairs of a column and a row */

const RANK_TOLERANCE = 1e-12;
const PASS_COST = 1.6;
const FIXED_COST = 30;
const MIN_HALVED_ROWS = 16;
const MAX_SWEEPS = 60;
/** Products of columns, relative to their lengths, below which they are orthogonal. */
const ORTHOGONAL = 1e-15;

const countHalvedRows = (rows) => (rows < MIN_HALVED_ROWS ? rows : 1.5 * countHalvedRows(Math.ceil(rows / 2)));

/** The factors if they cost less than one pass with all weights, else null. @param {number[][]} weights @returns {Factors|null} */
export function chooseFactors(weights) {
  const [rows, columns] = [weights.length, weights[0].length];
  const [whole, pair] = [countHalvedRows(rows) * columns, PASS_COST * (rows + columns) + FIXED_COST];
  if (pair >= whole) return null;
  const factors = splitWeights(weights);
  return factors.length * pair < whole ? factors : null;
}

/** @param {number[][]} weights @returns {Factors} in the order of falling singular values */
function splitWeights(weights) {
  const { products, vectors } = orthogonalise(weights);
  const parts = products.map((product, index) => ({ product, vector: vectors[index], size: Math.hypot(...product) }));
  parts.sort((first, second) => second.size - first.size);
  return parts.filter(({ size }) => size > RANK_TOLERANCE * parts[0].size).map(({ product, vector, size }) => {
    const scale = Math.sqrt(size);
    return [product.map((value) => (value / size) * scale), vector.map((value) => value * scale)];
  });
}

const multiply = (first, second) => first.reduce((sum, value, index) => sum + value * second[index], 0);

/**
 * Singular value decomposition by one-sided Jacobi rotations: A·V = products, whose columns are orthogonal. Source: Golub,
 * Van Loan, "Matrix Computations", 4th edition, 8.6.3.
 */
function orthogonalise(weights) {
  const products = weights[0].map((_, x) => weights.map((row) => row[x]));
  const vectors = products.map((_, index) => products.map((_, other) => Number(index === other)));
  const largest = Math.max(...products.map((column) => multiply(column, column)));
  for (let sweep = 0, rotated = true; rotated && sweep < MAX_SWEEPS; sweep++) {
    rotated = false;
    for (let i = 0; i < products.length; i++) {
      for (let j = i + 1; j < products.length; j++) {
        const [own, other] = [multiply(products[i], products[i]), multiply(products[j], products[j])];
        const common = multiply(products[i], products[j]);
        if (Math.abs(common) <= ORTHOGONAL * Math.max(Math.sqrt(own * other), 1e-14 * largest)) continue;
        rotated = true;
        const ratio = (other - own) / (2 * common);
        const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio));
        const cosine = 1 / Math.hypot(1, tangent);
        for (const pair of [products, vectors]) {
          [pair[i], pair[j]] = [
            pair[i].map((value, index) => cosine * (value - tangent * pair[j][index])),
            pair[j].map((value, index) => cosine * (value + tangent * pair[i][index])),
          ];
        }
      }
    }
  }
  return { products, vectors };
}
