/**
 * The E-step of LDA for one document, in f64: what the kernels are held to, and what takes over where f32 underflows.
 * Symbols as in lda.ts.
 */
import type { Corpus } from '../corpus/corpus.js';
import type { Arrays, Start, State, Sums } from '../em/model.js';
import { logNormaliser } from '../math/dirichlet.js';
import type { Reals } from '../math/reals.js';
import { digamma, exp, log } from '../math/special.js';

/** Rounds of a new document at most; half of them suffice for documents of hundreds of tokens. */
const ROUNDS_OF_NEW = 100;

/**
 * A round of points goes this many times as far as EM would. EM of proportions alone has one optimum, which it nears from
 * one side: any factor below 2 arrives, and this one in about half the rounds.
 */
const OVER_RELAXED = 1.7;

/** Below this, Σ_k of exp(E log θ + E log β) may have lost terms to underflow; then φ is computed from logarithms. */
const UNDERFLOW = 1e-200;

export interface DocumentSteps {
  /**
   * The whole E-step of document d. `derived` has `expLogBeta`, each row scaled to maximum 1, and `rowMaximum`.
   *
   * @param points E[β], V×K, where the document is answered with proportions and topics as points
   * @returns its part of the bound at the q it started from, or −∞ where that stays
   */
  visit(
    corpus: Corpus,
    d: number,
    length: number,
    state: State,
    sums: Sums,
    start: Start,
    points: Float64Array | null,
  ): number;
}

export function createDocumentSteps(
  K: number,
  { isMap, rounds, tolerance }: { isMap: boolean; rounds: number; tolerance: number },
): DocumentSteps {
  // One document's room, used again for each.
  const logTheta = new Float64Array(K);
  const theta = new Float64Array(K);
  const phi = new Float64Array(K);
  let shift = 0;
  const tokens = new Float64Array(K);
  const warmGamma = new Float64Array(K);

  /** θ̃ = exp(E log θ) of q(θ) = Dir(γ), or θ = γ / Σγ as a point. */
  function expectTheta(gamma: Reals, at: number): void {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += gamma[at + k]!;
    const ofSum = isMap ? log(sum) : digamma(sum);
    for (let k = 0; k < K; k++) {
      const e = (isMap ? log(gamma[at + k]!) : digamma(gamma[at + k]!)) - ofSum;
      logTheta[k] = e;
      theta[k] = exp(e);
    }
  }

  /**
   * φ of term w, up to its sum: phi_k = exp(E log θ_k + E log β_wk − shift), where `shift` is the row's largest
   * E log β, or the largest exponent where the plain product underflows. The term's ln s_dw is log(sum) + shift.
   *
   * @returns the sum of `phi`
   */
  function weigh({ logBeta, expLogBeta, rowMaximum }: Arrays, w: number): number {
    const row = w * K;
    let sum = 0;
    for (let k = 0; k < K; k++) sum += phi[k] = theta[k]! * expLogBeta![row + k]!;
    shift = rowMaximum![w]!;
    if (sum > UNDERFLOW) return sum;
    shift = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < K; k++) shift = Math.max(shift, logTheta[k]! + logBeta![row + k]!);
    sum = 0;
    for (let k = 0; k < K; k++) sum += phi[k] = exp(logTheta[k]! + logBeta![row + k]! - shift);
    return sum;
  }

  /** Σ_w n_dw φ_dw into `tokens`: one round of  φ_dw ∝ exp(E log θ_d + E log β_w),  γ_d = α + Σ_w n_dw φ_dw. */
  function round({ rowStart, term, count }: Corpus, d: number, { derived }: State): void {
    tokens.fill(0);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const ratio = count[i]! / weigh(derived, term[i]!);
      for (let k = 0; k < K; k++) tokens[k]! += ratio * phi[k]!;
    }
  }

  /** Σ_w n_dw φ_dw into `tokens` with proportions and topics as points, φ_dw ∝ γ_d β_w, and into `topicTerm`. */
  function roundOfPoints(
    { rowStart, term, count }: Corpus,
    d: number,
    beta: Float64Array,
    gamma: Reals,
    at: number,
    topicTerm?: Float64Array,
  ): void {
    tokens.fill(0);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const row = term[i]! * K;
      let sum = 0;
      for (let k = 0; k < K; k++) sum += phi[k] = gamma[at + k]! * beta[row + k]!;
      const ratio = count[i]! / sum;
      for (let k = 0; k < K; k++) {
        tokens[k]! += ratio * phi[k]!;
        if (topicTerm !== undefined) topicTerm[row + k]! += ratio * phi[k]!;
      }
    }
  }

  /** Rounds from `gamma`, `most` at most, until one moves less than `tolerance` of the document's tokens. */
  function converge(
    corpus: Corpus,
    d: number,
    length: number,
    state: State,
    gamma: Reals,
    at: number,
    most: number,
    points: Float64Array | null,
  ): void {
    const alpha = state.params['alpha']!;
    for (let r = 0; r < most; r++) {
      if (points !== null) {
        roundOfPoints(corpus, d, points, gamma, at);
      } else {
        expectTheta(gamma, at);
        round(corpus, d, state);
      }
      let moved = 0;
      for (let k = 0; k < K; k++) {
        const step = alpha[k]! + tokens[k]! - gamma[at + k]!;
        moved += Math.abs(step);
        gamma[at + k] =
          points !== null ? Math.max(gamma[at + k]! + OVER_RELAXED * step, alpha[k]!) : alpha[k]! + tokens[k]!;
      }
      if (moved <= tolerance * length) return;
    }
  }

  /** The document's part of the bound at q(θ_d) = Dir(γ) and the best q(z_d) given it. */
  function bound(
    { rowStart, term, count }: Corpus,
    d: number,
    { derived, params }: State,
    gamma: Reals,
    at: number,
  ): number {
    const alpha = params['alpha']!;
    expectTheta(gamma, at);
    let sum = ofPrior(alpha, isMap) - (isMap ? 0 : logNormaliser(gamma, at, K));
    for (let k = 0; k < K; k++) sum += (alpha[k]! - (isMap ? 0 : gamma[at + k]!)) * logTheta[k]!;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      sum += count[i]! * (log(weigh(derived, term[i]!)) + shift);
    }
    return sum;
  }

  /** Adds the document's terms and statistics at γ_d and the best q(z_d) given it. */
  function collect(
    { rowStart, term, count }: Corpus,
    d: number,
    { derived, params, posterior }: State,
    sums: Sums,
  ): void {
    const { terms, statistics } = sums;
    const logBeta = derived['logBeta']!;
    const alpha = params['alpha']!;
    const gamma = posterior['gamma']!;
    const topicTerm = statistics?.['topicTerm'];
    const at = d * K;
    expectTheta(gamma, at);
    tokens.fill(0);
    let words = 0;
    let logNormalisers = 0;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const row = term[i]! * K;
      const sum = weigh(derived, term[i]!);
      const ratio = count[i]! / sum;
      logNormalisers += count[i]! * (log(sum) + shift);
      for (let k = 0; k < K; k++) {
        const expected = ratio * phi[k]!;
        tokens[k]! += expected;
        words += expected * logBeta[row + k]!;
        if (topicTerm !== undefined) topicTerm[row + k]! += expected;
      }
    }
    terms[0]! += words;
    terms[3]! += logNormalisers - words - collectProportions(alpha, gamma, at, sums);
  }

  /**
   * Adds the terms and statistics of q(θ_d) = Dir(γ_d), given its `logTheta` and `tokens`.
   *
   * @returns E[log p(z_d | θ_d)]
   */
  function collectProportions(alpha: Float64Array, gamma: Reals, at: number, { terms, statistics }: Sums): number {
    let assignments = 0;
    let proportions = ofPrior(alpha, isMap);
    let entropyProportions = -logNormaliser(gamma, at, K);
    for (let k = 0; k < K; k++) {
      assignments += tokens[k]! * logTheta[k]!;
      proportions += (alpha[k]! - (isMap ? 0 : 1)) * logTheta[k]!;
      entropyProportions -= (gamma[at + k]! - 1) * logTheta[k]!;
    }
    terms[1]! += assignments;
    terms[2]! += proportions;
    terms[4]! += entropyProportions;
    if (statistics !== null) {
      for (let k = 0; k < K; k++) {
        statistics['logTheta']![k]! += logTheta[k]!;
        statistics['tokens']![k]! += tokens[k]!;
      }
      statistics['documents']![0]! += 1;
    }
    return assignments;
  }

  return {
    visit(corpus, d, length, state, sums, start, points) {
      const gamma = state.posterior['gamma']!;
      const alpha = state.params['alpha']!;
      const at = d * K;
      if (start === 'cold') uninformed(alpha, length, gamma, at);
      const startBound = start === 'fixed' ? Number.NEGATIVE_INFINITY : bound(corpus, d, state, gamma, at);
      converge(corpus, d, length, state, gamma, at, roundsAt(start, rounds), points);
      if (start === 'guarded') {
        for (let k = 0; k < K; k++) warmGamma[k] = gamma[at + k]!;
        const warmBound = bound(corpus, d, state, gamma, at);
        uninformed(alpha, length, gamma, at);
        converge(corpus, d, length, state, gamma, at, rounds, null);
        if (!(bound(corpus, d, state, gamma, at) > warmBound)) gamma.set(warmGamma, at);
      }
      if (points !== null && sums.statistics !== null) {
        roundOfPoints(corpus, d, points, gamma, at, sums.statistics['topicTerm']!);
      }
      collect(corpus, d, state, points !== null ? withoutTopics(sums) : sums);
      return startBound;
    },
  };
}

/** Rounds of a document at most. */
export function roundsAt(start: Start, rounds: number): number {
  return start === 'fixed' ? 0 : start === 'cold' ? Math.max(rounds, ROUNDS_OF_NEW) : rounds;
}

/** The logarithm of what makes the prior of θ integrate to 1: Dir(α), or Dir(α + 1), whose mode is what a point is of. */
export function ofPrior(alpha: Float64Array, isMap: boolean): number {
  return logNormaliser(isMap ? alpha.map((a) => a + 1) : alpha, 0, alpha.length);
}

/** γ_d = α + N_d / K: what is known of a document before its terms are looked at. */
export function uninformed(alpha: Float64Array, length: number, gamma: Reals, at: number): void {
  const share = length / alpha.length;
  for (let k = 0; k < alpha.length; k++) gamma[at + k] = alpha[k]! + share;
}

/** Sums of which the topics' share has been added already. */
export function withoutTopics({ statistics, terms }: Sums): Sums {
  const { topicTerm, ...others } = statistics ?? {};
  return { statistics: topicTerm === undefined ? null : others, terms };
}
