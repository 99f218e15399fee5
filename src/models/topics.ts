/*
 * Topics as V×K arrays, a term's row contiguous: as points β, or as Dirichlet posteriors λ with prior Dir(η).
 */
import { type Corpus, documentCount } from '../corpus/corpus.js';
import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';
import { digamma, exp, lgamma, log } from '../math/special.js';

/** ln of a probability that is zero, in place of −∞; the value of lda-c (Blei 2003). */
export const LOG_ZERO = -100;

/** The least probability of a token: of a term that no topic has, it is improbable, not impossible. */
export const ZERO = exp(LOG_ZERO);

/** ln of point probabilities into `out`, no lower than LOG_ZERO. */
export function logPoints(points: Float64Array, out: Float64Array): void {
  for (let i = 0; i < points.length; i++) out[i] = points[i]! > 0 ? Math.max(log(points[i]!), LOG_ZERO) : LOG_ZERO;
}

/**
 * Ways to read the probabilities of terms off q(β_k) = Dir(λ_k) with prior Dir(η), each up to its sum over terms:
 *
 * - `mean`: λ_kw, the posterior mean E[β_kw];
 * - `plug-in`: the expected counts λ_kw − η with a smoothing of their own: η − ½ where η is above ½, as VB has it after
 *   collapsed passes, else `PLUG_IN`. It jumps there;
 * - `exp-log`: exp(E[log β_kw]), what an E-step of VB has for β: about λ_kw − ½, and next to nothing for what is rare.
 *
 * @see Asuncion, Welling, Smyth & Teh 2009, On smoothing and inference for topic models, §3
 */
export const READ_OUTS = ['mean', 'plug-in', 'exp-log'] as const;

export type ReadOut = (typeof READ_OUTS)[number];

/**
 * What each has to gain over those before it on held-out documents, in nats a token, to be taken. exp(E[log β]) gives
 * next to nothing to terms that topics lack, and documents of other times have more of these than those held out.
 */
export const READ_OUT_GAINS: Readonly<Record<ReadOut, number>> = { mean: 0, 'plug-in': 0.002, 'exp-log': 0.0075 };

/** The smoothing of expected counts; 0.01 to 0.1 predict best on 20 Newsgroups, AP and titles, K = 20 to 500. */
export const PLUG_IN = 0.03;

/** So much more η has VB than what takes topics for points: e^ψ(x) is about x − ½. */
export const ETA_OF_VB = 0.5;

/**
 * Topics of λ, whose E[log β] is `logBeta`, as points, each with the sum 1, but no less than `least`: V×K, into `rows` of
 * `width` numbers.
 */
export function writeReadOut(
  { lambda, logBeta, eta }: { readonly lambda: Float64Array; readonly logBeta: Float64Array; readonly eta: number },
  by: ReadOut,
  { V, K }: { readonly V: number; readonly K: number },
  rows: Reals,
  width: number,
  least: number,
): void {
  const smoothing = eta > ETA_OF_VB ? eta - ETA_OF_VB : PLUG_IN;
  const [less, more] = by === 'plug-in' ? [eta, smoothing] : [0, 0];
  const sums = new Float64Array(K);
  const row = new Float64Array(K);
  for (let w = 0, i = 0; w < V; w++) {
    if (by === 'exp-log') for (let k = 0; k < K; k++, i++) row[k] = exp(logBeta[i]!);
    else for (let k = 0; k < K; k++, i++) row[k] = Math.max(lambda[i]! - less, 0) + more;
    for (let k = 0; k < K; k++) sums[k]! += row[k]!;
    rows.set(row, w * width);
  }
  const scale = sums.map((sum) => (sum > 0 ? 1 / sum : 0));
  const floor = sums.map((sum) => (sum > 0 ? least : 1 / V));
  for (let w = 0; w < V; w++) {
    const found = rows.subarray(w * width, w * width + K);
    for (let k = 0; k < K; k++) row[k] = Math.max(found[k]! * scale[k]!, floor[k]!);
    found.set(row);
  }
}

/** E[log β_kw] = ψ(λ_kw) − ψ(Σ_w λ_kw) into `out`. */
export function expectLogTopics(lambda: Float64Array, out: Float64Array, V: number, K: number): void {
  const digammaSums = topicSums(lambda, V, K).map(digamma);
  for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) out[i] = digamma(lambda[i]!) - digammaSums[k]!;
}

/** Σ_k E[log p(β_k | η)] and Σ_k entropy of q(β_k) = Dir(λ_k), whose E[log β] is `logBeta`. */
export function topicTerms(
  lambda: Float64Array,
  logBeta: Float64Array,
  eta: number,
  V: number,
  K: number,
): { topics: number; entropy: number } {
  let topics = K * (lgamma(V * eta) - V * lgamma(eta));
  let entropy = 0;
  for (const sum of topicSums(lambda, V, K)) entropy -= lgamma(sum);
  for (let i = 0; i < lambda.length; i++) {
    topics += (eta - 1) * logBeta[i]!;
    entropy += lgamma(lambda[i]!) - (lambda[i]! - 1) * logBeta[i]!;
  }
  return { topics, entropy };
}

/**
 * Adds to each topic the counts of a few random documents that have a term, over a flat floor that sums to 1, so that
 * no term is impossible.
 */
export function seedFromDocuments(
  corpus: Corpus,
  topics: Float64Array,
  V: number,
  K: number,
  random: Random,
  documentsPerTopic = 10,
): void {
  const D = documentCount(corpus);
  const filled = new Uint32Array(D);
  let F = 0;
  for (let d = 0; d < D; d++) if (corpus.rowStart[d + 1]! > corpus.rowStart[d]!) filled[F++] = d;
  topics.fill(1 / V);
  for (let k = 0; k < K; k++) {
    for (let j = 0; j < documentsPerTopic; j++) {
      const d = filled[random.integer(F)]!;
      for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
        topics[corpus.term[i]! * K + k]! += corpus.count[i]!;
    }
  }
}

export function topicSums(topics: Float64Array, V: number, K: number): Float64Array {
  const sums = new Float64Array(K);
  for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) sums[k]! += topics[i]!;
  return sums;
}

/** Divides each topic by its sum; a topic without tokens becomes uniform. */
export function normaliseTopics(topics: Float64Array, V: number, K: number): void {
  const sums = topicSums(topics, V, K);
  for (let w = 0, i = 0; w < V; w++)
    for (let k = 0; k < K; k++, i++) topics[i] = sums[k]! > 0 ? topics[i]! / sums[k]! : 1 / V;
}

export function normalised(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  writeNormalised(values, 0, values.length, out, 0);
  return out;
}

/** Writes the numbers [from, from + length) divided by their sum to `out` at `at`; equal shares where the sum is 0. */
export function writeNormalised(values: Reals, from: number, length: number, out: Reals, at: number): void {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += values[from + k]!;
  for (let k = 0; k < length; k++) out[at + k] = sum > 0 ? values[from + k]! / sum : 1 / length;
}

export function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/**
 * p(w | d) = Σ_k θ_dk β_kw of documents that mix topics, no lower than `ZERO`.
 *
 * @param theta D×K, rows that sum to 1
 * @param topics V×K term probabilities
 */
export function mixedPredictor(theta: Reals, topics: Float64Array, K: number): (d: number, w: number) => number {
  return (d, w) => {
    let p = 0;
    for (let k = 0; k < K; k++) p += theta[d * K + k]! * topics[w * K + k]!;
    return Math.max(p, ZERO);
  };
}
