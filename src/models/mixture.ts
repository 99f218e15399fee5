/**
 * Mixture of unigrams: one topic a document.
 *
 *                            θ ~ Dir(α)        (`inference: vb`; with `em`, θ is a parameter)
 *     for each topic k:      β_k ~ Dir(η)      (`vb`; with `em`, a parameter with prior Dir(1 + η): η = 0 is none)
 *     for each document d:   z_d ~ Cat(θ)
 *       for each token n:    w_dn ~ Cat(β_{z_d})
 *
 * With `em` q(z_d) is the true posterior and the bound is tight; with `vb` it is exact given q(θ, β) = q(θ) Π_k q(β_k).
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | θ | `theta` | weights of topics | K |
 * | β_k | `beta` | term distribution of topic k | V×K |
 * | γ | `gamma` | q(θ) = Dir(γ) | K |
 * | λ_k | `lambda` | q(β_k) = Dir(λ_k) | V×K |
 * | α, η | `alpha`, `eta` | priors; with `vb` η is learned | 1 |
 * | r_d | `responsibility` | q(z_d) | D×K |
 *
 * @see Nigam, McCallum, Thrun & Mitchell 2000, Text classification from labeled and unlabeled documents using EM, §3–4
 *   (from memory)
 * @see Bishop 2006, Pattern recognition and machine learning, §10.2 with multinomial for Gaussian components (from memory)
 */
import { type Corpus, documentCount } from '../corpus/corpus.js';
import type { Arrays, Start, State, Sums, TopicModel } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import { createMultinomialKernel, type MultinomialKernel } from '../kernels/multinomial.js';
import { expectLog, learnSymmetricPrior, logNormaliser } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import { digamma, exp, lgamma, log } from '../math/special.js';
import type { Settings, Values } from '../settings.js';
import { learnEtaSettings } from './settings.js';
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

/**
 * `vb` by default: on the bundled corpus (K = 50, every fifth paragraph held out) its completion perplexity is 2112, that
 * of `em` 2620, and it says how many topics are needed. On titles of six words `em` is better: 526 to 572.
 */
export const mixtureSettings = {
  inference: {
    kind: 'choice',
    choices: ['vb', 'em'],
    default: 'vb',
    describe: 'weights and topics as Dirichlet posteriors (vb, empties superfluous topics) or as points (em)',
  },
  alpha: {
    kind: 'number',
    value: 'A',
    above: 0,
    max: 1e6,
    default: 0.1,
    onlyWith: [['inference', 'vb']],
    describe: 'Dirichlet prior of the weights of topics (vb); small values empty superfluous topics',
  },
  eta: {
    kind: 'number',
    value: 'H',
    min: 0,
    max: 1e6,
    describe:
      'added to the count of each term in each topic: Dirichlet prior, or where its learning starts (vb) [default: 1]; prior Dir(1 + eta), 0 for none (em) [default: 0.1]',
  },
  ...learnEtaSettings,
  start: {
    kind: 'choice',
    choices: ['documents', 'random'],
    default: 'documents',
    onlyWith: [['init']],
    describe: 'first topics: each made of a few documents drawn at random, or random',
  },
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute by the plain loops that the kernels are checked against, up to four times slower',
  },
} as const satisfies Settings;

const DOCUMENT_TERMS = ['words', 'assignments', 'entropy_assignments'] as const;

/** A topic is on if more than this many documents are expected to be its. */
const ON = 0.5;

export function createMixture(
  settings: Values<typeof mixtureSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
): TopicModel<Corpus> {
  const bayes = settings.inference === 'vb';
  const { alpha, eta: startEta = bayes ? 1 : 0.1 } = settings;
  if (bayes && startEta === 0) {
    throw new UserError('--eta: got 0, expected a prior above 0 with --inference vb', {
      status: STATUS.usage,
      hint: 'maximum likelihood is --inference em --eta 0',
    });
  }
  const penalised = !bayes && startEta > 0;
  const joint = new Float64Array(K);
  let kernel: MultinomialKernel | undefined;
  /** Whether the kernel's topics are those of the parameters. */
  let isTaken = false;
  /** Of q(β): Σ E[log β] and the entropy, where the kernel found them. */
  let ofTopics = { total: 0, entropy: 0 };

  /** ln p(z_d = k, w_d) into `joint`; with vb, its expectation under q(θ, β). */
  function weigh({ rowStart, term, count }: Corpus, d: number, { logTheta, logBeta }: Arrays): void {
    joint.set(logTheta!);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const row = term[i]! * K;
      const n = count[i]!;
      for (let k = 0; k < K; k++) joint[k]! += n * logBeta![row + k]!;
    }
  }

  /** Of an empty document nothing is known but θ, and nothing is to be learned from it. */
  function setEmpty(d: number, { params, posterior }: State): void {
    writeNormalised(bayes ? params['gamma']! : params['theta']!, 0, K, posterior['responsibility']!, d * K);
  }

  /** The E-step by kernels. */
  function kernelEStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums): number {
    const { rowStart } = corpus;
    const { statistics, terms } = sums;
    const { logTheta, logBeta } = state.derived;
    const responsibility = state.posterior['responsibility']!;
    kernel ??= createMultinomialKernel({ V, K }, threads);
    if (!isTaken) kernel.setLogs(logBeta!);
    isTaken = true;
    const found = kernel.responsibilities(corpus, from, to, logTheta!, responsibility);
    for (let i = 0; i < found.length; i++) terms[i % 3]! += found[i]!;
    for (let d = from; d < to; d++) {
      if (rowStart[d] === rowStart[d + 1]) setEmpty(d, state);
      else if (statistics !== null) {
        for (let k = 0; k < K; k++) statistics['documents']![k]! += responsibility[d * K + k]!;
      }
    }
    if (statistics !== null) kernel.terms(corpus, from, to, statistics['topicTerm']!);
    return Number.POSITIVE_INFINITY;
  }

  function eStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    if (!settings.precise) return kernelEStep(corpus, from, to, state, sums);
    const { rowStart, term, count } = corpus;
    const { terms, statistics } = sums;
    const { logTheta } = state.derived;
    const responsibility = state.posterior['responsibility']!;
    const topicTerm = statistics?.['topicTerm'];
    const documents = statistics?.['documents'];
    let startBound = 0;
    for (let d = from; d < to; d++) {
      const at = d * K;
      if (start === 'cold') responsibility.fill(1 / K, at, at + K);
      if (rowStart[d] === rowStart[d + 1]) {
        setEmpty(d, state);
        continue;
      }
      weigh(corpus, d, state.derived);
      let most = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < K; k++) {
        const r = responsibility[at + k]!;
        if (r > 0) startBound += r * (joint[k]! - log(r));
        most = Math.max(most, joint[k]!);
      }
      let sum = 0;
      for (let k = 0; k < K; k++) sum += responsibility[at + k] = exp(joint[k]! - most);
      const logSum = most + log(sum);
      for (let k = 0; k < K; k++) {
        if (responsibility[at + k] === 0) continue;
        responsibility[at + k]! /= sum;
        const r = responsibility[at + k]!;
        terms[0]! += r * (joint[k]! - logTheta![k]!);
        terms[1]! += r * logTheta![k]!;
        terms[2]! += r * (logSum - joint[k]!);
        if (documents !== undefined) documents[k]! += r;
      }
      if (topicTerm === undefined) continue;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
        const row = term[i]! * K;
        const n = count[i]!;
        for (let k = 0; k < K; k++) topicTerm[row + k]! += n * responsibility[at + k]!;
      }
    }
    return startBound;
  }

  function mStep(state: State, statistics: Arrays, soft: boolean): void {
    const { params, derived } = state;
    const topics = bayes ? params['lambda']! : params['beta']!;
    if (bayes) {
      const eta = params['eta']!;
      // η from the topics as they were, then λ: after the step, λ is the best for this η
      if (settings['learn-eta'] && !soft) {
        const total = settings.precise ? sumOf(derived['logBeta']!) : ofTopics.total;
        eta[0] = learnSymmetricPrior(eta[0]!, V, total / K, K);
      }
      for (let i = 0; i < topics.length; i++) topics[i] = eta[0]! + statistics['topicTerm']![i]!;
      for (let k = 0; k < K; k++) params['gamma']![k] = alpha + statistics['documents']![k]!;
    } else {
      for (let i = 0; i < topics.length; i++) topics[i] = startEta + statistics['topicTerm']![i]!;
      normaliseTopics(topics, V, K);
      params['theta']!.set(normalised(statistics['documents']!));
    }
    derive(state);
  }

  function initialise(corpus: Corpus, state: State, random: Random): void {
    const { params } = state;
    const topics = bayes ? params['lambda']! : params['beta']!;
    if (settings.start === 'random') for (let i = 0; i < topics.length; i++) topics[i] = random.gamma(1);
    else seedFromDocuments(corpus, topics, V, K, random);
    if (bayes) {
      params['eta']![0] = startEta;
      params['gamma']!.fill(alpha + 1);
    } else {
      normaliseTopics(topics, V, K);
      params['theta']!.fill(1 / K);
    }
    derive(state);
  }

  /** E[log β] of q(β_k) = Dir(λ_k) into `logBeta`. */
  function expectTopics(lambda: Float64Array, logBeta: Float64Array): void {
    if (settings.precise) {
      expectLogTopics(lambda, logBeta, V, K);
      return;
    }
    kernel ??= createMultinomialKernel({ V, K }, threads);
    const sums = topicSums(lambda, V, K);
    const { total, entropy } = kernel.setPosteriors(lambda, sums.map(digamma), logBeta);
    ofTopics = { total, entropy: entropy - sumOf(sums.map(lgamma)) };
    isTaken = true;
  }

  function derive({ params, derived }: State): void {
    isTaken = false;
    if (bayes) {
      expectLog(params['gamma']!, 0, K, derived['logTheta']!, 0);
      expectTopics(params['lambda']!, derived['logBeta']!);
    } else {
      logPoints(params['theta']!, derived['logTheta']!);
      logPoints(params['beta']!, derived['logBeta']!);
    }
  }

  function globalTerms({ params, derived }: State, terms: Float64Array): void {
    const logBeta = derived['logBeta']!;
    if (penalised) {
      terms[3]! += K * (lgamma(V * (1 + startEta)) - V * lgamma(1 + startEta)) + startEta * sumOf(logBeta);
    } else if (bayes) {
      const logTheta = derived['logTheta']!;
      const gamma = params['gamma']!;
      const eta = params['eta']![0]!;
      const { topics, entropy } = settings.precise
        ? topicTerms(params['lambda']!, logBeta, eta, V, K)
        : { topics: K * (lgamma(V * eta) - V * lgamma(eta)) + (eta - 1) * ofTopics.total, entropy: ofTopics.entropy };
      let prior = lgamma(K * alpha) - K * lgamma(alpha);
      let entropyWeights = -logNormaliser(gamma, 0, K);
      for (let k = 0; k < K; k++) {
        prior += (alpha - 1) * logTheta[k]!;
        entropyWeights -= (gamma[k]! - 1) * logTheta[k]!;
      }
      terms[3]! += prior;
      terms[4]! += entropyWeights;
      terms[5]! += topics;
      terms[6]! += entropy;
    }
  }

  /** E[β], V×K. */
  function probability({ params }: State): Float64Array {
    const topics = (bayes ? params['lambda']! : params['beta']!).slice();
    normaliseTopics(topics, V, K);
    return topics;
  }

  return {
    name: 'mixture',
    objective: bayes ? 'elbo' : penalised ? 'log_posterior' : 'log_likelihood',
    terms: bayes
      ? [...DOCUMENT_TERMS, 'weights', 'entropy_weights', 'topics', 'entropy_topics']
      : penalised
        ? [...DOCUMENT_TERMS, 'log_prior']
        : DOCUMENT_TERMS,
    params: bayes ? { lambda: ['V', 'K'], gamma: ['K'], eta: [1] } : { beta: ['V', 'K'], theta: ['K'] },
    derived: { logBeta: ['V', 'K'], logTheta: ['K'] },
    posterior: { responsibility: ['K'] },
    statistics: { topicTerm: ['V', 'K'], documents: ['K'] },
    initialise,
    prepare: (corpus) => corpus,
    resetPosterior(corpus, { posterior }) {
      posterior['responsibility']!.fill(1 / K, 0, documentCount(corpus) * K);
    },
    derive,
    eStep,
    mStep,
    globalTerms,
    shares: (statistics) => normalised(topicSums(statistics['topicTerm']!, V, K)),
    proportions({ posterior }, d, out) {
      writeNormalised(posterior['responsibility']!, d * K, K, out, 0);
    },
    readings: { probability },
    ...(bayes ? {} : { documentScore: { measure: 'likelihood', of: 'log p(document)' } }),
    predictor: (state) => mixedPredictor(state.posterior['responsibility']!, probability(state), K),
    facts({ params }, k) {
      if (!bayes) return { weight: params['theta']![k]!, on: params['theta']![k]! > 0 };
      const gamma = params['gamma']!;
      return { weight: gamma[k]! / sumOf(gamma), on: gamma[k]! - alpha > ON };
    },
  };
}
