import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { inverseDocumentFrequencies, leadingDirections, project, tfidf } from '../../src/corpus/lsa.js';
import { random } from '../../src/math/random.js';
import { log } from '../../src/math/special.js';
import { corpusOf } from '../_corpora.js';

/** Documents of three themes of ten terms each, with some noise; document 7 is empty. */
function themes(D: number, seed: number): Corpus {
  const draws = random(seed);
  const documents = Array.from({ length: D }, (_, d) => {
    const counts = new Map<number, number>();
    for (let n = 0; n < 30; n++) {
      const w = draws.uniform() < 0.9 ? 10 * (d % 3) + draws.integer(10) : draws.integer(30);
      counts.set(w, (counts.get(w) ?? 0) + 1);
    }
    return d === 7 ? [] : [...counts];
  });
  return corpusOf(documents, 30);
}

const corpus = themes(60, 1);
const V = 30;
const idf = inverseDocumentFrequencies(corpus);
const weight = tfidf(corpus, idf);

function denseOf({ rowStart, term }: Corpus, weights: Float64Array): Matrix {
  const matrix = Matrix.zeros(rowStart.length - 1, V);
  for (let d = 0; d + 1 < rowStart.length; d++)
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) matrix.set(d, term[i]!, weights[i]!);
  return matrix;
}

describe('TF-IDF', () => {
  it('is (1 + ln n) times the smoothed ln((1 + D) / (1 + D_w)) + 1 over documents with a term, rows of length 1', () => {
    const small = corpusOf(
      [
        [
          [0, 3],
          [1, 1],
        ],
        [],
        [[0, 1]],
      ],
      2,
    );
    const frequencies = inverseDocumentFrequencies(small);
    expect(frequencies[0]).toBeCloseTo(1, 14);
    expect(frequencies[1]).toBeCloseTo(log(3 / 2) + 1, 14);
    const [a, b] = [1 + log(3), frequencies[1]!];
    const expected = [a / Math.hypot(a, b), b / Math.hypot(a, b), 1];
    tfidf(small, frequencies).forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i]!, 14);
    });
  });
});

describe('the leading directions', () => {
  it('are the first right singular vectors: they keep the variance that an exact SVD says, to 1e-9', () => {
    const P = 3;
    const basis = leadingDirections(corpus, weight, P, random(2));
    const matrix = denseOf(corpus, weight);
    const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
    const projected = matrix.mmul(
      new Matrix(Array.from({ length: V }, (_, w) => Array.from(basis.subarray(w * P, w * P + P)))),
    );
    for (let p = 0; p < P; p++) {
      expect(projected.getColumnVector(p).norm('frobenius')).toBeCloseTo(svd.diagonal[p]!, 9);
      const column = Array.from({ length: V }, (_, w) => basis[w * P + p]!);
      const exact = svd.rightSingularVectors.getColumn(p);
      expect(Math.abs(column.reduce((sum, x, w) => sum + x * exact[w]!, 0))).toBeCloseTo(1, 9);
      expect(column.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0)).toBeGreaterThan(0);
    }
  });

  it('are orthonormal, the same for a seed, and hardly other for another', () => {
    const P = 5;
    const basis = leadingDirections(corpus, weight, P, random(2));
    for (let p = 0; p < P; p++)
      for (let q = 0; q <= p; q++) {
        let sum = 0;
        for (let w = 0; w < V; w++) sum += basis[w * P + p]! * basis[w * P + q]!;
        expect(sum).toBeCloseTo(p === q ? 1 : 0, 10);
      }
    expect(leadingDirections(corpus, weight, P, random(2))).toEqual(basis);
    leadingDirections(corpus, weight, P, random(3)).forEach((x, i) => {
      expect(Math.abs(x - basis[i]!)).toBeLessThan(0.02);
    });
  });

  it('beyond the rank of the matrix are zero, and nothing is NaN', () => {
    const few = corpusOf([[[0, 1]], [[1, 2]], [[0, 1]]], 6);
    const basis = leadingDirections(few, tfidf(few, inverseDocumentFrequencies(few)), 4, random(1));
    for (let w = 0; w < 6; w++) {
      expect(Math.abs(basis[w * 4 + 2]!) + Math.abs(basis[w * 4 + 3]!)).toBeLessThan(1e-12);
      for (let p = 0; p < 4; p++) expect(basis[w * 4 + p]).not.toBeNaN();
    }
  });
});

describe('projected documents', () => {
  const P = 3;
  const basis = leadingDirections(corpus, weight, P, random(2));
  const points = project(corpus, weight, basis, P);
  const cosine = (a: number, b: number) => {
    let sum = 0;
    for (let p = 0; p < P; p++) sum += points[a * P + p]! * points[b * P + p]!;
    return sum;
  };

  it('have length 1 and are near where they share a theme; an empty one is the origin', () => {
    for (let d = 0; d < documentCount(corpus); d++) expect(cosine(d, d)).toBeCloseTo(d === 7 ? 0 : 1, 12);
    expect(cosine(0, 3)).toBeGreaterThan(0.9);
    expect(cosine(0, 1)).toBeLessThan(0.5);
  });

  it('do not depend on the documents beside them', () => {
    const all = themes(60, 1);
    const alone: Corpus = {
      ...all,
      rowStart: Uint32Array.of(0, all.rowStart[1]!),
      term: all.term.slice(0, all.rowStart[1]),
      count: all.count.slice(0, all.rowStart[1]),
    };
    expect(project(alone, tfidf(alone, idf), basis, P)).toEqual(points.slice(0, P));
  });
});
