/**
 * Probabilistic latent semantic analysis: LDA whose topic proportions and topics are points.
 *
 *     for each document d, token n:   z_dn ~ Cat(θ_d),  w_dn ~ Cat(β_{z_dn})
 *
 * q(z) is the true posterior and the bound is tight. As points, θ_d have no prior: there are as many parameters as
 * documents, and of a new document θ_d is the maximum likelihood with β fixed (which overfits short documents).
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | θ_d | `theta` | topic proportions of document d | D×K |
 * | β_k | `beta` | term distribution of topic k | V×K |
 * | φ_dw | – | q(z) of one token of term w ∝ θ_dk β_kw; never stored | K |
 *
 * @see Hofmann 1999, Probabilistic latent semantic indexing, eqs. 3–6, conditioned on the documents (from memory)
 */
import { type Corpus, tokenCount } from '../corpus/corpus.js';
import type { Start, State, Sums, TopicModel } from '../em/model.js';
import { createMultinomialKernel, type MultinomialKernel } from '../kernels/multinomial.js';
import type { Reals } from '../math/reals.js';
import { log } from '../math/special.js';
import type { Settings, Values } from '../settings.js';
import { roundSettings } from './settings.js';
import {
  logPoints,
  mixedPredictor,
  normalised,
  normaliseTopics,
  seedFromDocuments,
  topicSums,
  writeNormalised,
  ZERO,
} from './topics.js';

export const plsaSettings = {
  start: {
    kind: 'choice',
    choices: ['random', 'documents'],
    default: 'random',
    onlyWith: [['init']],
    describe: 'first topics: random, or each made of a few documents drawn at random',
  },
  ...roundSettings,
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute by the plain loops that the kernels are checked against, four to five times slower',
  },
} as const satisfies Settings;

/** θ of a new document goes to its maximum: rounds at most, and the share of the tokens that the last one may move. */
const NEW = { rounds: 1000, tolerance: 1e-6 };

/** A proportion below this counts as 0: its products with probabilities of terms, `ZERO` at least, are normal numbers. */
const LEAST = 1e-250;

export function createPlsa(
  settings: Values<typeof plsaSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
): TopicModel<Corpus> {
  const fitted = { rounds: settings['e-step-iterations'], tolerance: settings['e-step-tolerance'] };
  let kernel: MultinomialKernel | undefined;
  /** Whether the kernel's topics are those of the parameters. */
  let isTaken = false;
  const phi = new Float64Array(K);
  const tokens = new Float64Array(K);

  /** φ of a term up to its sum, into `phi`; the sum, at least ZERO / K, is p(w | d). */
  function weigh(theta: Reals, at: number, beta: Float64Array, row: number): number {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += phi[k] = theta[at + k]! * beta[row + k]!;
    return sum;
  }

  /** Rounds of  φ_dw ∝ θ_d β_w,  θ_d = Σ_w n_dw φ_dw / N_d.  ln p(w_d | θ_d, β) is concave in θ_d: one maximum. */
  function converge(
    { rowStart, term, count }: Corpus,
    d: number,
    length: number,
    theta: Reals,
    beta: Float64Array,
    { rounds, tolerance }: typeof NEW,
  ): void {
    for (let r = 0; r < rounds; r++) {
      tokens.fill(0);
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
        const ratio = count[i]! / weigh(theta, d * K, beta, term[i]! * K);
        for (let k = 0; k < K; k++) tokens[k]! += ratio * phi[k]!;
      }
      let moved = 0;
      for (let k = 0; k < K; k++) {
        const share = tokens[k]! / length;
        const improved = share > LEAST ? share : 0;
        moved += Math.abs(improved - theta[d * K + k]!);
        theta[d * K + k] = improved;
      }
      if (moved <= tolerance) return;
    }
  }

  function roundsAt(start: Start): typeof NEW {
    return start === 'fixed' ? { rounds: 0, tolerance: 0 } : start === 'cold' ? NEW : fitted;
  }

  /** The E-step by kernels. */
  function kernelEStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    const { statistics, terms } = sums;
    const theta = state.posterior['theta']!;
    for (let d = from; d < to; d++) {
      const isEmpty = corpus.rowStart[d] === corpus.rowStart[d + 1];
      if (isEmpty || start === 'cold') theta.fill(1 / K, d * K, (d + 1) * K);
    }
    kernel ??= createMultinomialKernel({ V, K }, threads);
    if (!isTaken) kernel.setPoints(state.derived['floored']!);
    isTaken = true;
    const { rounds, tolerance } = roundsAt(start);
    const found = kernel.proportions(corpus, from, to, theta, rounds, tolerance);
    if (statistics === null && terms.length === 0) return Number.POSITIVE_INFINITY;
    let logLikelihood = 0;
    let assignments = 0;
    for (let i = 0; i < found.length; i += 2) {
      logLikelihood += found[i]!;
      assignments += found[i + 1]!;
    }
    const words = kernel.terms(corpus, from, to, statistics?.['topicTerm'] ?? null);
    terms[0]! += words;
    terms[1]! += assignments;
    terms[2]! += logLikelihood - words - assignments;
    return Number.POSITIVE_INFINITY;
  }

  function eStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    if (!settings.precise) return kernelEStep(corpus, from, to, state, sums, start);
    const { rowStart, term, count } = corpus;
    const { floored: beta, logBeta } = state.derived as { floored: Float64Array; logBeta: Float64Array };
    const { terms, statistics } = sums;
    const topicTerm = statistics?.['topicTerm'];
    const theta = state.posterior['theta']!;
    let startBound = 0;
    for (let d = from; d < to; d++) {
      const at = d * K;
      const length = tokenCount(corpus, d, d + 1);
      if (start === 'cold' || length === 0) theta.fill(1 / K, at, at + K);
      if (length === 0) continue;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++)
        startBound += count[i]! * log(weigh(theta, at, beta, term[i]! * K));
      converge(corpus, d, length, theta, beta, roundsAt(start));
      tokens.fill(0);
      let words = 0;
      let assignments = 0;
      let logLikelihood = 0;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
        const row = term[i]! * K;
        const sum = weigh(theta, at, beta, row);
        const ratio = count[i]! / sum;
        logLikelihood += count[i]! * log(sum);
        for (let k = 0; k < K; k++) {
          const expected = ratio * phi[k]!;
          tokens[k]! += expected;
          words += expected * logBeta[row + k]!;
          if (topicTerm !== undefined) topicTerm[row + k]! += expected;
        }
      }
      for (let k = 0; k < K; k++) if (tokens[k]! > 0) assignments += tokens[k]! * log(theta[at + k]!);
      terms[0]! += words;
      terms[1]! += assignments;
      terms[2]! += logLikelihood - words - assignments;
    }
    return startBound;
  }

  function derive({ params, derived }: State): void {
    if (settings.precise) logPoints(params['beta']!, derived['logBeta']!);
    isTaken = false;
    for (let i = 0; i < V * K; i++) derived['floored']![i] = Math.max(params['beta']![i]!, ZERO);
  }

  return {
    name: 'plsa',
    objective: 'log_likelihood',
    terms: ['words', 'assignments', 'entropy_assignments'],
    params: { beta: ['V', 'K'] },
    derived: { floored: ['V', 'K'], logBeta: ['V', 'K'] },
    posterior: { theta: ['K'] },
    statistics: { topicTerm: ['V', 'K'] },
    initialise(corpus, state, random) {
      const beta = state.params['beta']!;
      if (settings.start === 'random') for (let i = 0; i < V * K; i++) beta[i] = random.gamma(100);
      else seedFromDocuments(corpus, beta, V, K, random);
      normaliseTopics(beta, V, K);
      derive(state);
    },
    prepare: (corpus) => corpus,
    resetPosterior(_, { posterior }) {
      posterior['theta']!.fill(1 / K);
    },
    derive,
    eStep,
    mStep(state, statistics) {
      state.params['beta']!.set(statistics['topicTerm']!);
      normaliseTopics(state.params['beta']!, V, K);
      derive(state);
    },
    globalTerms() {},
    shares: (statistics) => normalised(topicSums(statistics['topicTerm']!, V, K)),
    proportions({ posterior }, d, out) {
      writeNormalised(posterior['theta']!, d * K, K, out, 0);
    },
    readings: { probability: ({ params }) => params['beta']!.slice() },
    predictor: ({ params, posterior }) => mixedPredictor(posterior['theta']!, params['beta']!, K),
    documentScore: { measure: 'likelihood', of: 'log p(document | θ_d), with θ_d fitted to these very words' },
    facts: () => ({}),
  };
}
