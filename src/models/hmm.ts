/**
 * A hidden Markov model of documents as sequences of segments: each segment has one topic, that of the next depends on it.
 *
 *     start π, a row A_j of transitions for each topic j, a topic β_k for each k        (points: `em`)
 *     with `vb`:  π ~ Dir(a),  A_j ~ Dir(a + κ 1_j),  β_k ~ Dir(η)
 *     for each document d:   z_d1 ~ Cat(π),  z_dt ~ Cat(A_{z_d,t−1})
 *       for each token of segment t:   w ~ Cat(β_{z_dt})
 *
 * `em` is Baum–Welch: q(z) is the true posterior. Its a, κ and η are pseudo-counts, the log prior being that of
 * Dir(1 + a), Dir(1 + a + κ 1_j) and Dir(1 + η); with all of them 0 it is maximum likelihood. `vb` approximates by
 * q(z) q(π) Π_j q(A_j) Π_k q(β_k), the last three Dirichlet; q(z) is the posterior of a chain with weights exp(E[log ·]).
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | π | `start` | points, or the parameters of q(π) | K |
 * | A | `transition` | points, or the parameters of q(A_j), row j: from topic j | K×K |
 * | β_k | `beta` | point estimate of the term distribution (`em`) | V×K |
 * | λ_k | `lambda` | q(β_k) = Dir(λ_k) (`vb`) | V×K |
 * | a κ | settings `alpha` `stickiness` | priors of π and A | 1 |
 * | η | `eta` (`vb`), setting `eta` | prior of β_k | 1 |
 * | θ_d | `theta` | expected share of the document's tokens by topic; π if it has none | D×K |
 * | b_tk | `logEmission` | probability of segment t's tokens under topic k | T×K |
 *
 * A segment without tokens has a topic, but b_tk = 1. A document without tokens adds nothing, whatever its segments.
 *
 * @see Rabiner 1989, A tutorial on hidden Markov models, §III and V.A (scaling); MacKay 1997, Ensemble learning for hidden
 *   Markov models; Beal 2003, Variational algorithms for approximate Bayesian inference, §3.4. All from memory.
 */
import type { Corpus, Segments } from '../corpus/corpus.js';
import { documentCount } from '../corpus/corpus.js';
import type { Arrays, State, Sums, TopicModel } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import { createHmmKernel, type HmmKernel } from '../kernels/hmm.js';
import { expectLog, learnSymmetricPrior, logNormaliser } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';
import { digamma, exp, lgamma, log } from '../math/special.js';
import type { Settings, Values } from '../settings.js';
import { learnEtaSettings } from './settings.js';
import {
  expectLogTopics,
  logPoints,
  mixedPredictor,
  normalised,
  normaliseTopics,
  sumOf,
  topicSums,
  topicTerms,
  writeNormalised,
} from './topics.js';

export const hmmSettings = {
  inference: {
    kind: 'choice',
    choices: ['em', 'vb'],
    // Dealt half of each document, the points predict the other half better: on the bundled corpus 1,870 to 2,060
    default: 'em',
    describe: 'start, transitions and topics as points, by Baum–Welch (em), or as Dirichlet posteriors (vb)',
  },
  alpha: {
    kind: 'number',
    value: 'A',
    min: 0,
    max: 1e6,
    default: 0.1,
    describe: 'prior of the start and of transitions: pseudo-counts (em; 0 is none), or Dirichlet (vb)',
  },
  stickiness: {
    kind: 'number',
    value: 'S',
    min: 0,
    max: 1e9,
    default: 0,
    describe: "added to alpha for a topic's transition to itself: the larger, the fewer changes of topic",
  },
  eta: {
    kind: 'number',
    value: 'H',
    min: 0,
    max: 1e6,
    default: 0.3,
    describe: "prior of topics' terms: pseudo-counts (em; 0 is none), or Dirichlet, where its learning starts (vb)",
  },
  ...learnEtaSettings,
  start: {
    kind: 'choice',
    choices: ['passages', 'random'],
    default: 'passages',
    onlyWith: [['init']],
    describe: 'first topics: each made of a few passages of neighbouring segments drawn at random, or random',
  },
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute by the plain loops that the kernels are checked against, four to seven times slower',
  },
} as const satisfies Settings;

const DOCUMENT_TERMS = ['words', 'paths', 'entropy_paths'] as const;

/**
 * The least ln π and ln A. Then any topic can follow any other, and the linear recursions below are exact however
 * unlikely a segment is: what underflows there (e^−708 of the rest) is outweighed by a path at e^−400 or more.
 */
const LOG_NEVER = -200;

/** The least `alpha` of `vb`: ψ(0.01) = −100.6 leaves E[log A] above LOG_NEVER. */
const LEAST_ALPHA = 0.01;

/** The probability to stay in a topic at the start of a fit. */
const STAY = 0.7;

/** A topic is on if more than this many tokens are expected to be its. */
const ON = 0.5;

export function createHmm(
  settings: Values<typeof hmmSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
): TopicModel<Corpus, Segments> {
  const { alpha, stickiness } = settings;
  const bayes = settings.inference === 'vb';
  const hasPrior = bayes || alpha > 0 || stickiness > 0 || settings.eta > 0;
  if (bayes && (alpha < LEAST_ALPHA || settings.eta === 0)) {
    throw new UserError(
      settings.eta === 0
        ? '--eta: got 0, expected a prior above 0 with --inference vb'
        : `--alpha: got ${alpha}, expected at least ${LEAST_ALPHA} with --inference vb`,
      { status: STATUS.usage, hint: 'maximum likelihood is --inference em --alpha 0 --eta 0' },
    );
  }
  const topicsName = bayes ? 'lambda' : 'beta';

  // The Dirichlet parameters of the priors: of π, and K×K of A; the mode of Dir(1 + a) is at the pseudo-counts a
  const one = bayes ? 0 : 1;
  const startPrior = new Float64Array(K).fill(one + alpha);
  const transitionPrior = new Float64Array(K * K).fill(one + alpha);
  for (let k = 0; k < K; k++) transitionPrior[k * K + k]! += stickiness;

  // One document's room, used again for each; T×K grow to the longest document.
  let logEmission = new Float64Array(0);
  let belief = new Float64Array(0);
  let emission = new Float64Array(0);
  const prediction = new Float64Array(K);
  const backward = new Float64Array(K);
  const weight = new Float64Array(K);
  // Of the documents of an E-step: expected numbers of starts with a topic, and of transitions
  const starts = new Float64Array(K);
  const visits = new Float64Array(K * K);
  let created: HmmKernel | undefined;
  const kernel = () => (created ??= createHmmKernel({ V, K }, threads));
  let chainChanged = true;
  /** Of topics as posteriors: Σ E[log β], and the entropy of q(β). */
  let ofTopics = { total: 0, entropy: 0 };

  /** ln b_tk of the document's segments into `logEmission`. */
  function emit({ start, rowStart, term, count }: Segments, d: number, logBeta: Float64Array): number {
    const first = start[d]!;
    const T = start[d + 1]! - first;
    if (T * K > logEmission.length) {
      logEmission = new Float64Array(2 * T * K);
      belief = new Float64Array(2 * T * K);
      emission = new Float64Array(2 * T * K);
    }
    logEmission.fill(0, 0, T * K);
    for (let t = 0, at = 0; t < T; t++, at += K) {
      for (let i = rowStart[first + t]!; i < rowStart[first + t + 1]!; i++) {
        const n = count[i]!;
        const row = term[i]! * K;
        for (let k = 0; k < K; k++) logEmission[at + k]! += n * logBeta[row + k]!;
      }
    }
    return T;
  }

  /**
   * Scaled forward–backward over the document's T segments: q(z_t = k) into `belief`, E[transitions j → k] added to
   * `visits`.
   *
   * @returns ln Σ_z Π_t A_{z_{t−1} z_t} b_{t z_t}, the document's part of the objective
   */
  function smooth(T: number, { expStart, expTransition }: Arrays): number {
    const A = expTransition!;
    let logZ = 0;
    for (let t = 0, at = 0; t < T; t++, at += K) {
      if (t === 0) prediction.set(expStart!);
      else {
        prediction.fill(0);
        for (let j = 0; j < K; j++) {
          const before = belief[at - K + j]!;
          for (let k = 0; k < K; k++) prediction[k]! += before * A[j * K + k]!;
        }
      }
      // Relative to the topic that explains it best: no segment is too long
      let best = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < K; k++) best = Math.max(best, logEmission[at + k]!);
      let sum = 0;
      for (let k = 0; k < K; k++) {
        emission[at + k] = exp(logEmission[at + k]! - best);
        sum += belief[at + k] = prediction[k]! * emission[at + k]!;
      }
      for (let k = 0; k < K; k++) {
        belief[at + k]! /= sum;
        emission[at + k]! /= sum;
      }
      logZ += best + log(sum);
    }
    backward.fill(1);
    for (let t = T - 1, at = t * K; t > 0; t--, at -= K) {
      for (let k = 0; k < K; k++) {
        weight[k] = emission[at + k]! * backward[k]!;
        belief[at + k]! *= backward[k]!;
      }
      for (let j = 0; j < K; j++) {
        const before = belief[at - K + j]!;
        let sum = 0;
        for (let k = 0; k < K; k++) {
          const step = A[j * K + k]! * weight[k]!;
          sum += step;
          visits[j * K + k]! += before * step;
        }
        backward[j] = sum;
      }
    }
    for (let k = 0; k < K; k++) belief[k]! *= backward[k]!;
    return logZ;
  }

  /**
   * Adds the document's expectations under q(z) to `starts` and the topics, and sets its shares.
   *
   * @returns Σ_t E[ln b_t]
   */
  function collect(
    { start, rowStart, term, count }: Segments,
    d: number,
    T: number,
    theta: Reals,
    topicTerm: Float64Array | null,
  ): number {
    let words = 0;
    let tokens = 0;
    theta.fill(0, d * K, (d + 1) * K);
    for (let t = 0, at = 0; t < T; t++, at += K) {
      let length = 0;
      for (let i = rowStart[start[d]! + t]!; i < rowStart[start[d]! + t + 1]!; i++) {
        const n = count[i]!;
        const row = term[i]! * K;
        length += n;
        if (topicTerm !== null) for (let k = 0; k < K; k++) topicTerm[row + k]! += n * belief[at + k]!;
      }
      tokens += length;
      for (let k = 0; k < K; k++) {
        theta[d * K + k]! += length * belief[at + k]!;
        words += belief[at + k]! * logEmission[at + k]!;
      }
    }
    for (let k = 0; k < K; k++) theta[d * K + k]! /= tokens;
    for (let k = 0; k < K; k++) starts[k]! += belief[k]!;
    return words;
  }

  /** What `HmmKernel` does, by loops. */
  function plainEStep(
    segments: Segments,
    from: number,
    to: number,
    { derived, posterior }: State,
    topicTerm: Float64Array | null,
  ): { logZ: number; words: number } {
    let logZ = 0;
    let words = 0;
    for (let d = from; d < to; d++) {
      if (isEmpty(segments, d)) continue;
      const T = emit(segments, d, derived['logBeta']!);
      logZ += smooth(T, derived);
      words += collect(segments, d, T, posterior['theta']!, topicTerm);
    }
    return { logZ, words };
  }

  function kernelEStep(
    segments: Segments,
    from: number,
    to: number,
    { derived, posterior }: State,
    topicTerm: Float64Array | null,
  ): { logZ: number; words: number } {
    const { expStart, expTransition, logBeta } = derived;
    if (chainChanged) kernel().setChain({ expStart: expStart!, expTransition: expTransition!, logBeta: logBeta! });
    chainChanged = false;
    const sums = { start: starts, transition: visits, topicTerm };
    return kernel().documents(segments, from, to, posterior['theta']!, sums);
  }

  function eStep(segments: Segments, from: number, to: number, state: State, sums: Sums): number {
    const { params, derived, posterior } = state;
    const { terms, statistics } = sums;
    starts.fill(0);
    visits.fill(0);
    const byDocuments = settings.precise ? plainEStep : kernelEStep;
    const { logZ, words } = byDocuments(segments, from, to, state, statistics?.['topicTerm'] ?? null);
    for (let d = from; d < to; d++)
      if (isEmpty(segments, d)) writeNormalised(params['start']!, 0, K, posterior['theta']!, d * K);
    let paths = 0;
    for (let k = 0; k < K; k++) paths += starts[k]! * derived['logStart']![k]!;
    for (let i = 0; i < K * K; i++) paths += visits[i]! * derived['logTransition']![i]!;
    if (statistics !== null) {
      for (let k = 0; k < K; k++) statistics['start']![k]! += starts[k]!;
      for (let i = 0; i < K * K; i++) statistics['transition']![i]! += visits[i]!;
    }
    terms[0]! += words;
    terms[1]! += paths;
    terms[2]! += logZ - words - paths;
    return logZ;
  }

  /** The most likely path of the document whose `logEmission` is there (Viterbi). */
  function mostLikelyPath(T: number, { logStart, logTransition }: Arrays): Uint32Array {
    const path = new Uint32Array(T);
    const from = new Uint32Array(T * K);
    const best = prediction;
    const next = backward;
    for (let k = 0; k < K; k++) best[k] = logStart![k]! + (T > 0 ? logEmission[k]! : 0);
    for (let t = 1; t < T; t++) {
      for (let k = 0; k < K; k++) {
        let j = 0;
        for (let i = 1; i < K; i++)
          if (best[i]! + logTransition![i * K + k]! > best[j]! + logTransition![j * K + k]!) j = i;
        from[t * K + k] = j;
        next[k] = best[j]! + logTransition![j * K + k]! + logEmission[t * K + k]!;
      }
      best.set(next);
    }
    for (let k = 1; k < K && T > 0; k++) if (best[k]! > best[path[T - 1]!]!) path[T - 1] = k;
    for (let t = T - 1; t > 0; t--) path[t - 1] = from[t * K + path[t]!]!;
    return path;
  }

  function derive({ params, derived }: State): void {
    chainChanged = true;
    const { start, transition } = params;
    const { logStart, logTransition, expStart, expTransition, logBeta } = derived;
    if (bayes) {
      expectLog(start!, 0, K, logStart!, 0);
      for (let j = 0; j < K; j++) expectLog(transition!, j * K, K, logTransition!, j * K);
      expectTopics(params['lambda']!, logBeta!);
    } else {
      for (let k = 0; k < K; k++) logStart![k] = Math.max(log(start![k]!), LOG_NEVER);
      for (let i = 0; i < K * K; i++) logTransition![i] = Math.max(log(transition![i]!), LOG_NEVER);
      logPoints(params['beta']!, logBeta!);
    }
    for (let k = 0; k < K; k++) expStart![k] = exp(logStart![k]!);
    for (let i = 0; i < K * K; i++) expTransition![i] = exp(logTransition![i]!);
  }

  /** E[log β] into `logBeta`, and `ofTopics`. */
  function expectTopics(lambda: Float64Array, logBeta: Float64Array): void {
    if (settings.precise) {
      expectLogTopics(lambda, logBeta, V, K);
      // the entropy is the same for any η
      ofTopics = { total: sumOf(logBeta), entropy: topicTerms(lambda, logBeta, 1, V, K).entropy };
      return;
    }
    const sums = topicSums(lambda, V, K);
    const { total, entropy } = kernel().expectLog(lambda, sums.map(digamma), logBeta);
    ofTopics = { total, entropy: entropy - sumOf(sums.map(lgamma)) };
  }

  function mStep(state: State, statistics: Arrays, soft: boolean): void {
    const { params } = state;
    const start = params['start']!;
    const transition = params['transition']!;
    const topics = params[topicsName]!;
    // η from the topics as they were, then λ: after the step, λ is the best for this η
    if (bayes && settings['learn-eta'] && !soft)
      params['eta']![0] = learnSymmetricPrior(params['eta']![0]!, V, ofTopics.total / K, K);
    const eta = etaOf(state);
    for (let k = 0; k < K; k++) start[k] = alpha + statistics['start']![k]!;
    for (let j = 0, i = 0; j < K; j++)
      for (let k = 0; k < K; k++, i++)
        transition[i] = alpha + (j === k ? stickiness : 0) + statistics['transition']![i]!;
    for (let i = 0; i < topics.length; i++) topics[i] = eta + statistics['topicTerm']![i]!;
    if (!bayes) normalisePoints(params);
    derive(state);
  }

  function etaOf({ params }: State): number {
    return bayes ? params['eta']![0]! : settings.eta;
  }

  function normalisePoints({ start, transition, beta }: Arrays): void {
    start!.set(normalised(start!));
    for (let j = 0; j < K; j++) writeNormalised(transition!, j * K, K, transition!, j * K);
    normaliseTopics(beta!, V, K);
  }

  function globalTerms(state: State, terms: Float64Array): void {
    if (!hasPrior) return;
    const { params, derived } = state;
    const { start, transition } = params;
    const { logStart, logTransition, logBeta } = derived;
    const eta = etaOf(state);
    let chain = logNormaliser(startPrior, 0, K);
    for (let k = 0; k < K; k++) chain += (startPrior[k]! - 1) * logStart![k]!;
    for (let j = 0; j < K; j++) chain += logNormaliser(transitionPrior, j * K, K);
    for (let i = 0; i < K * K; i++) chain += (transitionPrior[i]! - 1) * logTransition![i]!;
    if (!bayes) {
      terms[3]! += chain + K * (lgamma(V * (1 + eta)) - V * lgamma(1 + eta)) + eta * sumOf(logBeta!);
      return;
    }
    let entropy = -logNormaliser(start!, 0, K);
    for (let k = 0; k < K; k++) entropy -= (start![k]! - 1) * logStart![k]!;
    for (let j = 0; j < K; j++) entropy -= logNormaliser(transition!, j * K, K);
    for (let i = 0; i < K * K; i++) entropy -= (transition![i]! - 1) * logTransition![i]!;
    terms[3]! += chain;
    terms[4]! += entropy;
    terms[5]! += K * (lgamma(V * eta) - V * lgamma(eta)) + (eta - 1) * ofTopics.total;
    terms[6]! += ofTopics.entropy;
  }

  function initialise(corpus: Corpus, state: State, random: Random): void {
    const { params } = state;
    const topics = params[topicsName]!;
    if (settings.start === 'random') for (let i = 0; i < topics.length; i++) topics[i] = random.gamma(100) / 100;
    else seedFromPassages(corpus.segments ?? oneSegmentEach(corpus), topics, V, K, random);
    // Sure of the chain as of 100 observations each
    params['start']!.fill(100 / K);
    params['transition']!.fill((100 * (1 - STAY)) / Math.max(1, K - 1));
    for (let k = 0; k < K; k++) params['transition']![k * K + k] = 100 * STAY;
    if (bayes) params['eta']![0] = settings.eta;
    else normalisePoints(params);
    derive(state);
  }

  /** E[β], V×K. */
  function probability({ params }: State): Float64Array {
    const topics = params[topicsName]!.slice();
    normaliseTopics(topics, V, K);
    return topics;
  }

  return {
    name: 'hmm',
    objective: bayes ? 'elbo' : hasPrior ? 'log_posterior' : 'log_likelihood',
    terms: bayes
      ? [...DOCUMENT_TERMS, 'chain', 'entropy_chain', 'topics', 'entropy_topics']
      : hasPrior
        ? [...DOCUMENT_TERMS, 'log_prior']
        : DOCUMENT_TERMS,
    params: bayes
      ? { lambda: ['V', 'K'], start: ['K'], transition: ['K', 'K'], eta: [1] }
      : { beta: ['V', 'K'], start: ['K'], transition: ['K', 'K'] },
    derived: {
      logStart: ['K'],
      expStart: ['K'],
      logTransition: ['K', 'K'],
      expTransition: ['K', 'K'],
      logBeta: ['V', 'K'],
    },
    posterior: { theta: ['K'] },
    statistics: { start: ['K'], transition: ['K', 'K'], topicTerm: ['V', 'K'] },
    initialise,
    prepare: (corpus) => corpus.segments ?? oneSegmentEach(corpus),
    resetPosterior({ start }, { params, posterior }) {
      for (let d = 0; d + 1 < start.length; d++) writeNormalised(params['start']!, 0, K, posterior['theta']!, d * K);
    },
    derive,
    eStep,
    mStep,
    globalTerms,
    shares: (statistics) => normalised(topicSums(statistics['topicTerm']!, V, K)),
    proportions({ posterior }, d, out) {
      out.set(posterior['theta']!.subarray(d * K, (d + 1) * K));
    },
    readings: { probability },
    ...(bayes ? {} : { documentScore: { measure: 'likelihood', of: 'log p(document)' } }),
    predictor: (state) => mixedPredictor(state.posterior['theta']!, probability(state), K),
    facts({ params }, k) {
      const transition = normalised(params['transition']!.subarray(k * K, (k + 1) * K));
      const leaves = 1 - transition[k]!;
      return {
        start: normalised(params['start']!)[k]!,
        transition: [...transition],
        ...(leaves > 0 ? { expected_duration: 1 / leaves } : {}),
        ...(bayes ? { on: topicSums(params['lambda']!, V, K)[k]! - V * params['eta']![0]! > ON } : {}),
      };
    },
    segmentation(segments, state, d) {
      const T = emit(segments, d, state.derived['logBeta']!);
      smooth(T, state.derived);
      return { path: mostLikelyPath(T, state.derived), posterior: belief.slice(0, T * K) };
    },
  };
}

/** Passages that a topic starts with, and the tokens of each: so many that its segments are of a kind, if it has them. */
const PASSAGES = 10;
const PASSAGE_TOKENS = 50;

/** Topics of a few passages each, over a flat floor that sums to 1, so that no term is impossible. */
function seedFromPassages(
  { start, rowStart, term, count }: Segments,
  topics: Float64Array,
  V: number,
  K: number,
  random: Random,
): void {
  const documentEnd = new Uint32Array(rowStart.length - 1);
  for (let d = 0; d + 1 < start.length; d++) documentEnd.fill(start[d + 1]!, start[d], start[d + 1]);
  const spoken = Array.from(documentEnd.keys()).filter((s) => rowStart[s + 1]! > rowStart[s]!);
  topics.fill(1 / V);
  for (let i = 0; i < K * PASSAGES && spoken.length > 0; i++) {
    const first = spoken[random.integer(spoken.length)]!;
    let tokens = 0;
    for (let s = first; s < documentEnd[first]! && tokens < PASSAGE_TOKENS; s++) {
      for (let e = rowStart[s]!; e < rowStart[s + 1]!; e++) {
        topics[term[e]! * K + (i % K)]! += count[e]!;
        tokens += count[e]!;
      }
    }
  }
}

function isEmpty({ start, rowStart }: Segments, d: number): boolean {
  return rowStart[start[d]!] === rowStart[start[d + 1]!];
}

/** Documents whose order is not known, each one segment. */
function oneSegmentEach(corpus: Corpus): Segments {
  const { rowStart, term, count } = corpus;
  return { start: new Uint32Array(documentCount(corpus) + 1).map((_, d) => d), rowStart, term, count };
}
