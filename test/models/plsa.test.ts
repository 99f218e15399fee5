import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { fit as iterationsOf } from '../../src/em/fit.js';
import { infer } from '../../src/em/infer.js';
import { allocateState, allocateSums, withDocuments } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { log } from '../../src/math/special.js';
import { createPlsa, plsaSettings } from '../../src/models/plsa.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';
import { highest } from './_ascent.js';

const counts = [
  [3, 1, 1, 0],
  [1, 2, 0, 2],
  [0, 1, 3, 1],
  [2, 0, 2, 3],
];
const tiny = corpusOf(
  counts.map((row) => row.map((n, w): [number, number] => [w, n]).filter(([, n]) => n > 0)),
  4,
);

function logLikelihood(theta: readonly number[][], beta: readonly number[][]): number {
  let sum = 0;
  counts.forEach((row, d) => {
    row.forEach((n, w) => {
      if (n > 0) sum += n * log(theta[d]!.reduce((p, t, k) => p + t * beta[k]![w]!, 0));
    });
  });
  return sum;
}

async function fitted(corpus: Corpus, K: number, seed: number, settings = {}) {
  const dims = { V: corpus.vocabulary.length, K };
  const D = documentCount(corpus);
  const model = createPlsa(withDefaults(plsaSettings, settings), dims);
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  model.resetPosterior(corpus, state);
  let objective = 0;
  const options = { iterations: 3000, tolerance: 1e-14, softIterations: 0 };
  for await (const last of iterationsOf(model, corpus, [0, D], state, sums, options)) objective = last.objective;
  return { model, state, objective, dims };
}

describe('pLSA', () => {
  it('reaches the maximum that gradient ascent on the likelihood itself finds, to 1e-6', async () => {
    const of = (rows: readonly number[][]) => logLikelihood(rows.slice(0, 4), rows.slice(4));
    const expected = highest([2, 2, 2, 2, 4, 4], of, random(5), 12);
    let best = Number.NEGATIVE_INFINITY;
    for (let seed = 1; seed <= 12; seed++) best = Math.max(best, (await fitted(tiny, 2, seed)).objective);
    expect(Math.abs(best - expected)).toBeLessThan(1e-6);
  }, 60_000);

  it('explains the counts completely where there are as many topics as documents', async () => {
    const expected = counts
      .flatMap((row) => row.map((n) => (n > 0 ? n * log(n / row.reduce((a, b) => a + b)) : 0)))
      .reduce((a, b) => a + b);
    let best = Number.NEGATIVE_INFINITY;
    for (let seed = 1; seed <= 5; seed++) best = Math.max(best, (await fitted(tiny, 4, seed)).objective);
    expect(Math.abs(best - expected)).toBeLessThan(1e-6);
  });

  it('finds of a new document the proportions of highest likelihood, wherever a grid looks', async () => {
    const { model, state, dims } = await fitted(tiny, 2, 1);
    const own = withDocuments(model, dims, state, 1);
    const found = await infer(
      model,
      corpusOf(
        [
          [
            [0, 1],
            [2, 1],
            [3, 2],
          ],
        ],
        4,
      ),
      [0, 1],
      own,
    );
    const likelihood = (t: number) =>
      [1, 0, 1, 2].reduce((sum, n, w) => {
        const [a, b] = [state.derived['floored']![w * 2]!, state.derived['floored']![w * 2 + 1]!];
        return n === 0 ? sum : sum + n * log(t * a + (1 - t) * b);
      }, 0);
    const theta = own.posterior['theta']!;
    expect(theta[0]! + theta[1]!).toBeCloseTo(1, 12);
    const reached = found.reduce((a, b) => a + b);
    expect(reached).toBeCloseTo(likelihood(theta[0]!), 10);
    for (let t = 0; t <= 1; t += 1e-3) expect(likelihood(t)).toBeLessThan(reached + 1e-5);
  });
});
