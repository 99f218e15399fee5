/**
 * Latent Dirichlet allocation.
 *
 *     for each topic k:      β_k ~ Dir(η)                       (`beta: dirichlet`; with `point`, β_k is a parameter)
 *     for each document d:   θ_d ~ Dir(α)
 *       for each token n:    z_dn ~ Cat(θ_d),  w_dn ~ Cat(β_{z_dn})
 *
 * approximated by q(θ, z, β) = Π_d q(θ_d | γ_d) Π_n q(z_dn | φ_dn) Π_k q(β_k | λ_k).
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | α | `alpha` | Dirichlet prior of θ_d | K |
 * | η | `eta` | Dirichlet prior of β_k | 1 |
 * | γ_d | `gamma` | q(θ_d) = Dir(γ_d) | D×K |
 * | λ_k | `lambda` | q(β_k) = Dir(λ_k) | V×K |
 * | β_k | `beta` | point estimate of the term distribution | V×K |
 * | φ_dw | – | q(z) of one token of term w; never stored, its normaliser s_dw is all that is needed | K |
 *
 * @see Blei, Ng & Jordan 2003, Latent Dirichlet allocation (points: §5.2–5.3; smoothed: §5.4)
 * @see Hoffman, Blei & Bach 2010, Online learning for latent Dirichlet allocation, Algorithm 1 and eqs. 4–5
 */
import type { Corpus } from '../corpus/corpus.js';
import { documentCount, tokenCount } from '../corpus/corpus.js';
import type { Arrays, Start, State, Sums, TopicModel } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import { createLdaKernel, type LdaKernel } from '../kernels/lda.js';
import { learnPrior, learnSymmetricPrior, logNormaliser } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import { digamma, exp, log } from '../math/special.js';
import { parseSetting, type Settings, type Values } from '../settings.js';
import { createLdaStart } from './lda-start.js';
import { roundSettings } from './settings.js';
import {
  expectLogTopics,
  logPoints,
  mixedPredictor,
  normalised,
  normaliseTopics,
  seedFromDocuments,
  sumOf,
  topicSums,
  topicTerms,
  writeNormalised,
} from './topics.js';

export const ldaSettings = {
  alpha: {
    kind: 'text',
    value: 'A[,A…]',
    default: '0.1',
    describe: 'Dirichlet prior of topic proportions, or where its learning starts: one number, or one a topic',
  },
  'learn-alpha': {
    kind: 'choice',
    choices: ['none', 'symmetric', 'asymmetric'],
    default: 'asymmetric',
    describe: 'learn alpha by Newton steps: not at all, one number for all topics, one a topic',
  },
  eta: {
    kind: 'number',
    value: 'H',
    above: 0,
    max: 1e6,
    default: 0.1,
    onlyWith: ['beta', 'dirichlet'],
    describe: "Dirichlet prior of topics' terms, or where its learning starts (dirichlet)",
  },
  'learn-eta': {
    kind: 'flag',
    default: true,
    onlyWith: ['beta', 'dirichlet'],
    describe: 'learn eta by Newton steps (dirichlet)',
  },
  beta: {
    kind: 'choice',
    choices: ['dirichlet', 'point'],
    default: 'dirichlet',
    describe: 'topics as Dirichlet posteriors (smoothed) or as point estimates',
  },
  start: {
    kind: 'choice',
    choices: ['cross-fitted', 'random', 'documents'],
    default: 'cross-fitted',
    describe:
      'first topics: from a few passes of collapsed updates, random, or each of a few documents drawn at random',
  },
  ...roundSettings,
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute in double precision throughout, in a tenth of the speed',
  },
} as const satisfies Settings;

const DOCUMENT_TERMS = ['words', 'assignments', 'proportions', 'entropy_assignments', 'entropy_proportions'] as const;

/** Rounds of a new document at most; half of them suffice for documents of hundreds of tokens. */
const ROUNDS_OF_NEW = 100;

/** Below this, Σ_k of exp(E log θ + E log β) may have lost terms to underflow; then φ is computed from logarithms. */
const UNDERFLOW = 1e-200;

/** A fall of the objective up to this fraction of its terms' sizes is rounding of the kernels' f32. */
const KERNEL_ROUNDING = 1e-7;

export function createLda(
  settings: Values<typeof ldaSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
): TopicModel<Corpus> {
  const smoothed = settings.beta === 'dirichlet';
  const rounds = settings['e-step-iterations'];
  const tolerance = settings['e-step-tolerance'];
  const startAlpha = parseAlpha(settings.alpha, K);

  // One document's room, used again for each.
  const logTheta = new Float64Array(K);
  const theta = new Float64Array(K);
  const phi = new Float64Array(K);
  let shift = 0;
  const tokens = new Float64Array(K);
  const warmGamma = new Float64Array(K);

  let kernel: LdaKernel | undefined;
  let topicsChanged = true;

  /** θ̃ = exp(E log θ) of q(θ) = Dir(γ). */
  function expectTheta(gamma: Float64Array, at: number): void {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += gamma[at + k]!;
    const digammaSum = digamma(sum);
    for (let k = 0; k < K; k++) {
      const e = digamma(gamma[at + k]!) - digammaSum;
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

  /** Rounds from `gamma`, `most` at most, until one moves less than `tolerance` of the document's tokens. */
  function converge(
    corpus: Corpus,
    d: number,
    length: number,
    state: State,
    gamma: Float64Array,
    at: number,
    most: number,
  ): void {
    const alpha = state.params['alpha']!;
    for (let r = 0; r < most; r++) {
      expectTheta(gamma, at);
      round(corpus, d, state);
      let moved = 0;
      for (let k = 0; k < K; k++) {
        const improved = alpha[k]! + tokens[k]!;
        moved += Math.abs(improved - gamma[at + k]!);
        gamma[at + k] = improved;
      }
      if (moved <= tolerance * length) return;
    }
  }

  /** The document's part of the bound at q(θ_d) = Dir(γ) and the best q(z_d) given it. */
  function bound(
    { rowStart, term, count }: Corpus,
    d: number,
    { derived, params }: State,
    gamma: Float64Array,
    at: number,
  ): number {
    const alpha = params['alpha']!;
    expectTheta(gamma, at);
    let sum = logNormaliser(alpha, 0, K) - logNormaliser(gamma, at, K);
    for (let k = 0; k < K; k++) sum += (alpha[k]! - gamma[at + k]!) * logTheta[k]!;
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
  function collectProportions(
    alpha: Float64Array,
    gamma: Float64Array,
    at: number,
    { terms, statistics }: Sums,
  ): number {
    let assignments = 0;
    let proportions = logNormaliser(alpha, 0, K);
    let entropyProportions = -logNormaliser(gamma, at, K);
    for (let k = 0; k < K; k++) {
      assignments += tokens[k]! * logTheta[k]!;
      proportions += (alpha[k]! - 1) * logTheta[k]!;
      entropyProportions -= (gamma[at + k]! - 1) * logTheta[k]!;
    }
    terms[1]! += assignments;
    terms[2]! += proportions;
    terms[4]! += entropyProportions;
    if (statistics !== null) {
      for (let k = 0; k < K; k++) statistics['logTheta']![k]! += logTheta[k]!;
      statistics['documents']![0]! += 1;
    }
    return assignments;
  }

  /** γ_d = α + N_d / K: what is known of a document before its terms are looked at. */
  function uninformed(alpha: Float64Array, length: number, gamma: Float64Array, at: number): void {
    for (let k = 0; k < K; k++) gamma[at + k] = alpha[k]! + length / K;
  }

  /**
   * The E-step by kernels. γ and φ are what f32 made them; their terms of the bound are those of just this q, in f64:
   * −Σ φ ln φ with ln φ_k = ln θ̃_k + ln β̃_k − ln s, all three as the kernel has them.
   */
  function kernelEStep(
    kernel: LdaKernel,
    corpus: Corpus,
    from: number,
    to: number,
    state: State,
    sums: Sums,
    start: Start,
  ): void {
    const { rowStart, count } = corpus;
    const { params, derived, posterior } = state;
    const alpha = params['alpha']!;
    const gamma = posterior['gamma']!;
    for (let d = from; d < to; d++) {
      const length = tokenCount(corpus, d, d + 1);
      if (start === 'cold' || length === 0) uninformed(alpha, length, gamma, d * K);
    }
    if (topicsChanged) kernel.setTopics(derived['expLogBeta']!);
    topicsChanged = false;
    const most = start === 'cold' ? Math.max(rounds, ROUNDS_OF_NEW) : rounds;
    const found = kernel.documents(corpus, from, to, alpha, gamma, most, tolerance);
    const first = rowStart[from]!;
    for (let d = from; d < to; d++) {
      if (rowStart[d] === rowStart[d + 1]) continue;
      const at = d * K;
      const row = (d - from) * found.K4;
      let logNormalisers = 0;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
        const n = count[i]!;
        logNormalisers += n * log(n / found.ratio[i - first]!);
      }
      // Where f32 underflowed, the reference does the document instead.
      if (!Number.isFinite(logNormalisers)) {
        found.ratio.fill(0, rowStart[d]! - first, rowStart[d + 1]! - first);
        const length = tokenCount(corpus, d, d + 1);
        converge(corpus, d, length, state, gamma, at, most);
        collect(corpus, d, state, sums);
        continue;
      }
      let sum = 0;
      let asComputed = 0;
      for (let k = 0; k < K; k++) {
        tokens[k] = found.tokens[row + k]!;
        asComputed += tokens[k]! * log(found.theta[row + k]!);
        sum += gamma[at + k] = found.gamma[row + k]!;
      }
      const digammaSum = digamma(sum);
      for (let k = 0; k < K; k++) logTheta[k] = digamma(gamma[at + k]!) - digammaSum;
      sums.terms[3]! += logNormalisers - asComputed;
      collectProportions(alpha, gamma, at, sums);
    }
    const { words, asComputed } = kernel.terms(
      corpus,
      from,
      to,
      derived['logBeta']!,
      sums.statistics?.['topicTerm'] ?? null,
    );
    sums.terms[0]! += words;
    sums.terms[3]! -= asComputed;
  }

  function eStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    if (!settings.precise && start !== 'guarded') {
      kernel ??= createLdaKernel({ V, K }, threads);
      kernelEStep(kernel, corpus, from, to, state, sums, start);
      return Number.POSITIVE_INFINITY;
    }
    const alpha = state.params['alpha']!;
    const gamma = state.posterior['gamma']!;
    let startBound = 0;
    for (let d = from; d < to; d++) {
      const at = d * K;
      const length = tokenCount(corpus, d, d + 1);
      if (start === 'cold' || length === 0) uninformed(alpha, length, gamma, at);
      // An empty document's q(θ) is its prior: it adds nothing to the bound, and there is nothing to learn from it.
      if (length === 0) continue;
      startBound += bound(corpus, d, state, gamma, at);
      converge(corpus, d, length, state, gamma, at, start === 'cold' ? Math.max(rounds, ROUNDS_OF_NEW) : rounds);
      if (start === 'guarded') {
        for (let k = 0; k < K; k++) warmGamma[k] = gamma[at + k]!;
        const warmBound = bound(corpus, d, state, gamma, at);
        uninformed(alpha, length, gamma, at);
        converge(corpus, d, length, state, gamma, at, rounds);
        if (!(bound(corpus, d, state, gamma, at) > warmBound)) gamma.set(warmGamma, at);
      }
      collect(corpus, d, state, sums);
    }
    return startBound;
  }

  function initialise(corpus: Corpus, state: State, random: Random): void {
    const { params } = state;
    params['alpha']!.set(startAlpha);
    const topics = smoothed ? params['lambda']! : params['beta']!;
    if (settings.start !== 'documents') {
      for (let i = 0; i < topics.length; i++) topics[i] = random.gamma(100) / 100;
    } else {
      seedFromDocuments(corpus, topics, V, K, random);
    }
    if (smoothed) {
      params['eta']![0] = settings.eta;
    } else {
      normaliseTopics(topics, V, K);
    }
    derive(state);
  }

  function resetPosterior(corpus: Corpus, { params, posterior }: State): void {
    for (let d = 0; d < documentCount(corpus); d++) {
      uninformed(params['alpha']!, tokenCount(corpus, d, d + 1), posterior['gamma']!, d * K);
    }
  }

  function derive({ params, derived }: State): void {
    const logBeta = derived['logBeta']!;
    const expLogBeta = derived['expLogBeta']!;
    const rowMaximum = derived['rowMaximum']!;
    if (smoothed) expectLogTopics(params['lambda']!, logBeta, V, K);
    else logPoints(params['beta']!, logBeta);
    for (let w = 0; w < V; w++) {
      let most = Number.NEGATIVE_INFINITY;
      for (let i = w * K; i < (w + 1) * K; i++) most = Math.max(most, logBeta[i]!);
      rowMaximum[w] = most;
      for (let i = w * K; i < (w + 1) * K; i++) expLogBeta[i] = exp(logBeta[i]! - most);
    }
    topicsChanged = true;
  }

  function mStep(state: State, statistics: Arrays, soft: boolean): void {
    const { params, derived } = state;
    const topicTerm = statistics['topicTerm']!;
    if (smoothed) {
      const lambda = params['lambda']!;
      const eta = params['eta']!;
      // η from the topics as they were, then λ: after the step, λ is the best for this η
      if (settings['learn-eta'] && !soft) {
        eta[0] = learnSymmetricPrior(eta[0]!, V, sumOf(derived['logBeta']!) / K, K);
      }
      for (let i = 0; i < lambda.length; i++) lambda[i] = eta[0]! + topicTerm[i]!;
      derive(state);
    } else {
      const beta = params['beta']!;
      beta.set(topicTerm);
      normaliseTopics(beta, V, K);
      derive(state);
    }
    const documents = statistics['documents']![0]!;
    if (settings['learn-alpha'] !== 'none' && !soft && documents > 0) {
      const alpha = params['alpha']!;
      const meanLog = statistics['logTheta']!.map((sum) => sum / documents);
      if (settings['learn-alpha'] === 'asymmetric') learnPrior(alpha, meanLog, documents);
      else alpha.fill(learnSymmetricPrior(alpha[0]!, K, sumOf(meanLog), documents));
    }
  }

  function globalTerms({ params, derived }: State, terms: Float64Array): void {
    if (!smoothed) return;
    const { topics, entropy } = topicTerms(params['lambda']!, derived['logBeta']!, params['eta']![0]!, V, K);
    terms[5]! += topics;
    terms[6]! += entropy;
  }

  return {
    name: 'lda',
    ...(settings.precise ? {} : { rounding: KERNEL_ROUNDING }),
    start: settings.start === 'cross-fitted' ? createLdaStart({ V, K, threads }, settings.precise) : undefined,
    softIterations: settings.start === 'cross-fitted' ? 0 : 10,
    objective: 'elbo',
    terms: smoothed ? [...DOCUMENT_TERMS, 'topics', 'entropy_topics'] : DOCUMENT_TERMS,
    params: smoothed ? { lambda: ['V', 'K'], alpha: ['K'], eta: [1] } : { beta: ['V', 'K'], alpha: ['K'] },
    derived: { logBeta: ['V', 'K'], expLogBeta: ['V', 'K'], rowMaximum: ['V'] },
    posterior: { gamma: ['K'] },
    statistics: { topicTerm: ['V', 'K'], logTheta: ['K'], documents: [1] },
    initialise,
    prepare: (corpus) => corpus,
    resetPosterior,
    derive,
    eStep,
    mStep,
    globalTerms,
    shares: (statistics) => normalised(topicSums(statistics['topicTerm']!, V, K)),
    proportions({ posterior }, d, out) {
      writeNormalised(posterior['gamma']!, d * K, K, out, 0);
    },
    readings: { probability },
    predictor(state) {
      const gamma = state.posterior['gamma']!;
      const theta = new Float64Array(gamma.length);
      for (let at = 0; at < gamma.length; at += K) writeNormalised(gamma, at, K, theta, at);
      return mixedPredictor(theta, probability(state), K);
    },
    facts: ({ params }, k) => ({ alpha: params['alpha']![k]! }),
  };

  /** E[β], V×K. */
  function probability({ params }: State): Float64Array {
    const topics = (smoothed ? params['lambda']! : params['beta']!).slice();
    normaliseTopics(topics, V, K);
    return topics;
  }
}

function parseAlpha(text: string, K: number): Float64Array {
  const numbers = text
    .split(',')
    .map(
      (part) => parseSetting({ kind: 'number', above: 0, max: 1e6, describe: '' }, part.trim(), '--alpha') as number,
    );
  if (numbers.length === 1) return new Float64Array(K).fill(numbers[0]!);
  if (numbers.length === K) return Float64Array.from(numbers);
  throw new UserError(`--alpha: got ${numbers.length} numbers, expected 1 or one for each of the ${K} topics`, {
    status: STATUS.usage,
  });
}
