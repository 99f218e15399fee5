/** The incremental schedule, over LDA in all its ways. */
import { describe, expect, it, test } from 'vitest';
import { documentCount } from '../../src/corpus/corpus.js';
import { cutBlocks, cutMemoised } from '../../src/em/blocks.js';
import { fit, type Iteration } from '../../src/em/fit.js';
import type { Arrays, Model } from '../../src/em/model.js';
import { type FitSums, SCHEDULES } from '../../src/em/schedules.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { digamma, lgamma } from '../../src/math/special.js';
import { createLda, ldaSettings } from '../../src/models/lda.js';
import { withDefaults } from '../../src/settings.js';
import { ldacFixture } from '../_corpora.js';

const K = 4;
const dims = { V: 3760, K };
const corpus = ldacFixture('lda-c/corpus.ldac', dims.V);
const D = documentCount(corpus);
const blocks = cutBlocks(corpus.rowStart, Math.ceil(corpus.term.length / 3));
const ALL_MODES = [
  { inference: 'vb' },
  { inference: 'vb', precise: true },
  { inference: 'vb', precise: true, beta: 'point' },
  { inference: 'map' },
  { inference: 'map', precise: true },
];

function started(settings: object, seed = 1) {
  const model = createLda(withDefaults(ldaSettings, { start: 'random', alpha: '0.3', ...settings }), dims);
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  model.resetPosterior(corpus, state);
  return { model, state, sums };
}

type Started = ReturnType<typeof started>;

async function fitted(
  { model, state, sums }: Started,
  iterations: number,
  { softIterations = 0, see }: { softIterations?: number; see?: (iteration: Iteration) => Promise<void> } = {},
): Promise<number[]> {
  const objectives: number[] = [];
  const options = { iterations, tolerance: Number.NEGATIVE_INFINITY, softIterations };
  for await (const iteration of fit(model, corpus, blocks, state, sums, options)) {
    objectives.push(iteration.objective);
    await see?.(iteration);
  }
  return objectives;
}

const total = (terms: ArrayLike<number>) => Array.from(terms).reduce((sum, term) => sum + term, 0);
const size = (terms: Float64Array) => terms.reduce((sum, term) => sum + Math.abs(term), 0);

/** The objective at the q of each document's γ and the best φ, under the parameters as they are. */
async function exactBound({ model, state }: Started): Promise<number> {
  const sums = allocateSums(model, dims);
  await SCHEDULES.batch({ model, data: corpus, blocks, state, sums })('fixed', true);
  return total(sums.terms);
}

describe.each(ALL_MODES)('with %j', (settings) => {
  const slack = 'precise' in settings ? 1e-10 : 1e-7;

  it.each([1, 2, 3])('no iteration lowers the objective, guarded or not, from seed %i', async (seed) => {
    const { model, state, sums } = started(settings, seed);
    let previous = Number.NEGATIVE_INFINITY;
    await fitted({ model, state, sums }, 20, {
      softIterations: 4,
      async see({ objective, terms }) {
        expect(objective).toBeGreaterThanOrEqual(previous - slack * size(terms));
        previous = objective;
      },
    });
  });

  it('the statistics are those of each document once', async () => {
    const counts = new Float64Array(dims.V);
    corpus.term.forEach((w, i) => {
      counts[w]! += corpus.count[i]!;
    });
    const start = started(settings);
    await fitted(start, 6, {
      async see() {
        const { topicTerm, documents } = start.sums.statistics as { topicTerm: Float64Array; documents: Float64Array };
        expect(documents[0]).toBe(D);
        for (let w = 0; w < dims.V; w++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += topicTerm[w * K + k]!;
          expect(Math.abs(sum - counts[w]!)).toBeLessThan(1e-5 * (1 + counts[w]!));
        }
      },
    });
  });

  it('the memoised objective is at most the bound of the same state, and in the end as high', async () => {
    const start = started(settings);
    const gaps: number[] = [];
    await fitted(start, 150, {
      async see({ iteration, objective, terms }) {
        if (iteration > 10 && iteration < 150) return;
        gaps.push(((await exactBound(start)) - objective) / size(terms));
      },
    });
    for (const gap of gaps) expect(gap).toBeGreaterThan(-slack);
    expect(gaps[1]).toBeGreaterThan(1e-5);
    expect(gaps.at(-1)).toBeLessThan(1e-5);
  });

  it('the terms that parameters change are those of the E-step, while they have not changed', async () => {
    const { model, state, sums } = started(settings);
    await fitted({ model, state, sums }, 3);
    const found = allocateSums(model, dims);
    model.eStep(corpus, 0, D, state, found, 'warm');
    const terms = found.terms.slice();
    model.expectedTerms!(state, found.statistics, terms);
    for (const [i, term] of terms.entries())
      expect(Math.abs(term - found.terms[i]!), model.terms[i]).toBeLessThanOrEqual(slack * size(terms));
  });
});

test('the objective is of the parameters that the last M-step left', async () => {
  const { model, state, sums } = started({ inference: 'vb', precise: true });
  await fitted({ model, state, sums }, 4, {
    async see({ terms }) {
      const [lambda, alpha, gamma] = [state.params['lambda']!, state.params['alpha']!, state.posterior['gamma']!];
      const sumOf = (k: number) => lambda.reduce((sum, l, i) => (i % K === k ? sum + l : sum), 0);
      const digammaSums = Array.from({ length: K }, (_, k) => digamma(sumOf(k)));
      const words = sums.statistics['topicTerm']!.map((n, i) => n * (digamma(lambda[i]!) - digammaSums[i % K]!));
      expect(terms[0]! / total(words)).toBeCloseTo(1, 10);
      let proportions = 0;
      for (let d = 0; d < D; d++) {
        const row = gamma.subarray(d * K, (d + 1) * K);
        proportions += lgamma(total(alpha));
        for (let k = 0; k < K; k++)
          proportions += (alpha[k]! - 1) * (digamma(row[k]!) - digamma(total(row))) - lgamma(alpha[k]!);
      }
      expect(terms[2]! / proportions).toBeCloseTo(1, 10);
    },
  });
});

test.each([{ inference: 'vb' }, { inference: 'map' }])('where it stops, batch stops: %j', async (settings) => {
  const ways = { ...settings, precise: true, 'e-step-tolerance': 0, 'learn-alpha': 'none' };
  const start = started(ways);
  const left = (await fitted(start, 600)).at(-1)!;
  const given = start.state.params['lambda']!.slice();
  const batch = createLda(withDefaults(ldaSettings, { start: 'random', ...ways, schedule: 'batch' }), dims);
  const after = await fitted({ ...start, model: batch }, 20);
  expect(Math.abs(after.at(-1)! - left)).toBeLessThan(1e-7 * Math.abs(left));
  const moved = given.map((l, i) => Math.abs(l - start.state.params['lambda']![i]!) / (1 + l));
  expect(Math.max(...moved)).toBeLessThan(0.01);
});

test('it rises faster than batch', async () => {
  const incremental = await fitted(started({ inference: 'vb', 'learn-eta': false, 'learn-alpha': 'none' }), 8);
  const batch = await fitted(
    started({ inference: 'vb', 'learn-eta': false, 'learn-alpha': 'none', schedule: 'batch' }),
    8,
  );
  expect(incremental.at(-1)).toBeGreaterThan(batch.at(-1)!);
});

test('topics are learned after each block, hyperparameters after the last, and neither in the pass that fills', async () => {
  const { model, state, sums } = started({ inference: 'vb' });
  const seen: (boolean | 'E')[] = [];
  const spied: Model<typeof corpus> = {
    ...model,
    eStep(...given) {
      seen.push('E');
      return model.eStep(...given);
    },
    mStep(state, statistics: Arrays, soft) {
      seen.push(soft);
      model.mStep(state, statistics, soft);
    },
  };
  const three = [0, 10, 20, D];
  const pass = SCHEDULES.incremental({ model: spied, data: corpus, blocks: three, state, sums: sums as FitSums });
  await pass('warm', false);
  expect(seen.splice(0)).toEqual(['E', 'E', 'E', false]);
  await pass('warm', false);
  expect(seen.splice(0)).toEqual(['E', true, 'E', true, 'E', false]);
  await pass('guarded', true);
  expect(seen).toEqual(['E', true, 'E', true, 'E', true]);
});

test('stored blocks are alike: eight, fewer of few entries a term, of many topics or of many numbers', () => {
  const rowStart = Uint32Array.from({ length: 1001 }, (_, d) => 20 * d);
  const even = (count: number) => Array.from({ length: count + 1 }, (_, b) => (1000 / count) * b);
  expect(cutMemoised(rowStart, { V: 30, K: 5 })).toEqual(even(8));
  expect(cutMemoised(rowStart, { V: 60, K: 5 })).toEqual(even(5));
  expect(cutMemoised(rowStart, { V: 10_000, K: 5 })).toEqual(even(1));
  expect(cutMemoised(rowStart, { V: 30, K: 100 })).toEqual(even(8));
  expect(cutMemoised(rowStart, { V: 30, K: 250 })).toEqual(even(4));
  expect(cutMemoised(rowStart, { V: 30, K: 5000 })).toEqual(even(1));
  expect(cutMemoised(rowStart, { V: 30, K: 5, storedBytes: 4 * 8 * 30 * 5 })).toEqual(even(4));
  expect(cutMemoised(rowStart, { V: 30, K: 5, storedBytes: 0 })).toEqual(even(2));
  const large = rowStart.map((entries) => 10_000 * entries);
  expect(cutMemoised(large, { V: 2 ** 17, K: 10 })).toEqual(even(8));
  expect(cutMemoised(large, { V: 2 ** 17, K: 100 })).toEqual(even(5));
  expect(cutMemoised(large, { V: 2 ** 17, K: 100, storedBytes: 2 ** 40 })).toEqual(even(5));
  expect(cutMemoised(Uint32Array.of(0, 7), { V: 9, K: 2 })).toEqual([0, 1]);
  expect(cutMemoised(Uint32Array.of(0, 0, 1), { V: 9, K: 2 })).toEqual([0, 2]);
});
