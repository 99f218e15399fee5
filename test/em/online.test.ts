import { expect, test } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { documentCount } from '../../src/corpus/corpus.js';
import { infer } from '../../src/em/infer.js';
import type { Model, TopicModel } from '../../src/em/model.js';
import { type Chunk, fitOnline, type OnlineOptions, type Step } from '../../src/em/online.js';
import { allocateState, allocateSums, withDocuments } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { MODELS } from '../../src/models/index.js';
import { ldacFixture } from '../_corpora.js';

const corpus = ldacFixture('lda-c/corpus.ldac', 3760);
const dims = { V: 3760, K: 3 };
const OPTIONS: OnlineOptions = { delay: 1, kappa: 0.5, softSteps: 0 };

function made(name: string, settings: Record<string, unknown> = {}) {
  const model = MODELS[name]!.create({ start: 'random', precise: true, ...settings }, { ...dims, columns: 0 });
  const state = allocateState(model, dims, 0);
  model.initialise(corpus, state, random(7));
  return { model, state, sums: allocateSums(model, dims) };
}

async function* chunksOf(...batches: readonly (readonly number[])[]): AsyncGenerator<Chunk<unknown>> {
  for (const cuts of batches) yield { data: corpus, batches: cuts };
}

async function all(steps: AsyncIterable<Step>): Promise<Step[]> {
  const found: Step[] = [];
  for await (const step of steps) found.push(step);
  return found;
}

/** The statistics and terms of documents [from, to) under the parameters of `state`. */
async function expected(
  { model, state }: { model: TopicModel<Corpus, unknown>; state: ReturnType<typeof allocateState> },
  from: number,
  to: number,
) {
  const sums = allocateSums(model, dims);
  await infer(model, corpus, [from, to], withDocuments(model, dims, state, documentCount(corpus)), sums);
  return sums;
}

function isNear(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  let largest = 0;
  for (let i = 0; i < expected.length; i++)
    largest = Math.max(largest, Math.abs(found[i]! - expected[i]!) / Math.max(1e-300, Math.abs(expected[i]!)));
  expect(found.length).toBe(expected.length);
  expect(largest).toBeLessThan(1e-12);
}

/** A toy whose parameter is the sum that its M-step gets; document d adds d + 1. */
function toy(): Model<null> {
  return {
    name: 'toy',
    objective: 'elbo',
    terms: ['documents', 'rest'],
    params: { x: [1] },
    derived: {},
    posterior: { q: [1] },
    statistics: { sum: [1] },
    derive() {},
    globalTerms(_, terms) {
      terms[1]! -= 100;
    },
    eStep(_data, from, to, state, { statistics, terms }, start) {
      expect(start).toBe('cold');
      for (let d = from; d < to; d++) {
        statistics!['sum']![0]! += d + 1;
        terms[0]! -= d + 1;
        state.posterior['q']![d] = 1;
      }
      return 0;
    },
    mStep(state, statistics) {
      state.params['x']![0] = statistics['sum']![0]!;
    },
  };
}

async function toySteps(options: Partial<OnlineOptions>, mean?: number, ...batches: readonly number[][]) {
  const model = toy();
  const state = allocateState(model, { V: 1, K: 1 }, 0);
  const sums = allocateSums(model, { V: 1, K: 1 });
  const x: number[] = [];
  const found: Step[] = [];
  const start = mean === undefined ? undefined : { sum: Float64Array.of(mean) };
  async function* chunks(): AsyncGenerator<Chunk<null>> {
    for (const cuts of batches) yield { data: null, batches: cuts };
  }
  for await (const step of fitOnline(model, chunks(), { V: 1, K: 1 }, state, sums, { ...OPTIONS, ...options }, start)) {
    found.push(step);
    x.push(state.params['x']![0]!);
  }
  return { x, found };
}

test.each(['lda', 'mixture', 'plsa'])(
  'the first step on the whole corpus is the M-step of batch EM: %s',
  async (name) => {
    const online = made(name);
    const batch = made(name);
    const { statistics, terms } = await expected(batch, 0, documentCount(corpus));
    batch.model.globalTerms(batch.state, terms);
    batch.model.mStep(batch.state, statistics, false);
    const D = documentCount(corpus);
    const [step] = await all(
      fitOnline(online.model, chunksOf([0, D]), dims, online.state, online.sums, { ...OPTIONS, documents: D }),
    );
    expect(step).toMatchObject({ step: 1, size: 1, visited: D, documents: D, from: 0, to: D });
    isNear(step!.terms, terms);
    for (const [array, values] of Object.entries(batch.state.params)) isNear(online.state.params[array]!, values);
  },
);

// Hoffman, Blei & Bach 2010, Algorithm 2: λ̃ = η + D / S Σ_s n φ,  λ ← (1 − ρ_t) λ + ρ_t λ̃,  ρ_t = (τ0 + t)^−κ
test('a step of LDA is the natural gradient step', async () => {
  const settings = { 'learn-eta': false, 'learn-alpha': 'none', eta: 0.3 };
  const online = made('lda', settings);
  const before = made('lda', settings);
  const options = { delay: 4, kappa: 0.7, documents: 500, softSteps: 0 };
  const steps = fitOnline(online.model, chunksOf([0, 20, 40]), dims, online.state, online.sums, options);
  const first = (await steps.next()).value as Step;
  for (const [name, values] of Object.entries(online.state.params)) before.state.params[name]!.set(values);
  before.model.derive(before.state);
  const lambda = before.state.params['lambda']!;
  const { statistics } = await expected(before, 20, 40);
  const second = (await steps.next()).value as Step;
  expect([first.size, second.size]).toEqual([1, expect.closeTo(5 ** -0.7, 12)]);
  const whole = statistics['topicTerm']!.map((tokens) => 0.3 + (500 / 20) * tokens);
  isNear(
    online.state.params['lambda']!,
    lambda.map((value, i) => (1 - second.size) * value + second.size * whole[i]!),
  );
});

// what the kernels have of a term is made where a batch has the term, and is that of the last step
test('by kernels too, η and α learned, where batches lack terms that others have', async () => {
  const [online, reference] = [made('lda', { inference: 'vb', precise: false }), made('lda', { inference: 'vb' })];
  const terms = (from: number, to: number) => new Set(corpus.term.subarray(corpus.rowStart[from], corpus.rowStart[to]));
  expect([...terms(20, 40)].filter((w) => !terms(0, 20).has(w)).length).toBeGreaterThan(100);
  expect([...terms(0, 20)].filter((w) => !terms(20, 40).has(w)).length).toBeGreaterThan(100);
  const [found, expected] = await Promise.all(
    [online, reference].map(({ model, state, sums }) =>
      all(fitOnline(model, chunksOf([0, 20, 40], [0, 20, 60]), dims, state, sums, { ...OPTIONS, delay: 4 })),
    ),
  );
  for (const [i, { objective }] of found!.entries()) expect(objective / expected![i]!.objective).toBeCloseTo(1, 5);
  for (const [name, values] of Object.entries(reference.state.params)) {
    const ratios = values.map((value, i) => Math.abs(online.state.params[name]![i]! / value - 1));
    expect(ratios.reduce((a, b) => Math.max(a, b))).toBeLessThan(1e-3);
  }
  expect(online.state.params['eta']![0]).not.toBeCloseTo(0.1, 2);
});

test('the mean of a document moves by the step size, and stands for D documents', async () => {
  const { x, found } = await toySteps({ delay: 4, documents: 10 }, undefined, [0, 2, 4], [0, 2]);
  // means of the batches: 1.5, 3.5, 1.5; sizes 1, 5^-½, 6^-½
  const second = 1.5 + (3.5 - 1.5) / Math.sqrt(5);
  const third = second + (1.5 - second) / Math.sqrt(6);
  isNear(x, [15, 10 * second, 10 * third]);
  expect(found.map(({ objective }) => objective)).toEqual([-115, -135, -115]);
  expect(found.map(({ visited, documents }) => [visited, documents])).toEqual([
    [2, 10],
    [4, 10],
    [6, 10],
  ]);
});

test('without the number of documents those seen so far stand for it', async () => {
  const { x, found } = await toySteps({ kappa: 0 }, undefined, [0, 2, 4], [0, 2]);
  expect(found.map(({ documents }) => documents)).toEqual([2, 4, 6]);
  expect(x).toEqual([2 * 1.5, 4 * 3.5, 6 * 1.5]);
});

test('a mean to begin with is used from the first step on', async () => {
  const { x } = await toySteps({ delay: 4, documents: 10 }, 9.5, [0, 2]);
  expect(x[0]).toBeCloseTo(10 * (9.5 + (1.5 - 9.5) / 2), 10);
});

test('a batch that is smaller than the first takes a smaller step in proportion', async () => {
  const { found } = await toySteps({ delay: 4, documents: 10 }, undefined, [0, 4, 8, 9]);
  expect(found.map(({ size }) => size)).toEqual([1, expect.closeTo(5 ** -0.5, 12), expect.closeTo(6 ** -0.5 / 4, 12)]);
});

test('hyperparameters wait for the soft steps', async () => {
  const { model, state, sums } = made('lda', { inference: 'vb' });
  const alphas: number[] = [];
  const steps = fitOnline(model, chunksOf([0, 20, 40, 60]), dims, state, sums, { ...OPTIONS, softSteps: 2 });
  for await (const _ of steps) alphas.push(state.params['alpha']![0]!);
  expect(alphas[1]).toBe(alphas[0]);
  expect(alphas[2]).not.toBe(alphas[0]);
});

test('a chunk is asked for when the steps of the one before are done: no two are held', async () => {
  const events: string[] = [];
  async function* chunks(): AsyncGenerator<Chunk<unknown>> {
    for (const name of ['a', 'b']) {
      events.push(`chunk ${name}`);
      yield { data: corpus, batches: [0, 20, 40] };
    }
  }
  const { model, state, sums } = made('lda');
  for await (const { step } of fitOnline(model, chunks(), dims, state, sums, OPTIONS)) events.push(`step ${step}`);
  expect(events).toEqual(['chunk a', 'step 1', 'step 2', 'chunk b', 'step 3', 'step 4']);
});

test('an objective that is not a number stops the fit', async () => {
  const broken: Model<null> = { ...toy(), globalTerms: (_, terms) => terms.fill(Number.NaN) };
  const state = allocateState(broken, { V: 1, K: 1 }, 0);
  async function* chunks(): AsyncGenerator<Chunk<null>> {
    yield { data: null, batches: [0, 2] };
  }
  const steps = fitOnline(broken, chunks(), { V: 1, K: 1 }, state, allocateSums(broken, { V: 1, K: 1 }), OPTIONS);
  await expect(all(steps)).rejects.toThrow(/^elbo of toy is NaN at step 1$/);
});
