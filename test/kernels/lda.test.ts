/** The kernels against the f64 loops they stand for: the same model, with and without `precise`. */
import { describe, expect, it } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { documentCount } from '../../src/corpus/corpus.js';
import { drawDocuments, drawTopics } from '../../src/corpus/generate.js';
import type { Start } from '../../src/em/model.js';
import type { FitSums } from '../../src/em/schedules.js';
import { allocateState, allocateSums, copyOf, withDocuments } from '../../src/em/state.js';
import { createCollapsedKernel } from '../../src/kernels/collapsed.js';
import { random } from '../../src/math/random.js';
import type { Reals } from '../../src/math/reals.js';
import { createLda, ldaSettings } from '../../src/models/lda.js';
import { createCollapsedStage, orderOfFirstPass } from '../../src/models/lda-collapsed.js';
import { topicSums } from '../../src/models/topics.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';

/** Documents of 0 to 60 random terms, some of them up to `often` times. */
function randomCorpus(D: number, V: number, seed: number, often = 40): Corpus {
  const draws = random(seed);
  const documents = Array.from({ length: D }, () => {
    const counts = new Map<number, number>();
    for (let n = draws.integer(61); n > 0; n--)
      counts.set(draws.integer(V), 1 + (draws.integer(9) === 0 ? draws.integer(often) : 0));
    return [...counts] as [number, number][];
  });
  return corpusOf(documents, V);
}

/** One E-step from random topics, and posteriors that are uninformed or as `adjust` leaves them, in both precisions. */
function bothESteps(
  corpus: Corpus,
  K: number,
  settings: Record<string, unknown>,
  blocks: readonly number[],
  { start = 'warm', adjust = () => {} }: { start?: Start; adjust?: (gamma: Reals) => void } = {},
) {
  const V = corpus.vocabulary.length;
  const dims = { V, K };
  const [kernel, reference] = [false, true].map((precise) => {
    const model = createLda(withDefaults(ldaSettings, { ...settings, precise }), dims);
    const state = allocateState(model, dims, documentCount(corpus));
    const sums = allocateSums(model, dims);
    model.initialise(corpus, state, random(3));
    model.resetPosterior(corpus, state);
    adjust(state.posterior['gamma']!);
    for (let b = 0; b + 1 < blocks.length; b++) model.eStep(corpus, blocks[b]!, blocks[b + 1]!, state, sums, start);
    return { state, sums };
  });
  return { kernel: kernel!, reference: reference! };
}

/** The largest |a − b| / (1 + |b|). */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const d = Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!));
    if (!(d <= largest)) largest = d;
  }
  return largest;
}

function expectTwins(
  { kernel, reference }: ReturnType<typeof bothESteps>,
  { gamma = 1e-4, statistics = 1e-4 }: { gamma?: number; statistics?: number } = {},
): void {
  expect(difference(kernel.state.posterior['gamma']!, reference.state.posterior['gamma']!)).toBeLessThan(gamma);
  expect(difference(kernel.sums.statistics['topicTerm']!, reference.sums.statistics['topicTerm']!)).toBeLessThan(
    statistics,
  );
  expect(kernel.sums.statistics['documents']).toEqual(reference.sums.statistics['documents']);
  const total = (sums: FitSums) => sums.terms.reduce((a, b) => a + b, 0);
  const size = reference.sums.terms.reduce((a, b) => a + Math.abs(b), 0);
  expect(Math.abs(total(kernel.sums) - total(reference.sums))).toBeLessThan(1e-6 * size);
}

describe('the E-step of LDA', () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 31, 100])('of K = %i topics agrees with the reference', (K) => {
    expectTwins(bothESteps(randomCorpus(80, 50, K), K, {}, [0, 33, 80]));
  });

  it.each([{}, { inference: 'map' }, { inference: 'vb', beta: 'point' }])(
    'tries documents afresh as the reference does, with %j',
    (settings) => {
      const K = 7;
      const corpus = randomCorpus(60, 50, 8);
      // every other document in the poorest of places: all of it, and more, in one topic
      const adjust = (gamma: Reals) => {
        for (let d = 0; d < 60; d += 2) gamma.fill(1e-3, d * K, (d + 1) * K)[d * K + (d % K)] = 500;
      };
      const both = bothESteps(corpus, K, settings, [0, 21, 60], { start: 'guarded', adjust });
      expectTwins(both);
      const warm = bothESteps(corpus, K, settings, [0, 21, 60], { adjust }).kernel;
      const total = (sums: FitSums) => sums.terms.reduce((a, b) => a + b, 0);
      expect(total(both.kernel.sums)).toBeGreaterThan(total(warm.sums) + 1);
      expect(difference(both.kernel.state.posterior['gamma']!, warm.state.posterior['gamma']!)).toBeGreaterThan(0.1);
    },
  );

  it('tries documents afresh that f32 is not enough for, there or where they are', () => {
    const K = 200;
    const documents: [number, number][][] = [
      [[0, 1_000_000]],
      [[1, 3]],
      [],
      [[2, 2]],
      [
        [0, 1],
        [1, 1],
        [2, 1],
      ],
    ];
    const corpus = corpusOf(documents, 3);
    // e^ψ of a hundredth of a token is 0 in f32, of a whole one is not
    const adjust = (gamma: Reals) => {
      for (let d = 3; d < 5; d++) gamma.fill(1e-4, d * K, (d + 1) * K)[d * K + 7] = 3;
    };
    const both = bothESteps(corpus, K, { alpha: '0.0001' }, [0, 5], { start: 'guarded', adjust });
    expectTwins(both, { gamma: 1e-3, statistics: 1e-3 });
    expect(both.kernel.state.posterior['gamma']![3 * K + 7]).toBeLessThan(1);
  });

  it('leaves to the reference what underflows in f32, in each block', () => {
    const corpus = randomCorpus(40, 30, 5);
    const documents = Array.from({ length: 40 }, (_, d): [number, number][] =>
      d % 3 === 0
        ? [[d % 30, 1]]
        : Array.from(corpus.term.subarray(corpus.rowStart[d], corpus.rowStart[d + 1]), (term, i) => [
            term,
            corpus.count[corpus.rowStart[d]! + i]!,
          ]),
    );
    // e^ψ of a hundredth of a token is 0 in f32
    expectTwins(bothESteps(corpusOf(documents, 30), 100, { alpha: '0.0001' }, [0, 13, 26, 40]));
  });

  it('agrees with point topics, of which some have never seen a term', () => {
    const corpus = randomCorpus(60, 30, 9);
    expectTwins(bothESteps(corpus, 6, { beta: 'point' }, [0, 60]));
  });

  it.each([false, true])(
    'answers new documents by the read-out that topics have at the time (precise %s)',
    (precise) => {
      const corpus = randomCorpus(30, 40, 4);
      const dims = { V: 40, K: 5 };
      const made = () => {
        const model = createLda(withDefaults(ldaSettings, { eta: 0.5, precise }), dims);
        const state = allocateState(model, dims, 30);
        model.initialise(corpus, state, random(3));
        return (readOut: string) => {
          state.readOut = readOut;
          model.eStep(corpus, 0, 30, state, { statistics: null, terms: new Float64Array(0) }, 'cold');
          return state.posterior['gamma']!.slice();
        };
      };
      const answer = made();
      const byMean = answer('mean');
      expect(answer('exp-log')).toEqual(made()('exp-log'));
      expect(difference(answer('exp-log'), byMean)).toBeGreaterThan(0.01);
      expect(answer('mean')).toEqual(byMean);
    },
  );

  it.each(['0.000001', '0.001', '0.02', '50', '100000'])('agrees at alpha = %s', (alpha) => {
    const both = bothESteps(randomCorpus(60, 40, 5), 10, { alpha }, [0, 60]);
    expectTwins(both, { gamma: 1e-3, statistics: 1e-3 });
  });

  describe('of documents with few of many topics', () => {
    const [K, D, V] = [40, 60, 200];
    const draws = random(11);
    // each of three topics, term w being of topic w mod K
    const corpus = corpusOf(
      Array.from({ length: D }, () => {
        const own = [draws.integer(K), draws.integer(K), draws.integer(K)];
        const terms = own.flatMap((k) => [k, k + K, k + 3 * K]);
        return [...new Set(terms)].map((w): [number, number] => [w, 1 + draws.integer(5)]);
      }),
      V,
    );

    /** E-steps, each given how far topics have moved on, and γ and the statistics after it. */
    function visits(precise: boolean, alpha: string, shifts: readonly (readonly [number, Start])[], rest = 0.05) {
      const dims = { V, K };
      const model = createLda(withDefaults(ldaSettings, { inference: 'vb', alpha, precise }), dims);
      const state = allocateState(model, dims, D);
      model.initialise(corpus, state, random(3));
      model.resetPosterior(corpus, state);
      return shifts.map(([shift, start]) => {
        const lambda = state.params['lambda']!.fill(rest);
        for (let w = 0; w < V; w++) lambda[w * K + ((w + shift) % K)] = 30;
        model.derive(state);
        const sums = allocateSums(model, dims);
        for (const [from, to] of [
          [0, 21],
          [21, D],
        ] as const)
          model.eStep(corpus, from, to, state, sums, start);
        return { state: { ...state, posterior: { gamma: state.posterior['gamma']!.slice() } }, sums };
      });
    }

    it.each(['0.01', '0.05', '0.1', Array.from({ length: K }, (_, k) => 0.01 + k / 400).join()])(
      'agrees with the reference at alpha = %s, visit after visit',
      (alpha) => {
        const shifts = [
          [0, 'warm'],
          [0, 'warm'],
          [0, 'guarded'],
          [1, 'guarded'],
          [1, 'warm'],
        ] as const;
        const [kernel, reference] = [visits(false, alpha, shifts), visits(true, alpha, shifts)];
        for (const i of shifts.keys()) expectTwins({ kernel: kernel[i]!, reference: reference[i]! });
        for (const name of ['tokens', 'logTheta'])
          expect(
            difference(kernel.at(-1)!.sums.statistics[name]!, reference.at(-1)!.sums.statistics[name]!),
          ).toBeLessThan(1e-3);
      },
    );

    it('has for the others what the prior has, exactly', () => {
      const [{ state }] = visits(false, '0.1', [[0, 'warm']], 1) as [ReturnType<typeof visits>[number]];
      const others = state.posterior.gamma.filter((g) => g === Math.fround(0.1)).length;
      expect(others).toBeGreaterThan(0.9 * D * (K - 3));
    });

    it('takes in what a document has come to need', () => {
      const [, moved] = visits(false, '0.1', [
        [0, 'warm'],
        [1, 'warm'],
      ]);
      const [only] = visits(false, '0.1', [[1, 'warm']]);
      expect(difference(moved!.state.posterior.gamma, only!.state.posterior.gamma)).toBeLessThan(1e-3);
    });
  });

  it.each([1e-6, 1e-3, 100])('agrees at eta = %f', (eta) => {
    const corpus = randomCorpus(60, 40, 6);
    const dims = { V: 40, K: 8 };
    const bounds = [false, true].map((precise) => {
      const model = createLda(
        withDefaults(ldaSettings, { eta, precise, 'learn-eta': false, 'learn-alpha': 'none' }),
        dims,
      );
      const state = allocateState(model, dims, 60);
      const sums = allocateSums(model, dims);
      model.initialise(corpus, state, random(3));
      model.resetPosterior(corpus, state);
      for (let i = 0; i < 4; i++) {
        for (const sum of Object.values(sums.statistics)) sum.fill(0);
        sums.terms.fill(0);
        model.globalTerms(state, sums.terms);
        model.eStep(corpus, 0, 60, state, sums, 'warm');
        model.mStep(state, sums.statistics, true);
      }
      return sums.terms.reduce((a, b) => a + b, 0);
    });
    expect(Math.abs(bounds[0]! / bounds[1]! - 1)).toBeLessThan(1e-5);
  });

  it.each([{ K: 5 }, { K: 8, eta: 1e-6, alpha: '0.00001' }, { K: 6, inference: 'map' }, { K: 7, beta: 'point' }])(
    'has what posteriors add as they are to 1e-12, M-step after M-step: %j',
    ({ K, ...settings }) => {
      const corpus = randomCorpus(60, 40, 6);
      const dims = { V: 40, K };
      const [kernel, reference] = [false, true].map((precise) =>
        createLda(withDefaults(ldaSettings, { inference: 'vb', ...settings, precise }), dims),
      ) as [ReturnType<typeof createLda>, ReturnType<typeof createLda>];
      const state = allocateState(kernel, dims, 60);
      const asReference = { ...state, derived: allocateState(reference, dims, 60).derived };
      kernel.initialise(corpus, state, random(3));
      kernel.resetPosterior(corpus, state);
      // pairs of topics of which some documents have nothing
      const { gamma } = state.posterior;
      for (let at = 0; at < gamma!.length; at += 3 * K) gamma!.set(state.params['alpha']!.subarray(0, 4), at);
      for (let i = 0; i < 3; i++) {
        const found = [kernel, reference].map((model) => {
          const own = model === kernel ? state : asReference;
          const sums = allocateSums(model, dims);
          model.derive(own);
          model.globalTerms(own, sums.terms);
          for (const [from, to] of [
            [0, 33],
            [33, 60],
          ] as const)
            model.eStep(corpus, from, to, own, sums, 'fixed');
          expect(sums.statistics['topicTerm']!.every((x) => x === 0)).toBe(true);
          return sums;
        });
        const size = Math.max(...found[1]!.terms.map(Math.abs));
        found[1]!.terms.forEach((term, t) => {
          expect(Math.abs(found[0]!.terms[t]! - term)).toBeLessThan(1e-12 * size);
        });
        for (const name of ['tokens', 'logTheta', 'documents'])
          expect(difference(found[0]!.statistics[name]!, found[1]!.statistics[name]!)).toBeLessThan(1e-10);
        const sums = allocateSums(kernel, dims);
        kernel.eStep(corpus, 0, 60, state, sums, 'warm');
        const ofTopics = topicSums(sums.statistics['topicTerm']!, 40, K);
        expect(difference(sums.statistics['tokens']!, ofTopics)).toBeLessThan(1e-5);
        kernel.mStep(state, sums.statistics, true);
      }
    },
  );

  it('agrees on documents of one term, of a million tokens of one term, and without terms', () => {
    const corpus = corpusOf(
      [
        [[0, 1]],
        [],
        [[2, 1_000_000]],
        [
          [0, 3],
          [1, 1_000_000],
          [2, 1],
        ],
        [],
      ],
      3,
    );
    expectTwins(bothESteps(corpus, 5, {}, [0, 5]));
  });

  it('leaves the tokens of every document where they belong: each adds its length to the statistics', () => {
    const corpus = randomCorpus(50, 30, 12);
    const { kernel } = bothESteps(corpus, 7, {}, [0, 20, 50]);
    const tokens = corpus.count.reduce((a, b) => a + b, 0);
    expect(kernel.sums.statistics['topicTerm']!.reduce((a, b) => a + b, 0)).toBeCloseTo(tokens, 2);
  });

  it('counts tokens that are too few to show in gamma', () => {
    const corpus = corpusOf([[[0, 2]], [[1, 1]]], 3);
    const { kernel } = bothESteps(corpus, 1000, { alpha: '100000' }, [0, 2]);
    expect(kernel.sums.statistics['tokens']!.reduce((a, b) => a + b, 0)).toBeCloseTo(3, 4);
  });

  it('serves blocks that overlap, one after the other', () => {
    const corpus = randomCorpus(50, 30, 12);
    const parts = bothESteps(corpus, 7, {}, [0, 20, 50]).kernel;
    const whole = bothESteps(corpus, 7, {}, [0, 50]).kernel;
    expect(difference(parts.sums.terms, whole.sums.terms)).toBeLessThan(1e-6);
    const model = createLda(withDefaults(ldaSettings, {}), { V: 30, K: 7 });
    const state = allocateState(model, { V: 30, K: 7 }, 50);
    model.initialise(corpus, state, random(3));
    model.resetPosterior(corpus, state);
    model.eStep(corpus, 0, 20, state, allocateSums(model, { V: 30, K: 7 }), 'warm');
    model.resetPosterior(corpus, state);
    const sums = allocateSums(model, { V: 30, K: 7 });
    model.eStep(corpus, 0, 50, state, sums, 'warm');
    expect(sums.terms).toEqual(whole.sums.terms);
  });

  it('serves blocks of a corpus of which it holds one at a time, back and forth', () => {
    const [V, K] = [30, 3];
    const few = randomCorpus(40, V, 13);
    // the same documents between two of half a million entries each
    const wide = 600_000;
    const large = Array.from({ length: wide }, (_, w): [number, number] => [w, 1]);
    const rows = Array.from({ length: 40 }, (_, d): [number, number][] => {
      const [from, to] = [few.rowStart[d]!, few.rowStart[d + 1]!];
      return Array.from(few.term.subarray(from, to), (w, i): [number, number] => [w, few.count[from + i]!]);
    });
    const many = corpusOf([large, ...rows, large], wide);
    const dims = { V: wide, K };
    const model = createLda(withDefaults(ldaSettings, {}), dims);
    const topics = allocateState(model, dims, 0);
    model.initialise(many, topics, random(3));
    const gammaOf = (corpus: Corpus, blocks: readonly (readonly [number, number])[]) => {
      const state = withDocuments(model, dims, topics, documentCount(corpus));
      for (const [from, to] of blocks) model.eStep(corpus, from, to, state, allocateSums(model, dims), 'cold');
      return state.posterior['gamma']!;
    };
    const alone = gammaOf(corpusOf(rows, wide), [[0, 40]]);
    const amid = gammaOf(many, [
      [0, 1],
      [1, 41],
      [41, 42],
      [1, 20],
    ]);
    expect(amid.subarray(K, 41 * K)).toEqual(alone);
    expect(amid.subarray(0, K)).toEqual(amid.subarray(41 * K));
  });

  it('knows blocks of the same documents apart, after visits to others and to other corpora', () => {
    const [V, K, D] = [30, 4, 40];
    const dims = { V, K };
    const model = createLda(withDefaults(ldaSettings, { inference: 'vb' }), dims);
    const topics = allocateState(model, dims, 0);
    model.initialise(randomCorpus(D, V, 14), topics, random(3));
    const visit = (corpus: Corpus, to: number, start: Start) => {
      const state = withDocuments(model, dims, topics, D);
      model.resetPosterior(corpus, state);
      const sums = allocateSums(model, dims);
      model.eStep(corpus, 0, to, state, sums, start);
      return { gamma: state.posterior['gamma']!, topicTerm: sums.statistics['topicTerm']!.slice() };
    };
    const [one, other] = [randomCorpus(D, V, 14), randomCorpus(D, V, 15)];
    const first = visit(one, 20, 'warm');
    visit(one, D, 'fixed');
    expect(visit(one, 20, 'warm')).toEqual(first);
    visit(one, D, 'warm');
    const tokens = other.count.reduce((sum, n) => sum + n, 0);
    expect(visit(other, D, 'warm').topicTerm.reduce((sum, n) => sum + n, 0)).toBeCloseTo(tokens, 2);
    expect(visit(one, 20, 'warm')).toEqual(first);
  });

  it('leaves posteriors in the precision of what computes them', () => {
    const { kernel, reference } = bothESteps(randomCorpus(10, 20, 4), 3, {}, [0, 10]);
    expect(kernel.state.posterior['gamma']).toBeInstanceOf(Float32Array);
    expect(reference.state.posterior['gamma']).toBeInstanceOf(Float64Array);
  });

  it('serves corpora one after the other', () => {
    const K = 5;
    const dims = { V: 20, K };
    const model = createLda(withDefaults(ldaSettings, {}), dims);
    const topics = allocateState(model, dims, 0);
    const first = randomCorpus(40, 20, 1);
    const gammas = [first, randomCorpus(10, 20, 2), first].map((corpus) => {
      const state = withDocuments(model, dims, topics, documentCount(corpus));
      model.initialise(corpus, state, random(3));
      model.eStep(corpus, 0, documentCount(corpus), state, allocateSums(model, dims), 'cold');
      return state.posterior['gamma']!;
    });
    expect(gammas[2]).toEqual(gammas[0]);
  });

  it('adds to any sums, and makes the M-step from any, but has room for one state alone', () => {
    const corpus = randomCorpus(60, 40, 6);
    const dims = { V: 40, K: 7 };
    const model = createLda(withDefaults(ldaSettings, { inference: 'vb' }), dims);
    const state = allocateState(model, dims, 60);
    model.initialise(corpus, state, random(3));
    const start = state.params['lambda']!.slice();
    const [inKernel, elsewhere] = [allocateSums(model, dims), allocateSums(model, dims)].map((sums) => {
      state.params['lambda']!.set(start);
      model.derive(state);
      model.resetPosterior(corpus, state);
      model.eStep(corpus, 0, 25, state, sums, 'warm');
      model.eStep(corpus, 25, 60, state, sums, 'warm');
      model.mStep(state, sums.statistics, true);
      return { sums, lambda: state.params['lambda']!.slice(), logBeta: state.derived['logBeta']!.slice() };
    });
    expect(inKernel!.sums.statistics['topicTerm']!.buffer).toBe(state.params['lambda']!.buffer);
    expect(elsewhere!.sums.statistics['topicTerm']!.buffer).not.toBe(state.params['lambda']!.buffer);
    expect(elsewhere!.sums.statistics['topicTerm']).toEqual(inKernel!.sums.statistics['topicTerm']);
    expect(elsewhere!.lambda).toEqual(inKernel!.lambda);
    expect(difference(elsewhere!.logBeta, inKernel!.logBeta)).toBeLessThan(1e-13);
    const copy = copyOf(state);
    const next = allocateState(model, dims, 60);
    expect(next.params['lambda']!.every((x) => x === 0)).toBe(true);
    expect(copy.params['lambda']).toEqual(elsewhere!.lambda);
    expect(() => model.derive(state)).toThrow('another state');
    expect(() => model.eStep(corpus, 0, 60, copy, elsewhere!.sums, 'warm')).toThrow('another state');
    model.initialise(corpus, next, random(3));
    expect(next.params['lambda']).toEqual(start);
  });
});

/** A few passes of the collapsed stage: S, N, α and the completion of held-out documents. */
async function collapsed(corpus: Corpus, K: number, precise: boolean, passes: number) {
  const V = corpus.vocabulary.length;
  const priors = { alpha: new Float64Array(K).fill(0.2), eta: 0.03, learnAlpha: 'asymmetric', precise } as const;
  const stage = createCollapsedStage(corpus, randomCorpus(30, V, 5), { V, K, threads: 1 }, priors, random(8));
  for (let pass = 0; pass < passes; pass++) await stage.pass();
  const found = [V * K, documentCount(corpus) * K, K].map((length) => new Float64Array(length));
  const [topicTerm, gamma, alpha] = found as [Float64Array, Float64Array, Float64Array];
  stage.read(topicTerm, gamma, alpha);
  const tokens = gamma.map((g, i) => g - alpha[i % K]!);
  const sums = new Float64Array(K);
  topicTerm.forEach((n, i) => {
    sums[i % K]! += n + 0.03;
  });
  const score = stage.score((rows, width) => {
    for (const [i, n] of topicTerm.entries()) rows[Math.floor(i / K) * width + (i % K)] = (n + 0.03) / sums[i % K]!;
  }, alpha);
  stage.close();
  return { topicTerm, tokens, alpha, score };
}

describe('the collapsed stage of LDA', () => {
  it.each([1, 2, 4, 5, 31])('of K = %i topics agrees with the reference', async (K) => {
    // of so few draws that none of them falls otherwise by rounding
    const corpus = randomCorpus(200, 40, 20 + K, 2);
    const [kernel, reference] = [await collapsed(corpus, K, false, 2), await collapsed(corpus, K, true, 2)];
    expect(difference(kernel.tokens, reference.tokens)).toBeLessThan(1e-3);
    expect(difference(kernel.topicTerm, reference.topicTerm)).toBeLessThan(1e-3);
    expect(Math.abs(kernel.score - reference.score)).toBeLessThan(1e-5);
  });

  it.each([1, 2, 3, 4])('merges half as many topics again, and loses no tokens by it in %i passes', async (passes) => {
    const [V, K] = [40, 5];
    const corpus = randomCorpus(90, V, 3, 2);
    const frequency = new Float64Array(V);
    corpus.term.forEach((w, i) => {
      frequency[w]! += corpus.count[i]!;
    });
    for (const precise of [false, true]) {
      const { topicTerm, tokens } = await collapsed(corpus, K, precise, passes);
      const ofTerm = frequency.map((_, w) => topicTerm.subarray(w * K, (w + 1) * K).reduce((a, b) => a + b));
      expect(difference(ofTerm, frequency)).toBeLessThan(1e-5);
      for (let d = 0; d < 90; d++) {
        const length = corpus.count.subarray(corpus.rowStart[d], corpus.rowStart[d + 1]).reduce((a, b) => a + b, 0);
        expect(tokens.subarray(d * K, (d + 1) * K).reduce((a, b) => a + b)).toBeCloseTo(length, 4);
      }
      // what a block has withdrawn is what it had: no topic is left with less than nothing
      expect(Math.min(...topicTerm)).toBeGreaterThan(-1e-6);
    }
  });

  it('leaves topics alone that have priors of their own', async () => {
    const corpus = randomCorpus(60, 20, 4, 2);
    const readAfterTwo = async (alpha: Float64Array) => {
      const priors = { alpha, eta: 0.03, learnAlpha: 'none', precise: false } as const;
      const stage = createCollapsedStage(corpus, null, { V: 20, K: 3, threads: 1 }, priors, random(8));
      for (let pass = 0; pass < 2; pass++) await stage.pass();
      const [topicTerm, gamma, found] = [new Float64Array(60), new Float64Array(180), new Float64Array(3)];
      stage.read(topicTerm, gamma, found);
      stage.close();
      expect(found).toEqual(alpha);
      return topicTerm;
    };
    // all but alike, two of them draw the same topics from the same noise; of the third, four were two more
    const [alone, also] = [
      await readAfterTwo(Float64Array.of(1, 1, 1.000001)),
      await readAfterTwo(Float64Array.of(1, 1, 1.000002)),
    ];
    const merged = await readAfterTwo(Float64Array.of(1, 1, 1));
    expect(difference(also, alone)).toBeLessThan(0.5);
    expect(difference(merged, alone)).toBeGreaterThan(0.5);
  });

  it('agrees with the reference where terms are repeated more often than they are drawn for', async () => {
    const corpus = randomCorpus(60, 40, 19, 90);
    const [kernel, reference] = [await collapsed(corpus, 9, false, 2), await collapsed(corpus, 9, true, 2)];
    expect(difference(kernel.tokens, reference.tokens)).toBeLessThan(1e-3);
    expect(difference(kernel.topicTerm, reference.topicTerm)).toBeLessThan(1e-3);
  });

  it('begins with an eighth of the documents, a quarter and half', () => {
    expect(orderOfFirstPass(16).join('')).toBe(['01', '01', '01', '01', '012', '012', '01234', '5678'].join(''));
    expect(orderOfFirstPass(8).join('')).toBe(['01', '01', '012', '34'].join(''));
    expect(orderOfFirstPass(4).join('')).toBe('012');
    expect(orderOfFirstPass(2).join('')).toBe('01');
  });

  it.each([2, 3, 4, 7, 15, 16, 17])('visits each of %i documents, and of others without terms', async (D) => {
    const corpus = corpusOf(
      Array.from({ length: 2 * D }, (_, d): [number, number][] =>
        d % 2 === 0
          ? [
              [d % 5, 3],
              [5, 1],
            ]
          : [],
      ),
      6,
    );
    for (const precise of [false, true]) {
      const { tokens } = await collapsed(corpus, 3, precise, 1);
      const lengths = Array.from({ length: 2 * D }, (_, d) =>
        tokens.subarray(3 * d, 3 * d + 3).reduce((a, b) => a + b),
      );
      expect(
        difference(
          lengths,
          lengths.map((_, d) => (d % 2 === 0 ? 4 : 0)),
        ),
      ).toBeLessThan(1e-5);
    }
  });

  it('learns from documents wherever those without terms lie between them', async () => {
    // of each 16 documents only the third and fourth have terms: 0 to 4, or 5 to 9
    const documents = Array.from({ length: 320 }, (_, d): [number, number][] => {
      const from = d % 16 === 2 ? 0 : 5;
      return d % 16 === 2 || d % 16 === 3 ? [0, 1, 2, 3, 4].map((w) => [from + w, 2]) : [];
    });
    const { topicTerm } = await collapsed(corpusOf(documents, 10), 2, false, 5);
    const shareOf = (w: number) => topicTerm[2 * w]! / (topicTerm[2 * w]! + topicTerm[2 * w + 1]!);
    const isFirst = shareOf(0) > 0.5;
    for (let w = 0; w < 10; w++) expect(Math.abs(shareOf(w) - (w < 5 === isFirst ? 1 : 0))).toBeLessThan(0.05);
  });

  it('leaves every term its tokens where blocks are of several chunks, and terms are not in all of them', async () => {
    // nine blocks, of two documents but one of four, which together have more entries than a chunk of 2^13
    const [V, K] = [4600, 130];
    const draws = random(31);
    const documents = Array.from({ length: 20 }, () =>
      Array.from({ length: V }, (_, w): [number, number] => [w, 1 + draws.integer(2)]).filter(
        () => draws.uniform() < 0.95,
      ),
    );
    const corpus = corpusOf(documents, V);
    expect(corpus.term.length / 10).toBeGreaterThan(1 << 13);
    const frequency = new Float64Array(V);
    corpus.term.forEach((w, i) => {
      frequency[w]! += corpus.count[i]!;
    });
    for (const precise of [false, true]) {
      const { topicTerm } = await collapsed(corpus, K, precise, 1);
      const found = frequency.map((_, w) => topicTerm.subarray(w * K, (w + 1) * K).reduce((a, b) => a + b));
      expect(difference(found, frequency)).toBeLessThan(1e-4);
    }
  });

  it('gives tokens the exact posterior of their topics, on average and after many rounds', () => {
    // three tokens of two terms in each of many documents alike, topics of other documents given
    const [K, D] = [3, 4000];
    const corpus = corpusOf(
      Array.from({ length: D }, () => [
        [0, 2],
        [1, 1],
      ]),
      2,
    );
    const alpha = [0.3, 0.1, 0.6];
    const beta = [
      [0.7, 0.2, 0.4],
      [0.3, 0.8, 0.6],
    ];
    const { arrays, ...steps } = createCollapsedKernel(
      { K, K4: 4, most: { entries: 2 * D, documents: D }, longest: 0, threads: 1 },
      {
        ...{ rowStart: D + 1, term: 2 * D, count: 2 * D, blockTerm: 2 },
        ...{ observedStart: 1, observedTerm: 0, observedCount: 0, otherStart: 1, otherTerm: 0, otherCount: 0 },
        ...{
          alpha: 4,
          scale: 4,
          frequency: 2,
          topics: 8,
          beta: 8,
          own: 8,
          tokens: 4 * D,
          drawn: 4,
          scores: 0,
        },
      },
    );
    arrays.rowStart.set(corpus.rowStart);
    arrays.term.set(corpus.term);
    arrays.count.set(corpus.count);
    arrays.blockTerm.set([0, 1]);
    arrays.alpha.set(alpha);
    arrays.scale.fill(1, 0, K);
    arrays.topics.set([...beta[0]!, 0, ...beta[1]!, 0]);
    const chunk = { from: 0, to: D };
    const block = { firstTerm: 0, terms: 2, chunks: [chunk] };
    steps.topics(block, 0, 0, 0);
    steps.documents(block, chunk, 20, 10, 5, 0);
    steps.tokens(block, new Float64Array(K));
    const found = [0, 4].map((row) => [...arrays.own.subarray(row, row + K)].map((n) => n / D));
    steps.close();

    // Σ over the topics of all three tokens of p(z, w): α's rising factorials and β
    const exact = [new Float64Array(K), new Float64Array(K)];
    let total = 0;
    for (let z = 0; z < K ** 3; z++) {
      const topics = [z % K, Math.floor(z / K) % K, Math.floor(z / K ** 2)];
      const counts = [0, 0, 0];
      let p = 1;
      topics.forEach((k, token) => {
        p *= (alpha[k]! + counts[k]!++) * beta[token < 2 ? 0 : 1]![k]!;
      });
      total += p;
      topics.forEach((k, token) => {
        exact[token < 2 ? 0 : 1]![k]! += p;
      });
    }
    for (const [w, row] of exact.entries()) {
      for (let k = 0; k < K; k++) expect(Math.abs(found[w]![k]! - row[k]! / total)).toBeLessThan(0.01);
    }
  });

  describe('where topics are drawn from Dir(η)', () => {
    const [V, K] = [300, 5];

    /** What was drawn, the topics it was drawn from (K×V), and a stage of four fifths of the documents. */
    function planted(eta: number, documents: number, precise = false) {
      const drawn = { documents, length: 80, V, K, alpha: 0.15, eta };
      const truth = drawTopics(drawn, random(2));
      const rows = Array.from(drawDocuments(drawn, truth, random(3)), ({ terms }) => {
        const counts = new Map<number, number>();
        for (const w of terms) counts.set(w, (counts.get(w) ?? 0) + 1);
        return [...counts];
      });
      const D = (4 / 5) * documents;
      const [fitted, heldOut] = [corpusOf(rows.slice(0, D), V), corpusOf(rows.slice(D), V)];
      const priors = { alpha: new Float64Array(K).fill(5 / K), eta: 0.03, learnAlpha: 'asymmetric', precise } as const;
      return { D, drawn, truth, stage: createCollapsedStage(fitted, heldOut, { V, K, threads: 1 }, priors, random(1)) };
    }

    it('completes documents as well as the true topics, and learns their α', async () => {
      const { D, drawn, truth, stage } = planted(0.05, 1000);
      for (let pass = 0; pass < 20; pass++) await stage.pass();
      const { score, eta } = stage.learnEta();
      const [topicTerm, alpha] = [new Float64Array(V * K), new Float64Array(K)];
      stage.read(topicTerm, new Float64Array(D * K), alpha);
      const sums = topicSums(topicTerm, V, K);
      const again = stage.score((rows, width) => {
        for (let i = 0; i < V * K; i++) {
          const k = i % K;
          rows[Math.floor(i / K) * width + k] = (topicTerm[i]! + eta) / (sums[k]! + eta * V);
        }
      }, alpha);
      const best = stage.score((rows, width) => {
        for (let k = 0; k < K; k++) for (let w = 0; w < V; w++) rows[w * width + k] = truth[k * V + w]!;
      }, new Float64Array(K).fill(drawn.alpha));
      stage.close();
      expect(again).toBeCloseTo(score, 5);
      expect(best - score).toBeLessThan(0.008);
      const total = alpha.reduce((a, b) => a + b);
      expect(total / (drawn.alpha * K)).toBeGreaterThan(0.9);
      expect(total / (drawn.alpha * K)).toBeLessThan(1.05);
    });

    it('learns η of few documents, up or down', async () => {
      const learned: number[] = [];
      for (const eta of [0.003, 1]) {
        const { stage } = planted(eta, 100);
        for (let pass = 1; pass <= 25; pass++) {
          await stage.pass();
          if (pass % 5 === 0) learned.push(stage.learnEta().eta);
        }
        stage.close();
      }
      expect(learned[4]).toBeLessThanOrEqual(0.015);
      expect(learned[9]).toBeGreaterThanOrEqual(0.24);
    });

    it('learns the η of the reference', async () => {
      const [kernel, reference] = [false, true].map(async (precise) => {
        const { stage } = planted(0.003, 100, precise);
        for (let pass = 0; pass < 4; pass++) await stage.pass();
        const learned = stage.learnEta();
        stage.close();
        return learned;
      });
      const [{ score, eta }, truth] = [await kernel!, await reference!];
      expect(eta).toBe(0.015);
      expect(truth.eta).toBe(eta);
      expect(score).toBeCloseTo(truth.score, 3);
    });
  });

  describe('where documents have few of many topics', () => {
    // eight themes of thirty terms each, one of them in a document but for a term in ten, no term twice
    const K = 24;
    const draws = random(7);
    const documents = Array.from({ length: 240 }, (_, d) => {
      const terms = new Set<number>();
      for (let n = 12 + draws.integer(20); n > 0; n--)
        terms.add(draws.integer(10) === 0 ? draws.integer(240) : 30 * (d % 8) + draws.integer(30));
      return [...terms].map((w): [number, number] => [w, 1]);
    });
    const short = Array.from({ length: 40 }, (_, d) =>
      Array.from({ length: 2 + (d % 3) }, (_, i): [number, number] => [30 * (d % 8) + 7 * i, 1]),
    );
    const corpus = corpusOf([...documents, ...short, [[3, 1]], [], [[39, 2]]], 240);
    const all = corpus.count.reduce((a, b) => a + b, 0);

    it.each([
      [9, 4],
      [24, 4],
      [60, 3],
    ])('of K = %i topics agrees with the reference after %i passes', async (K, passes) => {
      const [kernel, reference] = [await collapsed(corpus, K, false, passes), await collapsed(corpus, K, true, passes)];
      expect(difference(kernel.tokens, reference.tokens)).toBeLessThan(1e-3);
      expect(difference(kernel.topicTerm, reference.topicTerm)).toBeLessThan(1e-3);
    });

    it.each([false, true])('loses and invents no token (precise: %s)', async (precise) => {
      const { topicTerm, tokens, alpha } = await collapsed(corpus, K, precise, 14);
      expect(topicTerm.reduce((a, b) => a + b) / all).toBeCloseTo(1, 5);
      expect(tokens.reduce((a, b) => a + b) / all).toBeCloseTo(1, 5);
      expect([...alpha].every((a) => a > 0)).toBe(true);
    });

    it('draws the topics of the reference', async () => {
      const [kernel, reference] = [await collapsed(corpus, K, false, 7), await collapsed(corpus, K, true, 7)];
      const total = (values: Float64Array) => values.reduce((a, b) => a + b);
      expect(total(reference.alpha)).not.toBeCloseTo(4.8, 1);
      expect(Math.abs(total(kernel.alpha) / total(reference.alpha) - 1)).toBeLessThan(0.02);
    });
  });

  it('learns the α of the reference, whose draws are the same', async () => {
    const corpus = randomCorpus(400, 40, 3);
    const [kernel, reference] = [await collapsed(corpus, 3, false, 9), await collapsed(corpus, 3, true, 9)];
    const total = (values: Float64Array) => values.reduce((a, b) => a + b);
    expect(total(reference.alpha)).not.toBeCloseTo(0.6, 2);
    expect(Math.abs(total(kernel.alpha) / total(reference.alpha) - 1)).toBeLessThan(0.05);
  });

  it.each([1e6, 118_898_936, 4_294_967_295])(
    'keeps the tokens of a term that a document has %i times',
    async (often) => {
      const corpus = corpusOf(
        [
          [[0, often]],
          [[0, 5]],
          [[1, 7]],
          [
            [0, 9],
            [1, often],
            [2, 1],
          ],
        ],
        3,
      );
      for (const precise of [false, true]) {
        const { tokens } = await collapsed(corpus, 5, precise, 6);
        [often, 5, 7, often + 10].forEach((length, d) => {
          const sum = tokens.subarray(d * 5, (d + 1) * 5).reduce((a, b) => a + b);
          expect(Math.abs(sum - length)).toBeLessThanOrEqual(1e-5 * length);
        });
        expect(tokens.every((n) => n >= 0)).toBe(true);
      }
    },
  );

  it('keeps the tokens of documents of one term, of a million tokens of one term, and without terms', async () => {
    const rare: [number, number][] = [[0, 1]];
    const often: [number, number][] = [
      [0, 3],
      [1, 1_000_000],
      [2, 1],
    ];
    const corpus = corpusOf([rare, [], [[2, 1_000_000]], often, [], rare], 3);
    for (const precise of [false, true]) {
      const { tokens } = await collapsed(corpus, 5, precise, 8);
      [1, 0, 1_000_000, 1_000_004, 0, 1].forEach((length, d) => {
        const sum = tokens.subarray(d * 5, (d + 1) * 5).reduce((a, b) => a + b);
        expect(Math.abs(sum - length)).toBeLessThanOrEqual(1e-5 * length);
      });
    }
  });

  it('loses and invents no token', async () => {
    const corpus = randomCorpus(70, 30, 12);
    const { topicTerm, tokens } = await collapsed(corpus, 7, false, 8);
    const all = corpus.count.reduce((a, b) => a + b, 0);
    expect(topicTerm.reduce((a, b) => a + b) / all).toBeCloseTo(1, 5);
    expect(tokens.reduce((a, b) => a + b) / all).toBeCloseTo(1, 5);
  });
});
