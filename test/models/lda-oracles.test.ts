/**
 * LDA against other implementations. Figures: test/fixtures/lda-c (lda-c of Blei on 60 AP documents, K = 5, topics
 * started from documents 0, 10, 20, 30, 40) and test/fixtures/scikit-learn/lda.json (scikit-learn 1.9).
 */
import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { infer } from '../../src/em/infer.js';
import { allocateState, allocateSums, clear } from '../../src/em/state.js';
import { learnSymmetricPrior } from '../../src/math/dirichlet.js';
import { digamma, exp, lgamma, log } from '../../src/math/special.js';
import { createLda, ldaSettings } from '../../src/models/lda.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf, fixture, ldacFixture, numbersFixture } from '../_corpora.js';

const V = 3760;
const K = 5;
const corpus = ldacFixture('lda-c/corpus.ldac', V);
const D = documentCount(corpus);

/** The largest |a − b| / |b|. */
function largestRelative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!) / Math.abs(b[i]!));
  return largest;
}

/** lda-c's `manual` start: topic k is 1 + the counts of a document. V×K. */
function manualTopics(): Float64Array {
  const topics = new Float64Array(V * K).fill(1);
  [0, 10, 20, 30, 40].forEach((d, k) => {
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
      topics[corpus.term[i]! * K + k]! += corpus.count[i]!;
  });
  for (let k = 0; k < K; k++) {
    let sum = 0;
    for (let w = 0; w < V; w++) sum += topics[w * K + k]!;
    for (let w = 0; w < V; w++) topics[w * K + k]! /= sum;
  }
  return topics;
}

describe.each(['fixed', 'estimate'] as const)('lda-c with alpha %s', (mode) => {
  it('and E-steps run to their fixed point is met to 2e-6 on the way and 1e-9 at the end', async () => {
    const expected = numbersFixture(`lda-c/${mode}-tight-likelihood.dat`).map(([bound]) => bound!);
    const settings = {
      beta: 'point',
      precise: true,
      alpha: '0.5',
      'learn-alpha': mode === 'fixed' ? 'none' : 'symmetric',
      'e-step-iterations': 5000,
      'e-step-tolerance': 1e-13,
    };
    const model = createLda(withDefaults(ldaSettings, { inference: 'vb', ...settings }), { V, K });
    const state = allocateState(model, { V, K }, D);
    const sums = allocateSums(model, { V, K });
    state.params['alpha']!.fill(0.5);
    state.params['beta']!.set(manualTopics());
    model.derive(state);
    const bounds = expected.map(() => {
      clear(sums);
      model.eStep(corpus, 0, D, state, sums, 'cold');
      const bound = sums.terms.reduce((a, b) => a + b);
      model.mStep(state, sums.statistics, false);
      return bound;
    });
    expect(largestRelative(bounds, expected)).toBeLessThan(2e-6);
    expect(Math.abs(bounds.at(-1)! / expected.at(-1)! - 1)).toBeLessThan(1e-9);

    if (mode === 'estimate') {
      expect(state.params['alpha']![0]).toBeCloseTo(
        Number(/alpha (\S+)/.exec(fixture('lda-c/estimate-tight-final.other'))![1]),
        7,
      );
    }
    const unseen = ldacFixture('lda-c/unseen.ldac', V);
    const seen = { ...state, posterior: { gamma: new Float64Array(documentCount(unseen) * K) } };
    const total = (await infer(model, unseen, [0, documentCount(unseen)], seen)).reduce((a, b) => a + b);
    const unseenBounds = numbersFixture(`lda-c/${mode}-tight-unseen-bound.dat`).map(([bound]) => bound!);
    expect(Math.abs(total / unseenBounds.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-6);
  }, 60_000);

  it('is met bound by bound to 1e-9, and in gamma to 1e-7, by its own order of word-by-word updates', () => {
    const expected = numbersFixture(`lda-c/${mode}-likelihood.dat`).map(([bound]) => bound!);
    const expectedGamma = numbersFixture(`lda-c/${mode}-final.gamma`).flat();
    const { bounds, gamma } = ldaC(corpus, manualTopics(), 0.5, mode === 'estimate', expected.length);
    expect(largestRelative(bounds, expected)).toBeLessThan(1e-9);
    expect(largestRelative(gamma, expectedGamma)).toBeLessThan(1e-7);
  }, 60_000);
});

/** EM of Blei, Ng & Jordan 2003 in lda-c's order: a term at a time, γ moved after each; at most 20 sweeps, change 1e-6. */
function ldaC(
  { rowStart, term, count }: Corpus,
  beta: Float64Array,
  alpha: number,
  estimate: boolean,
  iterations: number,
) {
  const logBeta = beta.map((p) => (p > 0 ? log(p) : -100));
  const gamma = new Float64Array(D * K);
  const bounds: number[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const statistics = new Float64Array(V * K);
    let alphaStatistic = 0;
    let total = 0;
    for (let d = 0; d < D; d++) {
      const [from, to] = [rowStart[d]!, rowStart[d + 1]!];
      let length = 0;
      for (let i = from; i < to; i++) length += count[i]!;
      const g = gamma.subarray(d * K, (d + 1) * K).fill(alpha + length / K);
      const psi = g.map(digamma);
      const phi = new Float64Array((to - from) * K).fill(1 / K);
      let bound = 0;
      for (let sweep = 0, converged = 1; sweep < 20 && converged > 1e-6; sweep++) {
        for (let i = from; i < to; i++) {
          const p = phi.subarray((i - from) * K, (i - from + 1) * K);
          const old = p.slice();
          let sum = 0;
          for (let k = 0; k < K; k++) sum += p[k] = exp(psi[k]! + logBeta[term[i]! * K + k]!);
          for (let k = 0; k < K; k++) {
            p[k]! /= sum;
            g[k]! += count[i]! * (p[k]! - old[k]!);
            psi[k] = digamma(g[k]!);
          }
        }
        const previous = bound;
        bound = boundOf(d, phi, g);
        converged = sweep === 0 ? 1 : (previous - bound) / previous;
      }
      total += bound;
      for (let i = from; i < to; i++)
        for (let k = 0; k < K; k++) statistics[term[i]! * K + k]! += count[i]! * phi[(i - from) * K + k]!;
      for (let k = 0; k < K; k++) alphaStatistic += digamma(g[k]!) - digamma(g.reduce((a, b) => a + b));
    }
    bounds.push(total);
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let w = 0; w < V; w++) sum += statistics[w * K + k]!;
      for (let w = 0; w < V; w++)
        logBeta[w * K + k] = statistics[w * K + k]! > 0 ? log(statistics[w * K + k]!) - log(sum) : -100;
    }
    if (estimate) alpha = learnSymmetricPrior(alpha, K, alphaStatistic / D, D);
  }
  return { bounds, gamma };

  function boundOf(d: number, phi: Float64Array, g: Float64Array): number {
    const sum = g.reduce((a, b) => a + b);
    let bound = lgamma(alpha * K) - K * lgamma(alpha) - lgamma(sum);
    for (let k = 0; k < K; k++) {
      const logTheta = digamma(g[k]!) - digamma(sum);
      bound += (alpha - 1) * logTheta + lgamma(g[k]!) - (g[k]! - 1) * logTheta;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
        const p = phi[(i - rowStart[d]!) * K + k]!;
        if (p > 0) bound += count[i]! * p * (logTheta - log(p) + logBeta[term[i]! * K + k]!);
      }
    }
    return bound;
  }
}

describe('scikit-learn', () => {
  interface Figures {
    documents: [number, number][][];
    V: number;
    K: number;
    alpha: number;
    eta: number;
    lambda_start: number[][];
    elbo: number[];
    lambda_end: number[][];
    gamma_last: number[][];
    one_e_step: { alpha: number; gamma: number[][]; approx_bound: number };
  }
  const figures = JSON.parse(fixture('scikit-learn/lda.json')) as Figures;
  const small = corpusOf(figures.documents, figures.V);
  const dims = { V: figures.V, K: figures.K };

  function start(settings: Record<string, unknown>, alpha: number) {
    const model = createLda(
      withDefaults(ldaSettings, { precise: true, 'learn-alpha': 'none', 'learn-eta': false, ...settings }),
      dims,
    );
    const state = allocateState(model, dims, documentCount(small));
    state.params['alpha']!.fill(alpha);
    state.params['eta']![0] = figures.eta;
    for (let k = 0; k < dims.K; k++)
      for (let w = 0; w < dims.V; w++) state.params['lambda']![w * dims.K + k] = figures.lambda_start[k]![w]!;
    model.derive(state);
    return { model, state, sums: allocateSums(model, dims) };
  }

  it("'s batch EM from a given lambda, E-steps from gamma = 1, is met to 1e-6 in the bound, lambda and gamma", () => {
    const { model, state, sums } = start({ 'e-step-iterations': 10_000, 'e-step-tolerance': 1e-14 }, figures.alpha);
    const bounds = figures.elbo.map(() => {
      clear(sums);
      state.posterior['gamma']!.fill(1);
      model.globalTerms(state, sums.terms);
      model.eStep(small, 0, documentCount(small), state, sums, 'warm');
      model.mStep(state, sums.statistics, false);
      return sums.terms.reduce((a, b) => a + b);
    });
    expect(largestRelative(bounds, figures.elbo)).toBeLessThan(1e-8);
    const lambda = figures.lambda_end.flatMap((row, k) => row.map((_, w) => state.params['lambda']![w * dims.K + k]!));
    expect(largestRelative(lambda, figures.lambda_end.flat())).toBeLessThan(1e-6);
    expect(largestRelative(state.posterior['gamma']!, figures.gamma_last.flat())).toBeLessThan(1e-6);
  });

  it("'s one E-step under its own stopping rule, mean |Δγ| < 1e-3, is met to 1e-6 in gamma and the bound", () => {
    let bound = 0;
    const gamma: number[] = [];
    for (let d = 0; d < documentCount(small); d++) {
      let tokens = 0;
      for (let i = small.rowStart[d]!; i < small.rowStart[d + 1]!; i++) tokens += small.count[i]!;
      const settings = { 'e-step-iterations': 100, 'e-step-tolerance': (1e-3 * dims.K) / tokens };
      const { model, state, sums } = start(settings, figures.one_e_step.alpha);
      state.posterior['gamma']!.fill(1);
      if (d === 0) model.globalTerms(state, sums.terms);
      model.eStep(small, d, d + 1, state, sums, 'warm');
      bound += sums.terms.reduce((a, b) => a + b);
      gamma.push(...state.posterior['gamma']!.subarray(d * dims.K, (d + 1) * dims.K));
    }
    expect(largestRelative(gamma, figures.one_e_step.gamma.flat())).toBeLessThan(1e-6);
    expect(Math.abs(bound / figures.one_e_step.approx_bound - 1)).toBeLessThan(1e-6);
  });
});
