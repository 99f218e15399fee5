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
import type { Arrays, Stage, Start, State, Sums, TopicModel } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import { createLdaKernel, type LdaKernel } from '../kernels/lda.js';
import { copyRows } from '../kernels/rows.js';
import { learnPrior, learnSymmetricPrior } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import { digamma, exp, lgamma } from '../math/special.js';
import { parseSetting, type Settings, type Values } from '../settings.js';
import { createCollapsedStage, PASSES_TO_ALL } from './lda-collapsed.js';
import { createDocumentSteps, isFixed, ofPrior, roundsAt, uninformed, withoutTopics } from './lda-documents.js';
import { ONLINE, roundSettings } from './settings.js';
import {
  expectLogTopics,
  logPoints,
  mixedPredictor,
  normalised,
  normaliseTopics,
  PLUG_IN,
  READ_OUT_GAINS,
  READ_OUTS,
  type ReadOut,
  readOut,
  seedFromDocuments,
  sumOf,
  topicSums,
  topicTerms,
  writeNormalised,
} from './topics.js';

export const ldaSettings = {
  inference: {
    kind: 'choice',
    choices: ['auto', 'collapsed', 'vb', 'map'],
    default: 'auto',
    describe:
      'collapsed updates; VB after a few of them, or MAP, both by ascent; or auto: collapsed, then VB for as long as held-out documents say that it pays',
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
      "Dirichlet prior of topics' terms, or where VB starts to learn it (dirichlet) [default: 0.03, in VB after collapsed updates 0.53, from another start 0.1]",
  },
  'learn-eta': {
    kind: 'flag',
    default: true,
    onlyWith: [
      ['inference', 'vb'],
      ['beta', 'dirichlet'],
    ],
    describe: 'learn eta in VB, by Newton steps (dirichlet)',
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
      "topics' terms by the posterior mean, by counts with a smoothing of 0.03 (plug-in), or by exp(E[log beta]); or auto: " +
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
    describe:
      'first topics: from a few passes of collapsed updates, random, or each of a few documents drawn at random (vb, map)',
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
const START_PASSES = 15;
const COLLAPSED_PASSES = 40;

/** η of collapsed updates, and what VB adds to it: e^ψ(x) is about x − ½. */
const COLLAPSED_ETA = PLUG_IN;
const VB_ETA = 0.5;

/** The read-out by which held-out documents watch a fit: of its stages, with one η and another, alike. */
const WATCHED: ReadOut = 'plug-in';

/** The least probability of a term as a point. */
const LEAST_POINT = 1e-19;

/** Documents by which `auto` stops and chooses. */
const HELD_OUT = { share: 0.05, from: 5, patience: 5, gain: 0.0075 };

/** η where the topics start otherwise. */
const VB_START_ETA = 0.1;

/** A fall of the objective up to this fraction of its terms' sizes is rounding of the kernels' f32. */
const KERNEL_ROUNDING = 1e-7;

export function createLda(
  settings: Values<typeof ldaSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
): TopicModel<Corpus> {
  const smoothed = settings.beta === 'dirichlet';
  const rounds = settings['e-step-iterations'];
  const tolerance = settings['e-step-tolerance'];
  const startAlpha = parseAlpha(settings.alpha ?? String(5 / K), K);
  const learnsAlpha = settings['learn-alpha'];
  /** Whether proportions and topics are points that maximise the posterior: E[log θ] is then log θ, E[log β] log β. */
  const isMap = settings.inference === 'map';
  const isAscent = isMap || settings.inference === 'vb';
  /** Whether VB learns the priors; where it goes on from the collapsed stage, they stay as that has learned them. */
  const learnsInEm = settings.inference === 'vb';
  /** Whether new documents are answered with proportions and topics as points, as collapsed updates have them. */
  const answersWithPoints = settings.inference !== 'vb';

  /** How topics may be read; points need no choice. */
  const readOuts: Readonly<Partial<Record<ReadOut, number>>> | null =
    !smoothed || isMap ? null : settings['read-out'] === 'auto' ? READ_OUT_GAINS : { [settings['read-out']]: 0 };

  const reference = createDocumentSteps(K, { isMap, rounds, tolerance });
  let kernel: LdaKernel | undefined;
  /** Whether `expLogBeta` and the kernel's topics are those of `logBeta`. */
  let isScaled = false;
  let isTaken = false;
  let hasPoints = false;
  /** Σ E[log β] and the entropy of q(β), where the kernel found them. */
  let ofTopics = { total: 0, entropy: 0 };
  /** Topics as points under the parameters, once somebody asked for them. */
  let topicPoints: Float64Array | undefined;

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
    { statistics, terms }: Sums,
    start: Start,
  ): void {
    const { params, derived, posterior } = state;
    const alpha = params['alpha']!;
    const gamma = posterior['gamma']!;
    const topicTerm = statistics?.['topicTerm'] ?? null;
    let documents = 0;
    for (let d = from; d < to; d++) {
      const isEmpty = corpus.rowStart[d] === corpus.rowStart[d + 1];
      if (isEmpty || start === 'cold') uninformed(alpha, tokenCount(corpus, d, d + 1), gamma, d * K);
      if (!isEmpty) documents++;
    }
    const points = start === 'cold' && answersWithPoints;
    const most = roundsAt(start, rounds);
    if (points) {
      if (!hasPoints) kernel.setPoints(pointsOf(state));
      hasPoints = true;
      const found = kernel.documents(corpus, from, to, alpha, gamma, most, tolerance, 'points');
      copyRows(found.gamma, found.K4, gamma.subarray(from * K), K, to - from);
      if (topicTerm !== null) kernel.terms(corpus, from, to, topicTerm, true);
      if (terms.length === 0 && statistics === null) return;
    }
    if (!isTaken) kernel.setTopics(derived['logBeta']!, derived['rowMaximum']!);
    isTaken = true;
    const stays = points || isFixed(start);
    const isPrecise = start === 'precise';
    const of = isMap ? 'proportions' : 'posteriors';
    const found = kernel.documents(corpus, from, to, alpha, gamma, stays ? 0 : most, tolerance, of);
    const ofAlpha = ofPrior(alpha, isMap);
    const underflowed: number[] = [];
    for (let d = from, at = 0; d < to; d++, at += 5) {
      if (corpus.rowStart[d] === corpus.rowStart[d + 1]) continue;
      const [logNormalisers, asComputed, assignments, proportions, entropy] = found.terms.subarray(
        at,
        at + 5,
      ) as unknown as [number, number, number, number, number];
      if (!Number.isFinite(logNormalisers + asComputed)) {
        underflowed.push(d);
        continue;
      }
      terms[1]! += assignments;
      if (isPrecise) {
        terms[3]! -= assignments;
        continue;
      }
      terms[2]! += proportions + ofAlpha;
      terms[3]! += logNormalisers - asComputed;
      terms[4]! += entropy;
    }
    const was = underflowed.map((d) => gamma.slice(d * K, (d + 1) * K));
    if (!stays) copyRows(found.gamma, found.K4, gamma.subarray(from * K), K, to - from);
    for (const d of underflowed) kernel.leaveOut(corpus, d);
    const { words, asComputed } = kernel.terms(corpus, from, to, points ? null : topicTerm, false);
    terms[0]! += words;
    terms[3]! -= isPrecise ? words : asComputed;
    if (isPrecise) {
      // The split between E[log p(w, z)] and the entropy of q(z) is of the kernels' φ; their sum is of the best φ in f64.
      const bounds = kernel.bound(corpus, from, to, alpha, gamma, of);
      const isLeft = new Set(underflowed);
      for (let d = from, at = 0; d < to; d++, at += 3) {
        if (corpus.rowStart[d] === corpus.rowStart[d + 1] || isLeft.has(d)) continue;
        terms[3]! += bounds[at]!;
        terms[2]! += bounds[at + 1]! + ofAlpha;
        terms[4]! += bounds[at + 2]!;
      }
    }
    if (statistics !== null) {
      for (let k = 0; k < K; k++) statistics['logTheta']![k]! += found.logTheta[k]!;
      statistics['documents']![0]! += documents - underflowed.length;
    }
    // Where f32 underflowed, the reference does the document instead.
    if (underflowed.length > 0) scale(derived);
    for (const [i, d] of underflowed.entries()) {
      gamma.set(was[i]!, d * K);
      const sums = points ? withoutTopics({ statistics, terms }) : { statistics, terms };
      reference.visit(corpus, d, tokenCount(corpus, d, d + 1), state, sums, stays ? 'fixed' : start, null);
    }
  }

  function eStep(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    if (!settings.precise && start !== 'guarded') {
      kernel ??= createLdaKernel({ V, K }, threads);
      kernelEStep(kernel, corpus, from, to, state, sums, start);
      return Number.POSITIVE_INFINITY;
    }
    scale(state.derived);
    const points = start === 'cold' && answersWithPoints ? pointsOf(state) : null;
    let startBound = 0;
    for (let d = from; d < to; d++) {
      const length = tokenCount(corpus, d, d + 1);
      // An empty document's q(θ) is its prior: it adds nothing to the bound, and there is nothing to learn from it.
      if (length === 0) uninformed(state.params['alpha']!, 0, state.posterior['gamma']!, d * K);
      else startBound += reference.visit(corpus, d, length, state, sums, start, points);
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

  function derive({ params, derived }: State): void {
    const logBeta = derived['logBeta']!;
    if (!smoothed) {
      logPoints(params['beta']!, logBeta);
    } else if (isMap) {
      logPoints(readOut(params['lambda']!, 0, 'mean', V, K), logBeta);
    } else if (settings.precise) {
      expectLogTopics(params['lambda']!, logBeta, V, K);
    } else {
      kernel ??= createLdaKernel({ V, K }, threads);
      const sums = topicSums(params['lambda']!, V, K);
      const { total, entropy } = kernel.expectLog(params['lambda']!, sums.map(digamma), logBeta);
      ofTopics = { total, entropy: entropy - sumOf(sums.map(lgamma)) };
    }
    isScaled = false;
    isTaken = false;
    hasPoints = false;
    topicPoints = undefined;
  }

  /** exp(E log β) with each row scaled to maximum 1, for the f64 loops. */
  function scale(derived: Arrays): void {
    if (isScaled) return;
    isScaled = true;
    const [logBeta, expLogBeta, rowMaximum] = [derived['logBeta']!, derived['expLogBeta']!, derived['rowMaximum']!];
    for (let w = 0; w < V; w++) {
      let most = Number.NEGATIVE_INFINITY;
      for (let i = w * K; i < (w + 1) * K; i++) most = Math.max(most, logBeta[i]!);
      rowMaximum[w] = most;
      for (let i = w * K; i < (w + 1) * K; i++) expLogBeta[i] = exp(logBeta[i]! - most);
    }
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
      // rounding of what was withdrawn from a sum may leave it below 0
      for (let i = 0; i < lambda.length; i++) lambda[i] = eta[0]! + Math.max(topicTerm[i]!, 0);
      derive(state);
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
      { V, K, threads },
      { alpha: startAlpha, eta, learnAlpha: isMap ? 'none' : learnsAlpha, precise: settings.precise },
      random,
    );
    const topicTerm = new Float64Array(V * K);
    return {
      name: 'collapsed',
      every: PASSES_TO_ALL,
      iterations: isAscent ? START_PASSES : COLLAPSED_PASSES,
      next: isAscent ? 'em' : settings.inference === 'auto' ? 'em if it pays' : 'nothing',
      pass: found.pass,
      read(state) {
        const { params, posterior } = state;
        const gamma = posterior['gamma']!;
        found.read(topicTerm, gamma, params['alpha']!);
        for (let i = 0, k = 0; i < gamma.length; i++, k = k + 1 === K ? 0 : k + 1) gamma[i]! += params['alpha']![k]!;
        setTopics(state, topicTerm, eta);
      },
      score(state, by) {
        if (heldOut === null) return null;
        const asRead = by ?? (settings['read-out'] === 'auto' ? WATCHED : settings['read-out']);
        return found.score(asPoints(probability({ ...state, readOut: asRead })), state.params['alpha']!);
      },
      handOver(state) {
        if (smoothed && !isMap && settings.eta === undefined) raiseEta(state, VB_ETA);
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

  /** The topics of these expected counts. */
  function setTopics(state: State, topicTerm: Float64Array, eta: number): void {
    const { params } = state;
    if (smoothed) {
      params['eta']![0] = eta;
      for (let i = 0; i < topicTerm.length; i++) params['lambda']![i] = eta + topicTerm[i]!;
    } else {
      params['beta']!.set(topicTerm);
      normaliseTopics(params['beta']!, V, K);
    }
    derive(state);
  }

  function absorb(state: State, statistics: Arrays): void {
    const lambda = state.params['lambda']!;
    for (let i = 0; i < lambda.length; i++) lambda[i]! += statistics['topicTerm']![i]!;
    derive(state);
  }

  /** Topics as points; kept until `derive`. */
  function pointsOf(state: State): Float64Array {
    topicPoints ??= asPoints(probability(state));
    return topicPoints;
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
    statistics: { topicTerm: ['V', 'K'], logTheta: ['K'], documents: [1] },
    initialise,
    prepare: (corpus) => corpus,
    resetPosterior,
    derive,
    eStep,
    mStep,
    globalTerms,
    expectedTerms,
    shares: (statistics) => normalised(topicSums(statistics['topicTerm']!, V, K)),
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
  function probability({ params, readOut: by }: State): Float64Array {
    const topics = smoothed ? params['lambda']! : params['beta']!;
    return readOut(topics, params['eta']?.[0] ?? 0, (by as ReadOut | undefined) ?? 'mean', V, K);
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

/** Topics of which no term has less than single precision can divide by. */
function asPoints(topics: Float64Array): Float64Array {
  return topics.map((p) => Math.max(p, LEAST_POINT));
}
