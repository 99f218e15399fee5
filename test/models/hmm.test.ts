/**
 * The hidden Markov model against hmmlearn 0.3.3 (test/fixtures/hmmlearn/hmm.json, made by make/hmmlearn_hmm.py) and
 * against the sum over all paths.
 */
import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { cutBlocks } from '../../src/em/blocks.js';
import { fit as iterations } from '../../src/em/fit.js';
import { allocateState, allocateSums, clear } from '../../src/em/state.js';
import { UserError } from '../../src/errors.js';
import { random } from '../../src/math/random.js';
import { exp, log, logSumExp } from '../../src/math/special.js';
import { createHmm, hmmSettings } from '../../src/models/hmm.js';
import { withDefaults } from '../../src/settings.js';
import { fixture, segmentedCorpus } from '../_corpora.js';
import { rows } from './gaps/hmm.js';

const hmmlearn = JSON.parse(fixture('hmmlearn/hmm.json'));
const K: number = hmmlearn.S;
const V: number = hmmlearn.V;
/** Tokens as segments. */
const sequences: number[][] = hmmlearn.sequences;
const tokens = segmentedCorpus(
  sequences.map((sequence) => sequence.map((w) => [w])),
  V,
);

/** By the kernels, and by the loops they are checked against. */
const BOTH = [false, true];

type Given = Partial<Record<keyof typeof hmmSettings, unknown>>;

function made(given: Given, corpus: Corpus, K: number) {
  const dims = { V: corpus.vocabulary.length, K };
  const model = createHmm(withDefaults(hmmSettings, given), dims);
  const state = allocateState(model, dims, documentCount(corpus));
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(7));
  const data = model.prepare(corpus, state);
  model.resetPosterior(data, state);
  return { model, state, sums, data, D: documentCount(corpus) };
}

/** Rows of K topics over V terms as V×K. */
function byTerm(topics: readonly (readonly number[])[]): number[] {
  return topics[0]!.flatMap((_, w) => topics.map((topic) => topic[w]!));
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

function trace({ model, state, sums, data, D }: ReturnType<typeof made>, iterations: number): number[] {
  return Array.from({ length: iterations }, () => {
    clear(sums);
    model.globalTerms(state, sums.terms);
    model.eStep(data, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
    return sums.terms.reduce((a, b) => a + b);
  });
}

describe.each(BOTH)('Baum–Welch (precise %s)', (precise) => {
  const fitted = made({ inference: 'em', alpha: 0, eta: 0, precise }, tokens, K);
  const { params } = fitted.state;
  params['start']!.set(hmmlearn.start.pi);
  params['transition']!.set(hmmlearn.start.A.flat());
  params['beta']!.set(byTerm(hmmlearn.start.B));
  fitted.model.derive(fitted.state);
  const likelihoods = trace(fitted, 50);

  it('meets the log likelihood of 50 iterations of hmmlearn to 1e-9', () => {
    const expected: number[] = hmmlearn.em.log_likelihood;
    expect(farthest(likelihoods, expected)).toBeLessThan(1e-9 * Math.abs(expected[0]!));
  });

  it('ends at the parameters of hmmlearn', () => {
    expect(farthest(params['start']!, hmmlearn.em.pi)).toBeLessThan(1e-9);
    expect(farthest(params['transition']!, hmmlearn.em.A.flat())).toBeLessThan(1e-9);
    expect(farthest(params['beta']!, byTerm(hmmlearn.em.B))).toBeLessThan(1e-9);
  });

  it('finds the path and the posteriors of hmmlearn', () => {
    const found = sequences.map((_, d) => fitted.model.segmentation!(fitted.data, fitted.state, d));
    expect(farthest(found[0]!.posterior, hmmlearn.em.posteriors_of_first_sequence.flat())).toBeLessThan(1e-9);
    const { logStart, logTransition, logBeta } = fitted.state.derived;
    const weigh = (sequence: number[], path: readonly number[]) =>
      sequence.reduce(
        (sum, w, t) =>
          sum +
          (t === 0 ? logStart![path[0]!]! : logTransition![path[t - 1]! * K + path[t]!]!) +
          logBeta![w * K + path[t]!]!,
        0,
      );
    let at = 0;
    let total = 0;
    let other = 0;
    sequences.forEach((sequence, d) => {
      const path = [...found[d]!.path];
      const theirs: number[] = hmmlearn.em.viterbi_path.slice(at, at + sequence.length);
      at += sequence.length;
      total += weigh(sequence, path);
      // Paths of the same steps in another order are equally likely
      expect(Math.abs(weigh(sequence, path) - weigh(sequence, theirs))).toBeLessThan(1e-9);
      other += path.filter((k, t) => k !== theirs[t]).length;
    });
    expect(Math.abs(total - hmmlearn.em.viterbi_log_probability)).toBeLessThan(1e-8);
    expect(other).toBeLessThan(0.05 * at);
  });
});

describe.each(BOTH)('the variational HMM (precise %s)', (precise) => {
  it('meets the bound of 60 iterations of hmmlearn, and its posterior, to 1e-8', () => {
    // hmmlearn has one prior of all Dirichlets each: 1/3 of π and A, 1/12 of B
    const fitted = made({ inference: 'vb', alpha: 1 / K, eta: 1 / V, 'learn-eta': false, precise }, tokens, K);
    const { params } = fitted.state;
    const N = sequences.flat().length;
    const B = byTerm(hmmlearn.start.B);
    hmmlearn.start.pi.forEach((p: number, k: number) => {
      params['start']![k] = 1 / K + 40 * p;
    });
    hmmlearn.start.A.flat().forEach((p: number, i: number) => {
      params['transition']![i] = 1 / K + (N / K) * p;
    });
    B.forEach((p, i) => {
      params['lambda']![i] = 1 / V + (N / K) * p;
    });
    fitted.model.derive(fitted.state);
    const expected: number[] = hmmlearn.vb.elbo;
    const bounds = trace(fitted, expected.length);
    expect(farthest(bounds, expected)).toBeLessThan(1e-8 * Math.abs(expected[0]!));
    expect(farthest(params['start']!, hmmlearn.vb.pi)).toBeLessThan(1e-6);
    expect(farthest(params['transition']!, hmmlearn.vb.A.flat())).toBeLessThan(1e-6);
    expect(farthest(params['lambda']!, byTerm(hmmlearn.vb.B))).toBeLessThan(1e-6);
  });

  it('refuses priors that its expectations cannot hold', () => {
    expect(() => made({ inference: 'vb', eta: 0 }, tokens, 2)).toThrow(UserError);
    expect(() => made({ inference: 'vb', alpha: 0.001 }, tokens, 2)).toThrow(/--alpha: got 0.001/);
  });
});

/** Every path of a document, with ln of its weight. */
function paths(
  segments: readonly (readonly number[])[],
  K: number,
  { logStart, logTransition, logBeta }: Record<string, Float64Array>,
) {
  let all: { path: number[]; weight: number }[] = [{ path: [], weight: 0 }];
  for (const tokens of segments) {
    all = all.flatMap(({ path, weight }) =>
      Array.from({ length: K }, (_, k) => {
        const step = path.length === 0 ? logStart![k]! : logTransition![path.at(-1)! * K + k]!;
        return { path: [...path, k], weight: weight + step + tokens.reduce((sum, w) => sum + logBeta![w * K + k]!, 0) };
      }),
    );
  }
  return all;
}

const CASES = (['em', 'vb'] as const).flatMap((inference) => BOTH.map((precise) => ({ inference, precise })));

describe.each(CASES)('forward–backward ($inference, precise $precise)', ({ inference, precise }) => {
  /** Tokens of a term, so many that its probability underflows. */
  const many = (w: number, n: number) => new Array<number>(n).fill(w);
  const documents: number[][][] = [
    [[0, 1], [2], [], [3, 3, 0], [1]],
    [[], [1, 1], []],
    [many(0, 400), many(3, 900), [2], many(1, 2000), many(0, 30)],
    [[2]],
  ];
  const corpus = segmentedCorpus(documents, 4);
  const fitted = made({ inference, start: 'random', precise }, corpus, 3);
  const { model, state, data, sums } = fitted;
  const K = 3;
  if (inference === 'em') {
    // Transitions and terms that cannot be
    state.params['transition']!.set([0.9, 0.1, 0, 0, 1, 0, 0.3, 0.3, 0.4]);
    state.params['start']!.set([1, 0, 0]);
    state.params['beta']!.set([0.9, 0, 0.2, 0.05, 0.5, 0.3, 0.05, 0.5, 0.3, 0, 0, 0.2]);
  } else trace(fitted, 2);
  model.derive(state);

  it.each(documents.map((_, d) => d))('is the sum over all paths of document %i', (d) => {
    const all = paths(documents[d]!, K, state.derived);
    const weights = all.map(({ weight }) => weight);
    const logZ = logSumExp(weights);
    clear(sums);
    model.eStep(data, d, d + 1, state, sums, 'warm');
    expect(Math.abs(sums.terms[0]! + sums.terms[1]! + sums.terms[2]! - logZ)).toBeLessThan(
      1e-12 * Math.abs(logZ) + 1e-12,
    );

    const T = documents[d]!.length;
    const posterior = new Float64Array(T * K);
    const visits = new Float64Array(K * K);
    all.forEach(({ path, weight }) => {
      const q = exp(weight - logZ);
      path.forEach((k, t) => {
        posterior[t * K + k]! += q;
        if (t > 0) visits[path[t - 1]! * K + k]! += q;
      });
    });
    const segmentation = model.segmentation!(data, state, d);
    expect(farthest(segmentation.posterior, posterior)).toBeLessThan(1e-10);
    expect(farthest(sums.statistics['transition']!, visits)).toBeLessThan(1e-10);
    const best = all.reduce((a, b) => (b.weight > a.weight ? b : a));
    expect(
      paths(documents[d]!, K, state.derived).find(({ path }) => String(path) === String([...segmentation.path]))!
        .weight,
    ).toBe(best.weight);
    const length = documents[d]!.flat().length;
    const share = Float64Array.from({ length: K }, (_, k) =>
      documents[d]!.reduce((sum, tokens, t) => sum + (tokens.length * posterior[t * K + k]!) / length, 0),
    );
    expect(farthest(state.posterior['theta']!.subarray(d * K, (d + 1) * K), share)).toBeLessThan(1e-10);
  });
});

describe('gaps', () => {
  it.each(rows)('of $name: log evidence − bound is KL(q ‖ p) to 1e-10', ({ exact, gap }) => {
    for (const K of [1, 2, 3]) {
      for (let seed = 1; seed <= 6; seed++) {
        const { logEvidence, bound, kl } = gap(K, seed);
        expect(Math.abs(logEvidence - bound - kl)).toBeLessThan(1e-10);
        if (exact) expect(Math.abs(kl)).toBeLessThan(1e-10);
        else if (K > 1) expect(kl).toBeGreaterThan(1e-3);
      }
    }
  });
});

describe.each(BOTH)('a fit (precise %s)', (precise) => {
  /** Three topics of ten terms each; a topic stays for ten segments on average. */
  function planted() {
    const draws = random(3);
    const topics: number[][] = [];
    const documents = Array.from({ length: 60 }, () => {
      let topic = draws.integer(3);
      const path: number[] = [];
      const segments = Array.from({ length: 40 }, () => {
        if (draws.uniform() < 0.1) topic = (topic + 1 + draws.integer(2)) % 3;
        path.push(topic);
        return Array.from({ length: draws.integer(6) }, () =>
          draws.uniform() < 0.7 ? 10 * topic + draws.integer(10) : draws.integer(30),
        );
      });
      topics.push(path);
      return segments;
    });
    return { corpus: segmentedCorpus(documents, 30), topics };
  }

  it.each(['vb', 'em'] as const)(
    'recovers planted topics and changes of topic (%s), never falling',
    async (inference) => {
      const { corpus, topics } = planted();
      const { model, state, sums, data, D } = made({ inference, 'learn-eta': false, precise }, corpus, 3);
      const options = { iterations: 60, tolerance: 1e-9, softIterations: 5 };
      // The driver throws where the objective falls
      let last = 0;
      for await (const { objective, terms } of iterations(
        model,
        data,
        cutBlocks(corpus.rowStart, 200),
        state,
        sums,
        options,
      )) {
        expect(Math.abs(terms.reduce((a, b) => a + b) - objective)).toBeLessThan(1e-10 * Math.abs(objective));
        last = objective;
      }
      expect(last).toBeLessThan(0);
      const probability = model.readings['probability']!(state);
      const found = Array.from({ length: 3 }, (_, k) =>
        [0, 1, 2].reduce((best, b) => (probability[10 * b * 3 + k]! > probability[10 * best * 3 + k]! ? b : best)),
      );
      expect([...found].sort()).toEqual([0, 1, 2]);
      let right = 0;
      for (let d = 0; d < D; d++)
        model.segmentation!(data, state, d).path.forEach((k, t) => {
          if (found[k] === topics[d]![t]) right++;
        });
      expect(right / (40 * D)).toBeGreaterThan(0.9);
      for (let k = 0; k < 3; k++) {
        const { expected_duration, transition } = model.facts(state, k);
        expect(expected_duration).toBeGreaterThan(7);
        expect(expected_duration).toBeLessThan(14);
        expect((transition as number[]).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }
    },
  );

  it('does the same to documents in two parts as to all at once', () => {
    const { corpus } = planted();
    for (const inference of ['vb', 'em']) {
      const whole = made({ inference, precise }, corpus, 3);
      const parts = made({ inference, precise }, corpus, 3);
      whole.model.eStep(whole.data, 0, whole.D, whole.state, whole.sums, 'warm');
      parts.model.eStep(parts.data, 0, 17, parts.state, parts.sums, 'warm');
      parts.model.eStep(parts.data, 17, parts.D, parts.state, parts.sums, 'warm');
      expect(parts.state.posterior).toEqual(whole.state.posterior);
      expect(farthest(parts.sums.terms, whole.sums.terms)).toBeLessThan(1e-9);
      for (const name of Object.keys(whole.sums.statistics))
        expect(farthest(parts.sums.statistics[name]!, whole.sums.statistics[name]!)).toBeLessThan(1e-9);
    }
  });

  it('takes documents without tokens, without segments, and K = 1', () => {
    const filled = segmentedCorpus([[[0, 1], [1]], [[2]]], 3);
    const holed = segmentedCorpus([[], [[0, 1], [1]], [[], []], [[2]], []], 3);
    for (const inference of ['vb', 'em']) {
      for (const K of [1, 2]) {
        const a = made({ inference, precise }, filled, K);
        const b = made({ inference, precise }, holed, K);
        a.state.params[inference === 'vb' ? 'lambda' : 'beta']!.forEach((p, i) => {
          b.state.params[inference === 'vb' ? 'lambda' : 'beta']![i] = p;
        });
        b.model.derive(b.state);
        expect(farthest(trace(b, 8), trace(a, 8))).toBeLessThan(1e-12);
        const theta = new Float64Array(K);
        for (let d = 0; d < b.D; d++) {
          b.model.proportions(b.state, d, theta);
          expect(theta.reduce((x, y) => x + y)).toBeCloseTo(1, 12);
        }
        for (const arrays of [b.state.params, b.state.derived, b.state.posterior])
          for (const array of Object.values(arrays)) expect(array.every(Number.isFinite)).toBe(true);
        expect(b.model.segmentation!(b.data, b.state, 0).path.length).toBe(0);
        expect(b.model.segmentation!(b.data, b.state, 2).path.length).toBe(2);
      }
    }
  });

  it('takes a corpus without segments as documents of one segment each: a mixture', () => {
    const { segments, ...corpus } = segmentedCorpus([[[0, 0, 1]], [[1, 2]]], 3);
    const fitted = made({ inference: 'em', alpha: 0, eta: 0, start: 'random', precise }, corpus, 2);
    const { logStart, logBeta } = fitted.state.derived;
    const mixture = [
      [0, 0, 1],
      [1, 2],
    ].reduce(
      (sum, words) =>
        sum + logSumExp([0, 1].map((k) => words.reduce((s, w) => s + logBeta![w * 2 + k]!, logStart![k]!))),
      0,
    );
    expect(trace(fitted, 1)[0]).toBeCloseTo(mixture, 12);
    expect(segments).toBeDefined();
  });

  it('gives a term that no topic has seen a probability, in all readings of it', () => {
    const corpus = segmentedCorpus([[[0], [0, 1]]], 3);
    const fitted = made({ inference: 'em', alpha: 0, eta: 0, precise }, corpus, 2);
    trace(fitted, 20);
    const unseen = segmentedCorpus([[[2], [0]]], 3);
    const state = { ...fitted.state, posterior: { theta: new Float64Array(2) } };
    fitted.model.eStep(fitted.model.prepare(unseen, state), 0, 1, state, { ...fitted.sums, statistics: null }, 'cold');
    expect(state.posterior.theta.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(log(fitted.model.predictor!(state)(0, 2))).toBeGreaterThan(-101);
  });
});
