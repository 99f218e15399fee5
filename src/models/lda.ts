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
import type { Arrays, Stage, State, TopicModel } from '../em/model.js';
import type { Dims } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { learnPrior, learnSymmetricPrior } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';
import { digamma, lgamma } from '../math/special.js';
import { parseSetting, type Settings, type Values } from '../settings.js';
import { createCollapsedStage, PASSES_TO_LOOK } from './lda-collapsed.js';
import { ofPrior, uninformed } from './lda-documents.js';
import { createEStep } from './lda-e-step.js';
import { ONLINE, roundSettings } from './settings.js';
import {
  ETA_OF_VB,
  expectLogTopics,
  logPoints,
  mixedPredictor,
  normalised,
  normaliseTopics,
  READ_OUT_GAINS,
  READ_OUTS,
  type ReadOut,
  seedFromDocuments,
  sumOf,
  topicSums,
  topicTerms,
  writeNormalised,
  writeReadOut,
} from './topics.js';

export const ldaSettings = {
  inference: {
    kind: 'choice',
    choices: ['auto', 'collapsed', 'vb', 'map'],
    default: 'auto',
    describe:
      'collapsed passes, by Gibbs sampling within documents; VB after a few of them, or MAP, both by ascent; or auto: collapsed, then VB for as long as held-out documents say that it pays',
  },
  alpha: {
    kind: 'text',
    value: 'A[,A…]',
    onlyWith: [['init']],
    describe:
      'Dirichlet prior of topic proportions, or where its learning starts: one number, or one a topic [default: 5/K]',
  },
  'learn-alpha': {
    kind: 'choice',
    choices: ['none', 'symmetric', 'asymmetric'],
    default: 'asymmetric',
    onlyWith: [['inference', 'auto', 'collapsed', 'vb']],
    describe: 'learn alpha: not at all, one number for all topics, one a topic; not in MAP',
  },
  eta: {
    kind: 'number',
    value: 'H',
    min: 1e-9,
    max: 1e6,
    onlyWith: [['beta', 'dirichlet'], ['init']],
    describe:
      "Dirichlet prior of topics' terms; learned from there with vb alone (dirichlet) [default: 0.03, where collapsed passes start to learn it; in VB after them 0.5 more, from another start 0.1]",
  },
  'learn-eta': {
    kind: 'flag',
    default: true,
    onlyWith: [
      ['inference', 'auto', 'collapsed', 'vb'],
      ['beta', 'dirichlet'],
    ],
    describe:
      'learn eta from how held-out documents are completed (auto, collapsed; unless it is given) or by Newton steps (vb)',
  },
  'read-out': {
    kind: 'choice',
    choices: ['auto', ...READ_OUTS],
    default: 'auto',
    onlyWith: [
      ['inference', 'auto', 'collapsed', 'vb'],
      ['beta', 'dirichlet'],
    ],
    describe:
      "topics' terms by the posterior mean, by counts with a smoothing of their own (plug-in), or by exp(E[log beta]); or auto: " +
      'by what completes held-out documents better by enough, by the mean where none are held out (dirichlet)',
  },
  beta: {
    kind: 'choice',
    choices: ['dirichlet', 'point'],
    default: 'dirichlet',
    onlyWith: [['inference', 'vb']],
    describe: 'topics as Dirichlet posteriors (smoothed) or as point estimates',
  },
  start: {
    kind: 'choice',
    choices: ['collapsed', 'random', 'documents'],
    default: 'collapsed',
    onlyWith: [['inference', 'vb', 'map'], ['init']],
    describe: 'first topics: from a few collapsed passes, random, or each of a few documents drawn at random (vb, map)',
  },
  ...roundSettings,
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute in double precision throughout, several times slower',
  },
  schedule: {
    kind: 'choice',
    choices: ['incremental', 'batch', 'online'],
    default: 'incremental',
    describe:
      'learn topics after each of a few blocks, what the others said of them remembered (incremental), or after each ' +
      `pass over all documents (batch, and unless told otherwise auto). ${ONLINE}`,
  },
} as const satisfies Settings;

const DOCUMENT_TERMS = ['words', 'assignments', 'proportions', 'entropy_assignments', 'entropy_proportions'] as const;

/** Passes of the collapsed stage: as the start of VB, and at most. */
const START_PASSES = 12;
const COLLAPSED_PASSES = 60;

/** η of collapsed passes, or where they start to learn it. */
const COLLAPSED_ETA = 0.03;

/** The read-out by which held-out documents watch VB: what the passes are watched by, where they learned η. */
const WATCHED: ReadOut = 'plug-in';

/** The least probability of a term as a point. */
const LEAST_POINT = 1e-19;

/** Documents by which `auto` stops and chooses. */
const HELD_OUT = { share: 0.05, from: PASSES_TO_LOOK, patience: PASSES_TO_LOOK, gain: 0.005, enoughFor: 8000 };

/** η where the topics start otherwise. */
const VB_START_ETA = 0.1;

/** A fall of the objective up to this fraction of its terms' sizes is rounding of the kernels' f32. */
const KERNEL_ROUNDING = 1e-7;

export function createLda(
  settings: Values<typeof ldaSettings>,
  { V, K, threads = 1, storedBytes }: Dims & { readonly threads?: number },
): TopicModel<Corpus> {
  const smoothed = settings.beta === 'dirichlet';
  const startAlpha = parseAlpha(settings.alpha ?? String(5 / K), K);
  const learnsAlpha = settings['learn-alpha'];
  /** Whether proportions and topics are points that maximise the posterior: E[log θ] is then log θ, E[log β] log β. */
  const isMap = settings.inference === 'map';
  const isAscent = isMap || settings.inference === 'vb';
  /** Whether VB learns the priors; where it goes on from the collapsed stage, they stay as that has learned them. */
  const learnsInEm = settings.inference === 'vb';
  /** Whether new documents are answered with proportions and topics as points: topics of the passes are counts. */
  const answersWithPoints = settings.inference !== 'vb';

  /** How topics may be read; points need no choice. */
  const readOuts: Readonly<Partial<Record<ReadOut, number>>> | null =
    !smoothed || isMap ? null : settings['read-out'] === 'auto' ? READ_OUT_GAINS : { [settings['read-out']]: 0 };

  const eStep = createEStep(
    { V, K, threads },
    {
      isMap,
      precise: settings.precise,
      rounds: settings['e-step-iterations'],
      tolerance: settings['e-step-tolerance'],
    },
    answersWithPoints ? writePoints : null,
  );
  /** Whether the kernel's room for S is taken by the sums of the state that it has. */
  let hasSums = false;

  /** Arrays of the last state and of its first sums are where the kernel has them. */
  function allocate(name: string): Float64Array | undefined {
    if (settings.precise || !(name === 'lambda' || name === 'logBeta' || name === 'topicTerm')) return undefined;
    if (name === 'topicTerm' && hasSums) return undefined;
    hasSums = name === 'topicTerm';
    return eStep.kernel().give(name);
  }

  /** Σ E[log β] and the entropy of q(β), where the kernel found them. */
  let ofTopics = { total: 0, entropy: 0 };

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
      params['eta']![0] = settings.eta ?? VB_START_ETA;
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

  /** @param sums Σ_w λ_wk, if somebody has them */
  function derive(state: State, sums?: Float64Array): void {
    const { params, derived } = state;
    const logBeta = derived['logBeta']!;
    if (!smoothed) {
      logPoints(params['beta']!, logBeta);
    } else if (isMap) {
      logBeta.set(params['lambda']!);
      normaliseTopics(logBeta, V, K);
      logPoints(logBeta, logBeta);
    } else if (settings.precise) {
      expectLogTopics(params['lambda']!, logBeta, V, K);
    } else {
      const totals = sums ?? topicSums(params['lambda']!, V, K);
      const { total, entropy } = eStep.kernel().expectLog(totals.map(digamma));
      ofTopics = { total, entropy: entropy - sumOf(totals.map(lgamma)) };
    }
    eStep.topicsChanged(state);
  }

  function mStep(state: State, statistics: Arrays, soft: boolean): void {
    const { params, derived } = state;
    const topicTerm = statistics['topicTerm']!;
    if (smoothed) {
      const lambda = params['lambda']!;
      const eta = params['eta']!;
      // η from the topics as they were, then λ: after the step, λ is the best for this η
      if (settings['learn-eta'] && !soft && learnsInEm) {
        const total = settings.precise ? sumOf(derived['logBeta']!) : ofTopics.total;
        eta[0] = learnSymmetricPrior(eta[0]!, V, total / K, K);
      }
      derive(state, setLambda(lambda, eta[0]!, topicTerm));
    } else {
      const beta = params['beta']!;
      for (let i = 0; i < beta.length; i++) beta[i] = Math.max(topicTerm[i]!, 0);
      normaliseTopics(beta, V, K);
      derive(state);
    }
    const documents = statistics['documents']![0]!;
    if (learnsAlpha !== 'none' && !soft && learnsInEm && documents > 0) {
      const alpha = params['alpha']!;
      const meanLog = statistics['logTheta']!.map((sum) => sum / documents);
      if (learnsAlpha === 'asymmetric') learnPrior(alpha, meanLog, documents);
      else alpha.fill(learnSymmetricPrior(alpha[0]!, K, sumOf(meanLog), documents));
    }
  }

  /** λ = η + S. Returns Σ_w λ_wk. */
  function setLambda(lambda: Float64Array, eta: number, topicTerm: Float64Array): Float64Array {
    if (!settings.precise && topicTerm === eStep.kernel().arrays.topicTerm) return eStep.kernel().setLambda(eta);
    const sums = new Float64Array(K);
    for (let w = 0, i = 0; w < V; w++) {
      for (let k = 0; k < K; k++, i++) {
        // rounding of what was withdrawn from a sum may leave it below 0
        lambda[i] = eta + Math.max(topicTerm[i]!, 0);
        sums[k]! += lambda[i]!;
      }
    }
    return sums;
  }

  function globalTerms({ params, derived }: State, terms: Float64Array): void {
    if (!smoothed) return;
    const lambda = params['lambda']!;
    const eta = params['eta']![0]!;
    if (isMap) {
      terms[2]! += K * (lgamma(V * (eta + 1)) - V * lgamma(eta + 1)) + eta * sumOf(derived['logBeta']!);
    } else if (settings.precise) {
      const { topics, entropy } = topicTerms(lambda, derived['logBeta']!, eta, V, K);
      terms[5]! += topics;
      terms[6]! += entropy;
    } else {
      terms[5]! += K * (lgamma(V * eta) - V * lgamma(eta)) + (eta - 1) * ofTopics.total;
      terms[6]! += ofTopics.entropy;
    }
  }

  function expectedTerms({ params, derived }: State, statistics: Arrays, terms: Float64Array): void {
    const [topicTerm, logBeta] = [statistics['topicTerm']!, derived['logBeta']!];
    const [alpha, logTheta] = [params['alpha']!, statistics['logTheta']!];
    let words = 0;
    for (let i = 0; i < topicTerm.length; i++) words += topicTerm[i]! * logBeta[i]!;
    let proportions = statistics['documents']![0]! * ofPrior(alpha, isMap);
    for (let k = 0; k < K; k++) proportions += (alpha[k]! - (isMap ? 0 : 1)) * logTheta[k]!;
    terms[0] = words;
    terms[2] = proportions;
  }

  /** The collapsed stage, see lda-collapsed.ts; not of one document, which has no others to start from. */
  function stage(corpus: Corpus, heldOut: Corpus | null, random: Random): Stage | undefined {
    let filled = 0;
    for (let d = 0; d < documentCount(corpus); d++) if (corpus.rowStart[d + 1]! > corpus.rowStart[d]!) filled++;
    if (filled < 2) return undefined;
    const eta = settings.eta ?? COLLAPSED_ETA;
    const found = createCollapsedStage(
      corpus,
      heldOut,
      { V, K, threads, ...(storedBytes === undefined ? {} : { storedBytes }) },
      { alpha: startAlpha, eta, learnAlpha: isMap ? 'none' : learnsAlpha, precise: settings.precise },
      random,
    );
    const learnsEta = heldOut !== null && smoothed && !isAscent && settings['learn-eta'] && settings.eta === undefined;
    /** The score of the state as it was last read, by its counts with η, until EM changes it. */
    let scored: number | undefined;
    return {
      name: 'collapsed',
      every: PASSES_TO_LOOK,
      iterations: isAscent ? START_PASSES : COLLAPSED_PASSES,
      next: isAscent ? 'em' : settings.inference === 'auto' ? 'em if it pays' : 'nothing',
      pass: found.pass,
      read(state) {
        const { params, posterior } = state;
        const topics = smoothed ? params['lambda']! : params['beta']!;
        const counts = smoothed && !settings.precise ? eStep.kernel().give('topicTerm') : topics;
        const learned = learnsEta ? found.learnEta() : { eta, score: undefined };
        if (settings['read-out'] === 'auto') scored = learned.score;
        found.read(counts, posterior['gamma']!, params['alpha']!);
        if (smoothed) {
          params['eta']![0] = learned.eta;
          derive(state, setLambda(topics, learned.eta, counts));
        } else {
          normaliseTopics(topics, V, K);
          derive(state);
        }
      },
      score(state, by) {
        if (heldOut === null) return null;
        if (by === undefined && scored !== undefined) return scored;
        const asRead = by ?? (settings['read-out'] === 'auto' ? WATCHED : settings['read-out']);
        return found.score(
          (rows, width) => writePoints({ ...state, readOut: asRead }, rows, width),
          state.params['alpha']!,
        );
      },
      handOver(state) {
        scored = undefined;
        if (smoothed && !isMap && settings.eta === undefined) raiseEta(state, ETA_OF_VB);
      },
      close: found.close,
    };
  }

  /** So much more η over the same counts. */
  function raiseEta(state: State, more: number): void {
    const { lambda, eta } = state.params;
    for (let i = 0; i < lambda!.length; i++) lambda![i]! += more;
    eta![0]! += more;
    derive(state);
  }

  function absorb(state: State, statistics: Arrays): void {
    const lambda = state.params['lambda']!;
    for (let i = 0; i < lambda.length; i++) lambda[i]! += statistics['topicTerm']![i]!;
    derive(state);
  }

  return {
    name: 'lda',
    ...(settings.precise ? {} : { rounding: KERNEL_ROUNDING }),
    ...(settings.schedule === 'incremental' && settings.inference !== 'collapsed' ? { schedule: 'incremental' } : {}),
    ...(settings.start === 'collapsed' ? { stage } : {}),
    ...(isAscent ? {} : { absorb, heldOut: HELD_OUT }),
    softIterations: settings.start === 'collapsed' ? 0 : 10,
    objective: isMap ? 'log_posterior' : 'elbo',
    ...(readOuts === null ? {} : { readOuts, answersWithPoints }),
    ...(isMap ? { documentScore: { measure: 'density', of: 'log p(document, θ) at the best θ' } } : {}),
    terms: isMap
      ? ['words', 'assignments', 'log_prior', 'entropy_assignments']
      : smoothed
        ? [...DOCUMENT_TERMS, 'topics', 'entropy_topics']
        : DOCUMENT_TERMS,
    params: smoothed ? { lambda: ['V', 'K'], alpha: ['K'], eta: [1] } : { beta: ['V', 'K'], alpha: ['K'] },
    derived: { logBeta: ['V', 'K'], expLogBeta: ['V', 'K'], rowMaximum: ['V'] },
    posterior: { gamma: ['K'] },
    single: !settings.precise,
    statistics: { topicTerm: ['V', 'K'], tokens: ['K'], logTheta: ['K'], documents: [1] },
    allocate,
    initialise,
    prepare: (corpus) => corpus,
    resetPosterior,
    derive,
    eStep: eStep.run,
    mStep,
    globalTerms,
    expectedTerms,
    shares: ({ tokens }) => normalised(tokens!),
    proportions({ posterior }, d, out) {
      writeNormalised(posterior['gamma']!, d * K, K, out, 0);
    },
    readings: {
      probability,
      ...(readOuts === null
        ? {}
        : Object.fromEntries(READ_OUTS.map((by) => [by, (state: State) => probability({ ...state, readOut: by })]))),
    },
    predictor(state) {
      const gamma = state.posterior['gamma']!;
      const theta = new Float64Array(gamma.length);
      for (let at = 0; at < gamma.length; at += K) writeNormalised(gamma, at, K, theta, at);
      return mixedPredictor(theta, probability(state), K);
    },
    facts: ({ params }, k) => ({ alpha: params['alpha']![k]! }),
  };

  /** Topics as points, V×K: by the read-out, or the points that they are (in MAP λ over its sum is the mode). */
  function probability(state: State): Float64Array {
    const points = new Float64Array(V * K);
    writePoints(state, points, K, 0);
    return points;
  }

  /** The same in rows of `width`, with no less of a term than single precision can divide by. */
  function writePoints({ params, derived, readOut: by }: State, rows: Reals, width: number, least = LEAST_POINT): void {
    const topics = smoothed ? params['lambda']! : params['beta']!;
    const asRead = (by as ReadOut | undefined) ?? 'mean';
    const read = { lambda: topics, logBeta: derived['logBeta']!, eta: params['eta']?.[0] ?? 0 };
    writeReadOut(read, asRead, { V, K }, rows, width, least);
  }
}

function parseAlpha(text: string, K: number): Float64Array {
  const numbers = text
    .split(',')
    .map(
      (part) => parseSetting({ kind: 'number', min: 1e-9, max: 1e6, describe: '' }, part.trim(), '--alpha') as number,
    );
  if (numbers.length === 1) return new Float64Array(K).fill(numbers[0]!);
  if (numbers.length === K) return Float64Array.from(numbers);
  throw new UserError(`--alpha: got ${numbers.length} numbers, expected 1 or one for each of the ${K} topics`, {
    status: STATUS.usage,
  });
}
