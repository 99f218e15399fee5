/** The kernels against the loops they stand for: the same model, with and without `precise`. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Corpus, Segments } from '../../src/corpus/corpus.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { createHmmKernel } from '../../src/kernels/hmm.js';
import { random } from '../../src/math/random.js';
import { createHmm, hmmSettings } from '../../src/models/hmm.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf, segmentedCorpus } from '../_corpora.js';
import { folder, output } from '../_program.js';

const V = 23;

/** D documents of up to so many segments of up to so many tokens; some have none. */
function sequences(D: number, seed: number, { segments = 12, tokens = 9 } = {}): number[][][] {
  const draws = random(seed);
  return Array.from({ length: D }, () =>
    Array.from({ length: draws.integer(segments + 1) }, () =>
      Array.from({ length: draws.integer(tokens + 1) }, () => draws.integer(V)),
    ),
  );
}

/** Documents as lists of segments of [term, count] pairs. */
function countedCorpus(documents: readonly (readonly (readonly (readonly [number, number])[])[])[]): Corpus {
  const { rowStart, term, count } = corpusOf(documents.flat(), V);
  const start = Uint32Array.from([0, ...documents.map((_, d) => documents.slice(0, d + 1).flat().length)]);
  const whole = corpusOf(
    documents.map((segments) => segments.flat()),
    V,
  );
  return { ...whole, segments: { start, rowStart, term, count } };
}

type Adjust = (params: Readonly<Record<string, Float64Array>>) => void;

/** An E-step in these blocks from the start `adjust` leaves, by the kernels and by the reference. */
function bothESteps(
  corpus: Corpus,
  K: number,
  settings: Record<string, unknown>,
  blocks: readonly number[] = [0, corpus.ids.length],
  adjust: Adjust = () => {},
) {
  const dims = { V: corpus.vocabulary.length, K };
  const [kernel, reference] = [false, true].map((precise) => {
    const model = createHmm(withDefaults(hmmSettings, { start: 'random', ...settings, precise }), dims);
    const state = allocateState(model, dims, corpus.ids.length);
    const sums = allocateSums(model, dims);
    model.initialise(corpus, state, random(3));
    adjust(state.params);
    model.derive(state);
    const data = model.prepare(corpus, state);
    model.resetPosterior(data, state);
    let logZ = 0;
    for (let b = 0; b + 1 < blocks.length; b++)
      logZ += model.eStep(data, blocks[b]!, blocks[b + 1]!, state, sums, 'warm');
    return { logZ, theta: state.posterior['theta']!, ...sums, model, state };
  });
  return { kernel: kernel!, reference: reference! };
}

const largest = (a: ArrayLike<number>) => Array.from(a).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** The largest |a − b| against the largest |b|. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const most = Array.from(a).reduce((worst, x, i) => (Math.abs(x - b[i]!) <= worst ? worst : Math.abs(x - b[i]!)), 0);
  return most / (largest(b) + 1e-300);
}

function expectTwins({ kernel, reference }: ReturnType<typeof bothESteps>, tolerance = 1e-12): void {
  expect(reference.theta.every(Number.isFinite)).toBe(true);
  expect(difference(kernel.theta, reference.theta)).toBeLessThan(tolerance);
  expect(Math.abs(kernel.logZ - reference.logZ)).toBeLessThanOrEqual(tolerance * Math.abs(reference.logZ));
  expect(difference(kernel.terms, reference.terms)).toBeLessThan(tolerance);
  for (const [name, sum] of Object.entries(reference.statistics))
    expect(difference(kernel.statistics[name]!, sum), name).toBeLessThan(tolerance);
}

describe.each(['em', 'vb'])('the E-step of a hidden Markov model (%s) agrees with the reference', (inference) => {
  it.each([1, 2, 3, 4, 5, 8, 9, 30])('with K = %i topics, in blocks of any size, to 1e-12', (K) => {
    expectTwins(bothESteps(segmentedCorpus(sequences(60, K), V), K, { inference }, [0, 1, 3, 30, 60]));
  });

  it('after M-steps, and on other documents than before', () => {
    const { kernel, reference } = bothESteps(segmentedCorpus(sequences(60, 1), V), 5, { inference });
    const other = segmentedCorpus(sequences(90, 2, { segments: 40 }), V);
    const [a, b] = [kernel, reference].map(({ model, state, statistics }) => {
      model.mStep(state, statistics, false);
      const dims = { V, K: 5 };
      const posterior = allocateState(model, dims, 90).posterior;
      const sums = allocateSums(model, dims);
      const own = { ...state, posterior };
      const logZ = model.eStep(model.prepare(other, own), 0, 90, own, sums, 'cold');
      return { logZ, theta: posterior['theta']!, ...sums, model, state };
    });
    expectTwins({ kernel: a!, reference: b! }, 1e-10);
  });

  it('for documents without segments, with empty ones, and of one segment', () => {
    const documents = [[], [[]], [[0, 1, 1]], [[], [2], []], [[], []], [[3]], [], [[4, 5], []], []];
    for (const K of [1, 3, 4]) expectTwins(bothESteps(segmentedCorpus(documents, V), K, { inference }, [0, 2, 9]));
  });

  it('for documents that are all empty: they add nothing', () => {
    const { kernel, reference } = bothESteps(segmentedCorpus([[], [[], []], [[]]], V), 3, { inference });
    expect(kernel.theta).toEqual(reference.theta);
    for (const sum of [kernel.terms, ...Object.values(kernel.statistics)]) expect(largest(sum)).toBe(0);
  });

  it('for counts of 10^6, and segments so far apart that probabilities underflow', () => {
    const draws = random(4);
    const documents = Array.from({ length: 20 }, () =>
      Array.from({ length: 9 }, () => [
        [draws.integer(8), 10 ** draws.integer(7)] as const,
        [8 + draws.integer(8), 10 ** draws.integer(7)] as const,
      ]),
    );
    expectTwins(bothESteps(countedCorpus(documents), 5, { inference }), 1e-10);
  });

  it('for counts of 10^6 where topics are alike, so that only the chain tells them apart', () => {
    const documents = Array.from({ length: 9 }, (_, d) => Array.from({ length: 7 }, (_, t) => [[d + t, 1e6] as const]));
    const both = bothESteps(countedCorpus(documents), 4, { inference }, undefined, (params) => {
      const topics = params[inference === 'em' ? 'beta' : 'lambda']!;
      for (let i = 0; i < topics.length; i++) topics[i] = topics[i - (i % 4)]!;
    });
    expect(Math.max(...both.kernel.theta)).toBeLessThan(0.9);
    expectTwins(both, 1e-10);
  });

  it('for one document longer than all others', () => {
    const documents = [...sequences(5, 7), ...sequences(1, 1, { segments: 4000 }), ...sequences(70, 8)];
    expectTwins(bothESteps(segmentedCorpus(documents, V), 6, { inference }), 1e-10);
  });

  it('for a corpus without segments', () => {
    const { segments, ...corpus } = segmentedCorpus(sequences(40, 9), V);
    expect(segments).toBeDefined();
    expectTwins(bothESteps(corpus, 3, { inference }));
  });

  it('where neither statistics nor terms are wanted', () => {
    const corpus = segmentedCorpus(sequences(40, 9), V);
    const { kernel, reference } = bothESteps(corpus, 3, { inference });
    const given = kernel.theta.slice();
    for (const { model, state } of [kernel, reference]) {
      state.posterior['theta']!.fill(0);
      const none = { statistics: null, terms: new Float64Array(0) };
      model.eStep(model.prepare(corpus, state), 0, 40, state, none, 'cold');
    }
    expect(kernel.theta).toEqual(given);
    expect(difference(kernel.theta, reference.theta)).toBeLessThan(1e-12);
  });
});

it('paths that cannot be, of points that are 0, have the shares of the reference', () => {
  const corpus = segmentedCorpus(
    [
      [[0], [1], [2], [0]],
      [[1], [], [1, 1, 2]],
      [new Array<number>(900).fill(2), [0], new Array<number>(400).fill(1)],
    ],
    V,
  );
  const both = bothESteps(corpus, 3, { inference: 'em', alpha: 0, eta: 0 }, undefined, (params) => {
    params['start']!.set([1, 0, 0]);
    params['transition']!.set([0.9, 0.1, 0, 0, 1, 0, 0.3, 0.3, 0.4]);
    params['beta']!.fill(0).set([1, 0, 0, 0, 1, 0.5, 0, 0, 0.5]);
  });
  expectTwins(both, 1e-10);
});

/** D documents of T segments of a token each. */
function chained(D: number, T: number): Segments {
  const S = D * T;
  return {
    start: new Uint32Array(D + 1).map((_, d) => d * T),
    rowStart: new Uint32Array(S + 1).map((_, s) => s),
    term: new Uint32Array(S).map((_, s) => s % V),
    count: new Uint32Array(S).fill(1),
  };
}

it('documents that do not all have room at once add up to the same', () => {
  const [D, K] = [2200, 20];
  const draws = random(2);
  const topics = Float64Array.from({ length: V * K }, () => Math.log(draws.uniform()));
  const transition = new Float64Array(K * K).fill(1 / K);
  const chain = { expStart: new Float64Array(K).fill(1 / K), expTransition: transition, logBeta: topics };
  const segments = chained(D, 100);
  const found = [
    [0, D],
    [0, 700, D],
  ].map((blocks) => {
    const kernel = createHmmKernel({ V, K }, 1);
    kernel.setChain(chain);
    const sums = {
      start: new Float64Array(K),
      transition: new Float64Array(K * K),
      topicTerm: new Float64Array(V * K),
    };
    const theta = new Float64Array(D * K);
    let logZ = 0;
    for (let b = 0; b + 1 < blocks.length; b++)
      logZ += kernel.documents(segments, blocks[b]!, blocks[b + 1]!, theta, sums).logZ;
    return { logZ, theta, ...sums };
  });
  const [whole, parts] = [found[0]!, found[1]!];
  expect(parts.theta).toEqual(whole.theta);
  expect(Math.abs(parts.logZ / whole.logZ - 1)).toBeLessThan(1e-12);
  expect(difference(parts.topicTerm, whole.topicTerm)).toBeLessThan(1e-12);
  expect(difference(parts.transition, whole.transition)).toBeLessThan(1e-12);
  expect(whole.topicTerm.reduce((a, b) => a + b)).toBeCloseTo(100 * D, 4);
  expect(whole.transition.reduce((a, b) => a + b)).toBeCloseTo(99 * D, 4);
});

it.each(['em', 'vb'])(
  'a fit (%s) has the same bytes on 1, 2, 3 and 7 threads, and so has what it infers',
  async (by) => {
    const cwd = folder();
    const draws = random(6);
    const words = Array.from(
      { length: 60 },
      (_, w) => `${'abcdefghij'[w % 10]}${'aeiou'[w % 5]}${'klmnopqrst'[w % 7]}n${w % 6}`,
    );
    const lines = Array.from({ length: 300 }, () => {
      const sentences = Array.from({ length: 1 + draws.integer(30) }, () =>
        Array.from({ length: 1 + draws.integer(12) }, () => words[draws.integer(60)]).join(' '),
      );
      return JSON.stringify({ text: `${sentences.join('. ')}.` });
    });
    writeFileSync(join(cwd, 'c.ndjson'), `${lines.join('\n')}\n`);
    const results = await Promise.all(
      ['1', '2', '3', '7'].map(async (threads) => {
        const file = `m${threads}.safetensors`;
        const options = ['-k', '5', '--max-df', '1.0', '--iterations', '6', '--inference', by, '-q'];
        output(['fit', 'c.ndjson', '--model', 'hmm', ...options, '-j', threads, '-o', file], { cwd });
        const inferred = output(['infer', file, 'c.ndjson', '-n', 'all', '--format', 'ndjson', '-j', threads], { cwd });
        return [await readFile(join(cwd, file)), Buffer.from(inferred)] as const;
      }),
    );
    for (const [model, inferred] of results) {
      expect(model.equals(results[0]![0])).toBe(true);
      expect(inferred.equals(results[0]![1])).toBe(true);
    }
  },
);
