/**
 * log evidence − bound = KL(q ‖ p): on corpora so small that every assignment of topics to tokens can be visited, the
 * evidence is exact, and so is the divergence, computed here from its definition
 *
 *     KL = Σ_z q(z) [ ln q(z) − ln p(z | w) + Σ_d KL(q(θ_d) ‖ p(θ_d | z_d)) + Σ_k KL(q(β_k) ‖ p(β_k | z, w)) ].
 */
import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { digamma, exp, lgamma, log, logSumExp } from '../../src/math/special.js';
import { createLda, ldaSettings } from '../../src/models/lda.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';

const tiny = corpusOf(
  [
    [
      [0, 2],
      [1, 1],
    ],
    [
      [1, 1],
      [2, 2],
    ],
    [],
    [
      [2, 1],
      [3, 2],
    ],
  ],
  4,
);

/** The tokens of a corpus, one [document, term] an occurrence. */
function tokensOf({ rowStart, term, count }: Corpus): [number, number][] {
  const tokens: [number, number][] = [];
  for (let d = 0; d + 1 < rowStart.length; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++)
      for (let n = 0; n < count[i]!; n++) tokens.push([d, term[i]!]);
  }
  return tokens;
}

/** Every assignment of K values to n places. */
function* assignments(n: number, K: number): Generator<number[]> {
  const z = new Array<number>(n).fill(0);
  for (;;) {
    yield z;
    let i = 0;
    while (i < n && ++z[i]! === K) z[i++] = 0;
    if (i === n) return;
  }
}

function logDirichletNormaliser(a: readonly number[]): number {
  return a.reduce((sum, x) => sum + lgamma(x), 0) - lgamma(a.reduce((sum, x) => sum + x));
}

function klDirichlet(q: readonly number[], p: readonly number[]): number {
  const sum = q.reduce((total, x) => total + x);
  return q.reduce(
    (kl, x, i) => kl + (x - p[i]!) * (digamma(x) - digamma(sum)),
    logDirichletNormaliser(p) - logDirichletNormaliser(q),
  );
}

/** Fits LDA for a few E- and M-steps from a seed, then sums over all assignments. */
function gapOfLda(corpus: Corpus, K: number, beta: 'dirichlet' | 'point', seed: number) {
  const V = corpus.vocabulary.length;
  const D = documentCount(corpus);
  const dims = { V, K };
  const model = createLda(withDefaults(ldaSettings, { beta, alpha: '0.7', eta: 0.4 }), dims);
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  model.resetPosterior(corpus, state);
  for (let step = 0; step < seed % 4; step++) {
    model.eStep(corpus, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
    for (const sum of Object.values(sums.statistics)) sum.fill(0);
  }
  sums.terms.fill(0);
  model.eStep(corpus, 0, D, state, sums, 'warm');
  model.globalTerms(state, sums.terms);
  const bound = sums.terms.reduce((a, b) => a + b);

  const alpha = [...state.params['alpha']!];
  const gamma = (d: number) => [...state.posterior['gamma']!.subarray(d * K, (d + 1) * K)];
  const topicOf = (array: Float64Array, k: number) => Array.from({ length: V }, (_, w) => array[w * K + k]!);
  const tokens = tokensOf(corpus);
  const logPhi = tokens.map(([d, w]) => {
    const g = gamma(d);
    const total = digamma(g.reduce((a, b) => a + b));
    const weights = g.map((x, k) => digamma(x) - total + state.derived['logBeta']![w * K + k]!);
    return weights.map((x) => x - logSumExp(weights));
  });

  const joint: number[] = [];
  const q: { logQ: number; conjugate: number }[] = [];
  for (const z of assignments(tokens.length, K)) {
    const documentCounts = Array.from({ length: D }, () => new Array<number>(K).fill(0));
    const topicCounts = Array.from({ length: K }, () => new Array<number>(V).fill(0));
    let logQ = 0;
    tokens.forEach(([d, w], i) => {
      documentCounts[d]![z[i]!]!++;
      topicCounts[z[i]!]![w]!++;
      logQ += logPhi[i]![z[i]!]!;
    });
    let logJoint = 0;
    let conjugate = 0;
    documentCounts.forEach((counts, d) => {
      const posterior = counts.map((n, k) => n + alpha[k]!);
      logJoint += logDirichletNormaliser(posterior) - logDirichletNormaliser(alpha);
      conjugate += klDirichlet(gamma(d), posterior);
    });
    topicCounts.forEach((counts, k) => {
      if (beta === 'point') {
        counts.forEach((n, w) => {
          logJoint += n * state.derived['logBeta']![w * K + k]!;
        });
      } else {
        const eta = state.params['eta']![0]!;
        const posterior = counts.map((n) => n + eta);
        logJoint += logDirichletNormaliser(posterior) - logDirichletNormaliser(counts.map(() => eta));
        conjugate += klDirichlet(topicOf(state.params['lambda']!, k), posterior);
      }
    });
    joint.push(logJoint);
    q.push({ logQ, conjugate });
  }
  const logEvidence = logSumExp(joint);
  const kl = q.reduce(
    (sum, { logQ, conjugate }, i) => sum + exp(logQ) * (logQ - (joint[i]! - logEvidence) + conjugate),
    0,
  );
  return { logEvidence, bound, kl };
}

describe.each(['dirichlet', 'point'] as const)('LDA with beta %s', (beta) => {
  it.each([2, 3])(
    'has a bound below the log evidence by exactly KL(q ‖ p), at every stage of the fit, for K = %i',
    (K) => {
      for (let seed = 1; seed <= 8; seed++) {
        const { logEvidence, bound, kl } = gapOfLda(tiny, K, beta, seed);
        expect(logEvidence - bound).toBeGreaterThan(1e-3);
        expect(Math.abs(logEvidence - bound - kl)).toBeLessThan(1e-10);
      }
    },
  );

  it('has a tight bound for K = 1, the Dirichlet-multinomial evidence, to 1e-10', () => {
    const { logEvidence, bound } = gapOfLda(tiny, 1, beta, 3);
    expect(Math.abs(logEvidence - bound)).toBeLessThan(1e-10);
    if (beta === 'dirichlet') return;
    const counts = [2, 2, 3, 2];
    expect(bound).toBeCloseTo(
      counts.reduce((sum, n) => sum + n * log(n / 9), 0),
      10,
    );
  });
});
