/**
 * Decompositions of small dense matrices, and the one door to the package that does them. What is tall does not come
 * here: the package's QR of 20,000 × 110 takes 6.8 s of processor time, through the Gram matrix it is 0.5 s.
 */
import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { log } from './special.js';

/**
 * The inverse of the Cholesky factor: lower triangular F with Fᵀ F = A⁻¹, for the symmetric n×n matrix A at `at`.
 *
 * @returns log |A|; NaN, and `out` as it was, where A is not positive definite
 */
export function invertCholesky(a: Float64Array, at: number, n: number, out: Float64Array, outAt: number): number {
  const decomposition = new CholeskyDecomposition(toMatrix(a, at, n));
  if (!decomposition.isPositiveDefinite()) return Number.NaN;
  const lower = decomposition.lowerTriangularMatrix;
  let determinant = 0;
  for (let i = 0; i < n; i++) {
    const pivot = lower.get(i, i);
    determinant += 2 * log(pivot);
    for (let j = 0; j < n; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= lower.get(i, k) * out[outAt + k * n + j]!;
      out[outAt + i * n + j] = j > i ? 0 : sum / pivot;
    }
  }
  return determinant;
}

/** Copies the lower triangle of the n×n matrix at `at` to the upper. */
export function symmetric(a: Float64Array, at: number, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[at + j * n + i] = a[at + i * n + j]!;
  return a;
}

/** Eigenvalues of a symmetric n×n matrix, largest first, and its eigenvectors as the columns of an n×n matrix. */
export function symmetricEigen(a: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const decomposition = new EigenvalueDecomposition(toMatrix(a, 0, n), { assumeSymmetric: true });
  const { realEigenvalues, eigenvectorMatrix } = decomposition;
  const order = realEigenvalues.map((_, i) => i).sort((i, j) => realEigenvalues[j]! - realEigenvalues[i]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors[i * n + to] = eigenvectorMatrix.get(i, from);
  });
  return { values: Float64Array.from(order, (i) => realEigenvalues[i]!), vectors };
}

function toMatrix(a: Float64Array, at: number, n: number): Matrix {
  const matrix = new Matrix(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix.set(i, j, a[at + i * n + j]!);
  return matrix;
}
