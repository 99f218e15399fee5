/**
 * Covariances of a Gaussian in P dimensions by their shape, each a block of numbers:
 *
 * | shape | a block | prior of the precision |
 * |---|---|---|
 * | dense | P×P, symmetric; sums have the lower triangle, `factorise` copies it to the upper | one Wishart in P dimensions |
 * | diagonal | P variances | P gammas, which are Wisharts in one dimension |
 * | scalar | one variance for all | one gamma |
 *
 * W(Λ | S⁻¹, ν) is written with the inverse of its scale, the scatter S: E[Λ] = ν S⁻¹. In one dimension it is
 * Gamma(ν/2, rate S/2).
 */
import { invertCholesky, symmetric } from '../math/matrix.js';
import { digamma, lgamma, log } from '../math/special.js';

export interface Shape {
  /** Numbers of a block. */
  readonly size: number;
  /** Wisharts of a block, their dimension, and how many of the P dimensions share each of their own. */
  readonly copies: number;
  readonly dimension: number;
  readonly sharing: number;
  /** Adds r δ δᵀ, or what of it the shape has: the squares of δ, their sum. */
  add(block: Float64Array, at: number, delta: Float64Array, r: number): void;
  /** Adds a multiple of the identity. */
  addIdentity(block: Float64Array, at: number, r: number): void;
  /**
   * Writes a square root of the block's inverse, as `distance` and `trace` take it.
   *
   * @returns log of the block's determinant, of a scalar's one variance; NaN if it is not positive definite
   */
  factorise(block: Float64Array, at: number, factor: Float64Array): number;
  /** δᵀ A⁻¹ δ for the factor of A. */
  distance(factor: Float64Array, at: number, delta: Float64Array): number;
  /** tr(A⁻¹ B) for the factor of A and the block B. */
  trace(factor: Float64Array, at: number, block: Float64Array, blockAt: number): number;
  /** The P variances of a block. */
  variances(block: Float64Array, at: number): number[];
}

export function dense(P: number): Shape {
  return {
    size: P * P,
    copies: 1,
    dimension: P,
    sharing: 1,
    add(block, at, delta, r) {
      for (let i = 0; i < P; i++) {
        const x = r * delta[i]!;
        const row = at + i * P;
        for (let j = 0; j <= i; j++) block[row + j]! += x * delta[j]!;
      }
    },
    addIdentity(block, at, r) {
      for (let i = 0; i < P; i++) block[at + i * P + i]! += r;
    },
    factorise: (block, at, factor) => invertCholesky(symmetric(block, at, P), at, P, factor, at),
    distance(factor, at, delta) {
      let squares = 0;
      for (let i = 0; i < P; i++) {
        let sum = 0;
        const row = at + i * P;
        for (let j = 0; j <= i; j++) sum += factor[row + j]! * delta[j]!;
        squares += sum * sum;
      }
      return squares;
    },
    trace(factor, at, block, blockAt) {
      let sum = 0;
      for (let i = 0; i < P; i++)
        for (let j = 0; j <= i; j++) {
          let inner = 0;
          for (let k = 0; k <= j; k++) inner += block[blockAt + j * P + k]! * factor[at + i * P + k]!;
          for (let k = j + 1; k <= i; k++) inner += block[blockAt + k * P + j]! * factor[at + i * P + k]!;
          sum += factor[at + i * P + j]! * inner;
        }
      return sum;
    },
    variances: (block, at) => Array.from({ length: P }, (_, p) => block[at + p * P + p]!),
  };
}

export function diagonal(P: number): Shape {
  return {
    size: P,
    copies: P,
    dimension: 1,
    sharing: 1,
    add(block, at, delta, r) {
      for (let p = 0; p < P; p++) block[at + p]! += r * delta[p]! * delta[p]!;
    },
    addIdentity(block, at, r) {
      for (let p = 0; p < P; p++) block[at + p]! += r;
    },
    factorise(block, at, factor) {
      let determinant = 0;
      for (let p = 0; p < P; p++) {
        if (!(block[at + p]! > 0)) return Number.NaN;
        determinant += log(block[at + p]!);
      }
      for (let p = 0; p < P; p++) factor[at + p] = 1 / Math.sqrt(block[at + p]!);
      return determinant;
    },
    distance(factor, at, delta) {
      let squares = 0;
      for (let p = 0; p < P; p++) {
        const x = factor[at + p]! * delta[p]!;
        squares += x * x;
      }
      return squares;
    },
    trace(factor, at, block, blockAt) {
      let sum = 0;
      for (let p = 0; p < P; p++) sum += factor[at + p]! * factor[at + p]! * block[blockAt + p]!;
      return sum;
    },
    variances: (block, at) => Array.from(block.subarray(at, at + P)),
  };
}

export function scalar(P: number): Shape {
  const squares = (delta: Float64Array): number => {
    let sum = 0;
    for (let p = 0; p < P; p++) sum += delta[p]! * delta[p]!;
    return sum;
  };
  return {
    size: 1,
    copies: 1,
    dimension: 1,
    sharing: P,
    add(block, at, delta, r) {
      block[at]! += r * squares(delta);
    },
    addIdentity(block, at, r) {
      block[at]! += r;
    },
    factorise(block, at, factor) {
      if (!(block[at]! > 0)) return Number.NaN;
      factor[at] = 1 / Math.sqrt(block[at]!);
      return log(block[at]!);
    },
    distance: (factor, at, delta) => factor[at]! * factor[at]! * squares(delta),
    trace: (factor, at, block, blockAt) => factor[at]! * factor[at]! * block[blockAt]!,
    variances: (block, at) => new Array<number>(P).fill(block[at]!),
  };
}

const LOG_2 = log(2);
const LOG_PI = log(Math.PI);

/** Σ over a block's Wisharts of E[log |Λ|], where log |S| is `logDeterminant`. Bishop 2006, eq. B.81. */
export function expectedLogPrecision({ copies, dimension }: Shape, degrees: number, logDeterminant: number): number {
  let sum = dimension * LOG_2;
  for (let j = 0; j < dimension; j++) sum += digamma((degrees - j) / 2);
  return copies * sum - logDeterminant;
}

/** Σ over a block's Wisharts of log B(S⁻¹, ν), their normaliser. Bishop 2006, eq. B.79. */
export function wishartNormaliser({ copies, dimension }: Shape, degrees: number, logDeterminant: number): number {
  let sum = (degrees * dimension * LOG_2) / 2 + (dimension * (dimension - 1) * LOG_PI) / 4;
  for (let j = 0; j < dimension; j++) sum += lgamma((degrees - j) / 2);
  return (degrees * logDeterminant) / 2 - copies * sum;
}
