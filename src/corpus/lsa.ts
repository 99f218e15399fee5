/**
 * Latent semantic analysis: documents as TF-IDF rows x_d, the basis of their leading right singular vectors, and
 * documents as points in it.
 *
 *     x_dw = (1 + ln n_dw) · idf_w, then x_d / ‖x_d‖,     idf_w = ln((1 + D) / (1 + D_w)) + 1
 *
 * with D documents that have a term, D_w of them term w. A point is xᵀ_d · basis, its length made 1: two documents are
 * as near as the angle between them is small, whatever their lengths.
 *
 * @see Deerwester et al. 1990, Indexing by latent semantic analysis; idf as scikit-learn smooths it
 */
import { symmetric, symmetricEigen } from '../math/matrix.js';
import type { Random } from '../math/random.js';
import { log } from '../math/special.js';
import { type Corpus, documentCount } from './corpus.js';

/** Extra directions of the range finder, and its rounds; both as recommended (5 to 10 and 2 to 4). */
const OVERSAMPLING = 10;
const ROUNDS = 4;

/** Directions whose share of the variance is below this are rounding. */
const NEGLIGIBLE = 1e-13;

/** Inverse document frequencies, V. */
export function inverseDocumentFrequencies(corpus: Corpus): Float64Array {
  const documents = new Float64Array(corpus.vocabulary.length);
  for (const w of corpus.term) documents[w]! += 1;
  let D = 0;
  for (let d = 0; d < documentCount(corpus); d++) if (corpus.rowStart[d + 1]! > corpus.rowStart[d]!) D++;
  return documents.map((n) => log((1 + D) / (1 + n)) + 1);
}

/** The TF-IDF weight of each entry of the corpus; rows have length 1. */
export function tfidf({ rowStart, term, count }: Corpus, idf: Float64Array): Float64Array {
  const weight = new Float64Array(term.length);
  for (let d = 0; d + 1 < rowStart.length; d++) {
    let squares = 0;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      weight[i] = (1 + log(count[i]!)) * idf[term[i]!]!;
      squares += weight[i]! * weight[i]!;
    }
    const length = Math.sqrt(squares);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) weight[i]! /= length;
  }
  return weight;
}

/**
 * The first P right singular vectors of X, the D×V matrix of `weight`, by subspace iteration on XᵀX from a random start:
 * V×P with orthonormal columns, the largest element of each positive. Where X has a lower rank the last columns are 0.
 * Nothing of size D is held.
 *
 * @see Halko, Martinsson & Tropp 2011, Finding structure with randomness, Algorithm 4.4 and §5.1, from memory
 */
export function leadingDirections(corpus: Corpus, weight: Float64Array, P: number, random: Random): Float64Array {
  const V = corpus.vocabulary.length;
  const L = Math.min(P + OVERSAMPLING, V);
  let basis = new Float64Array(V * L);
  let next = new Float64Array(V * L);
  for (let i = 0; i < basis.length; i++) basis[i] = random.normal();
  for (let round = 0; round < ROUNDS; round++) {
    timesGram(corpus, weight, basis, next, L);
    [basis, next] = [next, basis];
    orthonormalise(basis, V, L);
  }
  orthonormalise(basis, V, L);
  const { vectors } = symmetricEigen(projectedGram(corpus, weight, basis, L), L);
  const directions = new Float64Array(V * P);
  for (let w = 0; w < V; w++)
    for (let p = 0; p < Math.min(P, L); p++)
      for (let l = 0; l < L; l++) directions[w * P + p]! += basis[w * L + l]! * vectors[l * L + p]!;
  for (let p = 0; p < P; p++) {
    let largest = 0;
    for (let i = p; i < directions.length; i += P)
      if (Math.abs(directions[i]!) > Math.abs(largest)) largest = directions[i]!;
    if (largest < 0) for (let i = p; i < directions.length; i += P) directions[i]! *= -1;
  }
  return directions;
}

/** The documents' points in the basis (V×P), of length 1; a document without a term of weight there is the origin. D×P. */
export function project(
  { rowStart, term }: Corpus,
  weight: Float64Array,
  basis: Float64Array,
  P: number,
): Float64Array {
  const D = rowStart.length - 1;
  const points = new Float64Array(D * P);
  for (let d = 0; d < D; d++) {
    const at = d * P;
    combineRows(basis, P, term, weight, rowStart[d]!, rowStart[d + 1]!, points, at);
    let squares = 0;
    for (let i = at; i < at + P; i++) squares += points[i]! * points[i]!;
    if (squares > 0) for (let i = at; i < at + P; i++) points[i]! /= Math.sqrt(squares);
  }
  return points;
}

/** Writes Σ_i weight_i · basis[term_i], P numbers, over the entries [from, to) to `out` at `at`. */
function combineRows(
  basis: Float64Array,
  P: number,
  term: Uint32Array,
  weight: Float64Array,
  from: number,
  to: number,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + P);
  for (let i = from; i < to; i++) {
    const x = weight[i]!;
    const row = term[i]! * P;
    for (let p = 0; p < P; p++) out[at + p]! += x * basis[row + p]!;
  }
}

/** Writes XᵀX · basis, a document at a time. */
function timesGram(
  { rowStart, term }: Corpus,
  weight: Float64Array,
  basis: Float64Array,
  out: Float64Array,
  L: number,
) {
  const y = new Float64Array(L);
  out.fill(0);
  for (let d = 0; d + 1 < rowStart.length; d++) {
    combineRows(basis, L, term, weight, rowStart[d]!, rowStart[d + 1]!, y, 0);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const x = weight[i]!;
      const row = term[i]! * L;
      for (let l = 0; l < L; l++) out[row + l]! += x * y[l]!;
    }
  }
}

/** (X · basis)ᵀ (X · basis), L×L. */
function projectedGram({ rowStart, term }: Corpus, weight: Float64Array, basis: Float64Array, L: number): Float64Array {
  const y = new Float64Array(L);
  const gram = new Float64Array(L * L);
  for (let d = 0; d + 1 < rowStart.length; d++) {
    combineRows(basis, L, term, weight, rowStart[d]!, rowStart[d + 1]!, y, 0);
    addSquare(y, 0, L, gram);
  }
  return symmetric(gram, 0, L);
}

/** Makes the columns of a V×L matrix orthonormal, in order of their variance; those of none become 0. */
function orthonormalise(matrix: Float64Array, V: number, L: number): void {
  const gram = new Float64Array(L * L);
  for (let w = 0; w < V; w++) addSquare(matrix, w * L, L, gram);
  const { values, vectors } = symmetricEigen(symmetric(gram, 0, L), L);
  for (let l = 0; l < L; l++) {
    const scale = values[l]! > NEGLIGIBLE * values[0]! ? 1 / Math.sqrt(values[l]!) : 0;
    for (let i = l; i < vectors.length; i += L) vectors[i]! *= scale;
  }
  const row = new Float64Array(L);
  for (let at = 0; at < V * L; at += L) {
    row.fill(0);
    for (let j = 0; j < L; j++) {
      const x = matrix[at + j]!;
      for (let l = 0; l < L; l++) row[l]! += x * vectors[j * L + l]!;
    }
    matrix.set(row, at);
  }
}

/** Adds the lower triangle of y yᵀ. */
function addSquare(y: Float64Array, at: number, L: number, gram: Float64Array): void {
  for (let i = 0; i < L; i++) {
    const x = y[at + i]!;
    if (x === 0) continue;
    for (let j = 0; j <= i; j++) gram[i * L + j]! += x * y[at + j]!;
  }
}
