/**
 * Gaussian mixture: each document is a point, and each point comes from one of K Gaussians.
 *
 *     for each document d:   z_d ~ Cat(π),  x_d ~ N(μ_{z_d}, Λ_{z_d}⁻¹)
 *
 * `em` takes π, μ, Λ as parameters and q(z) as the true posterior: the bound is the log likelihood. `vb` adds
 *
 *     π ~ Dir(α₀),   Λ_k ~ W(S₀⁻¹, ν₀),   μ_k | Λ_k ~ N(m₀, (κ₀ Λ_k)⁻¹)
 *
 * approximated by q = Π_d q(z_d | r_d) · Dir(π | α) · Π_k N(μ_k | m_k, (κ_k Λ_k)⁻¹) W(Λ_k | S_k⁻¹, ν_k); components that
 * the points do not need fall back to the prior. Covariances that are diagonal or one number have gamma distributed
 * precisions, Wisharts in one dimension, and so ψ(ν/2) where scikit-learn has the ψ((ν − j)/2) of the dense Wishart.
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | x_d | `points.values` | columns of numbers, or the document's TF-IDF in the basis of the corpus | D×P |
 * | r_d | `responsibility` | q(z_d) | D×K |
 * | π | `weight` | em: weights of components | K |
 * | μ_k, m_k | `mean` | em: means; vb: E[μ_k] | K×P |
 * | Λ_k⁻¹ | `covariance` | em: covariances; full K×P×P, tied P×P, diag K×P, spherical K | |
 * | α, α₀ | `alpha` | vb: q(π); its prior is a setting | K |
 * | κ_k, κ₀ | `kappa` | vb: points that E[μ_k] rests on; its prior is a setting | K |
 * | ν_k | `nu` | vb: degrees of freedom; tied: one | K |
 * | S_k, S₀ | `scatter` `prior_scatter` | vb: inverse scales of the Wisharts, shaped as covariances, S₀ flat; E[Λ_k] = ν_k S_k⁻¹ | |
 * | m₀ | `prior_mean` | vb: the mean of all points | P |
 * | – | `idf` `basis` | documents made points: see corpus/lsa.ts | V, V×P |
 * | – | `topic_term` | Σ_d r_dk n_dw of the last M-step, which topics are read by; no part of the model | V×K |
 *
 * @see Dempster, Laird & Rubin 1977; Attias 1999, A variational Bayesian framework for graphical models; Bishop 2006,
 * Pattern recognition and machine learning, §9.2 (em) and §10.2 (vb), both from memory
 */
import type { Corpus } from '../corpus/corpus.js';
import type { Arrays, Axis, Shapes, State, Sums, TopicModel } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import { createGmmKernel, type GmmKernel } from '../kernels/gmm.js';
import { expectLog, logNormaliser } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import { exp, log, logSumExp } from '../math/special.js';
import type { Settings, Values } from '../settings.js';
import { dense, diagonal, expectedLogPrecision, scalar, wishartNormaliser } from './gaussian.js';
import { kMeans } from './k-means.js';
import {
  basisFinder,
  checkColumns,
  classTfidf,
  moments,
  type Points,
  pointsOfText,
  pointsOfVectors,
  projectedMeans,
} from './points.js';
import { sumOf } from './topics.js';

export const gmmSettings = {
  columns: {
    kind: 'text',
    value: 'NAMES',
    describe:
      'columns or fields of numbers that are the points, separated by commas [default: points made of the text]',
  },
  dimensions: {
    kind: 'integer',
    value: 'P',
    min: 1,
    max: 1000,
    default: 50,
    onlyWith: [['columns']],
    describe: 'dimensions of the points that text becomes: leading directions of its TF-IDF matrix (LSA)',
  },
  inference: {
    kind: 'choice',
    choices: ['em', 'vb'],
    default: 'em',
    describe: 'weights, means and covariances as points (em), or as distributions that let needless components go (vb)',
  },
  covariance: {
    kind: 'choice',
    choices: ['full', 'tied', 'diag', 'spherical'],
    describe:
      'covariance of components: any, one for all, of columns alone, one number [default: full for --columns, diag for text]',
  },
  'reg-covar': {
    kind: 'number',
    value: 'R',
    min: 0,
    default: 1e-6,
    describe: 'added to the variances of each component (em) or of the prior (vb), in squared units of the columns',
  },
  alpha: {
    kind: 'number',
    value: 'A',
    above: 0,
    max: 1e6,
    onlyWith: [['inference', 'vb']],
    describe: 'vb: Dirichlet prior of the weights; the smaller, the fewer components stay on [default: 1/K]',
  },
  kappa: {
    kind: 'number',
    value: 'N',
    above: 0,
    max: 1e6,
    default: 1,
    onlyWith: [['inference', 'vb']],
    describe: 'vb: points that the prior of each mean, the mean of all points, is worth',
  },
  start: {
    kind: 'choice',
    choices: ['k-means', 'random'],
    default: 'k-means',
    onlyWith: [['init']],
    describe: 'first components: clusters of k-means from spread points (k-means++), or random parts of the points',
  },
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute by the plain loops that the kernels are checked against, five to eight times slower',
  },
} as const satisfies Settings;

const LOG_2PI = log(6.283185307179586);

/** A responsibility below this leaves no trace in sums of doubles. */
const NEGLIGIBLE = 1e-20;

export function createGmm(
  settings: Values<typeof gmmSettings>,
  { V, K, columns, threads = 1 }: { V: number; K: number; columns: number; threads?: number },
): TopicModel<Corpus, Points> {
  const variational = settings.inference === 'vb';
  const isText = columns === 0;
  const P = isText ? Math.min(settings.dimensions, V) : columns;
  const kind = settings.covariance ?? (isText ? 'diag' : 'full');
  const tied = kind === 'tied';
  const shape = kind === 'diag' ? diagonal(P) : kind === 'spherical' ? scalar(P) : dense(P);
  const axes: Axis[] = [
    ...(tied ? [] : (['K'] as const)),
    ...(kind === 'diag' ? [P] : kind === 'spherical' ? [] : [P, P]),
  ];
  const blocks = tied ? 1 : K;
  const alpha0 = settings.alpha ?? 1 / K;
  const kappa0 = settings.kappa;
  const nu0 = shape.dimension;

  // Room for one document, or one component.
  const delta = new Float64Array(P);
  const logJoint = new Float64Array(K);
  const block = new Float64Array(shape.size);
  const factor = new Float64Array(shape.size);
  const concentration = new Float64Array(K).fill(alpha0);
  const findBasis = basisFinder(P);
  let kernel: GmmKernel | undefined;
  let componentsChanged = true;

  const blockOf = (k: number): number => (tied ? 0 : k * shape.size);

  /** E[log π_k N(x_d | μ_k, Λ_k⁻¹)] of document d into `logJoint`. */
  function weigh({ values }: Points, d: number, { params, derived }: State): void {
    const mean = params['mean']!;
    const constant = derived['constant']!;
    for (let k = 0; k < K; k++) {
      for (let p = 0; p < P; p++) delta[p] = values[d * P + p]! - mean[k * P + p]!;
      const distance = shape.distance(derived['factor']!, blockOf(k), delta);
      logJoint[k] = constant[k]! - (derived['degrees']![tied ? 0 : k]! * distance) / 2;
    }
  }

  /** Adds a point of component k, about the mean as it is now. */
  function count({ values, corpus }: Points, d: number, k: number, r: number, mean: Float64Array, sums: Arrays): void {
    sums['count']![k]! += r;
    for (let p = 0; p < P; p++) {
      delta[p] = values[d * P + p]! - mean[k * P + p]!;
      sums['first']![k * P + p]! += r * delta[p]!;
    }
    shape.add(sums['second']!, blockOf(k), delta, r);
    if (isText) countTerms(corpus, d, k, r, sums['topicTerm']!);
  }

  /** Adds the tokens of a document of component k. */
  function countTerms(
    { rowStart, term, count }: Corpus,
    d: number,
    k: number,
    r: number,
    topicTerm: Float64Array,
  ): void {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) topicTerm[term[i]! * K + k]! += r * count[i]!;
  }

  /** The E-step by kernels. */
  function kernelEStep(points: Points, from: number, to: number, state: State, sums: Sums): number {
    const { derived, posterior, params } = state;
    const { statistics, terms } = sums;
    const { factor, degrees, constant, logWeight } = derived;
    kernel ??= createGmmKernel({ P, K, size: shape.size, tied }, threads);
    if (componentsChanged) {
      kernel.setComponents({
        mean: params['mean']!,
        factor: factor!,
        degrees: degrees!,
        constant: constant!,
        logWeight: logWeight!,
      });
    }
    componentsChanged = false;
    const { responsibility, found } = kernel.points(points.values, from, to);
    posterior['responsibility']!.set(responsibility, from * K);
    for (let d = from, i = 0; d < to; d++, i++) {
      if (points.absent[d]) {
        responsibility.fill(0, i * K, i * K + K);
        posterior['responsibility']!.set(derived['expectedWeight']!, d * K);
        continue;
      }
      const total = found[4 * i]! + log(found[4 * i + 1]!);
      const densities = found[4 * i + 2]!;
      const assignments = found[4 * i + 3]!;
      terms[0]! += densities;
      terms[1]! += assignments;
      terms[2]! += total - assignments - densities;
      if (!isText || statistics === null) continue;
      for (let k = 0; k < K; k++) {
        const r = responsibility[i * K + k]!;
        if (r >= NEGLIGIBLE) countTerms(points.corpus, d, k, r, statistics['topicTerm']!);
      }
    }
    if (statistics !== null)
      kernel.statistics(from, to, statistics['count']!, statistics['first']!, statistics['second']!);
    return Number.POSITIVE_INFINITY;
  }

  function eStep(points: Points, from: number, to: number, state: State, sums: Sums): number {
    if (!settings.precise) return kernelEStep(points, from, to, state, sums);
    const { params, derived, posterior } = state;
    const responsibility = posterior['responsibility']!;
    const logWeight = derived['logWeight']!;
    let startBound = 0;
    for (let d = from; d < to; d++) {
      const row = d * K;
      if (points.absent[d]) {
        responsibility.set(derived['expectedWeight']!, row);
        continue;
      }
      weigh(points, d, state);
      for (let k = 0; k < K; k++) {
        const r = responsibility[row + k]!;
        if (r > 0) startBound += r * (logJoint[k]! - log(r));
      }
      const total = logSumExp(logJoint);
      let assignments = 0;
      let densities = 0;
      for (let k = 0; k < K; k++) {
        const r = exp(logJoint[k]! - total);
        responsibility[row + k] = r;
        if (r < NEGLIGIBLE) continue;
        assignments += r * logWeight[k]!;
        densities += r * (logJoint[k]! - logWeight[k]!);
        if (sums.statistics !== null) count(points, d, k, r, params['mean']!, sums.statistics);
      }
      sums.terms[0]! += densities;
      sums.terms[1]! += assignments;
      sums.terms[2]! += total - assignments - densities;
    }
    return startBound;
  }

  /** Σ_d r_dk (x_d − x̄_k)(x_d − x̄_k)ᵀ from sums about the means as they were; a tied block is the sum over k. */
  function centre({ count, first, second }: Arrays): void {
    for (let k = 0; k < K; k++) {
      if (!(count![k]! > 0)) continue;
      for (let p = 0; p < P; p++) delta[p] = first![k * P + p]! / count![k]!;
      shape.add(second!, blockOf(k), delta, -count![k]!);
    }
  }

  /**
   * Closed form, but that `reg-covar` is added to the diagonal of each covariance, as scikit-learn adds it. That is not
   * where the likelihood is greatest, and near the end of a fit can lower it; then the covariance stays as it was, and
   * the log likelihood never falls (a generalised M-step). A component without points stays where it is, with weight 0.
   */
  function maximise({ params, derived }: State, sums: Arrays): void {
    const { weight, mean, covariance } = params;
    centre(sums);
    const total = sumOf(sums['count']!);
    for (let k = 0; k < K; k++) {
      const n = sums['count']![k]!;
      weight![k] = n / total;
      if (n > 0) for (let p = 0; p < P; p++) mean![k * P + p]! += sums['first']![k * P + p]! / n;
    }
    for (let b = 0; b < blocks; b++) {
      const at = b * shape.size;
      const n = (tied ? total : sums['count']![b]!) * shape.sharing;
      if (!(n > 0)) continue;
      const empirical = sums['second']!.subarray(at, at + shape.size);
      for (let i = 0; i < shape.size; i++) empirical[i]! /= n;
      block.set(empirical);
      shape.addIdentity(block, 0, settings['reg-covar']);
      const determinant = shape.factorise(block, 0, factor);
      if (Number.isNaN(determinant)) throw singular(b);
      const loss = determinant + shape.trace(factor, 0, empirical, 0);
      const lossBefore = derived['determinant']![b]! + shape.trace(derived['factor']!, at, empirical, 0);
      if (loss <= lossBefore) covariance!.set(block, at);
    }
  }

  /** Bishop 2006, eqs. 10.58–10.63, with S_k = W_k⁻¹. */
  function maximisePosteriors({ params }: State, sums: Arrays): void {
    const { alpha, kappa, nu, mean, scatter, prior_mean: priorMean, prior_scatter: priorScatter } = params;
    centre(sums);
    for (let b = 0; b < blocks; b++) {
      const at = b * shape.size;
      for (let i = 0; i < shape.size; i++) scatter![at + i] = priorScatter![i]! + sums['second']![at + i]!;
      nu![b] = nu0 + shape.sharing * (tied ? sumOf(sums['count']!) : sums['count']![b]!);
    }
    for (let k = 0; k < K; k++) {
      const n = sums['count']![k]!;
      alpha![k] = alpha0 + n;
      kappa![k] = kappa0 + n;
      for (let p = 0; p < P; p++) {
        const i = k * P + p;
        const average = n > 0 ? mean![i]! + sums['first']![i]! / n : priorMean![p]!;
        delta[p] = average - priorMean![p]!;
        mean![i] = priorMean![p]! + (n / kappa![k]!) * delta[p]!;
      }
      shape.add(scatter!, blockOf(k), delta, (kappa0 * n) / kappa![k]!);
    }
  }

  function derive({ params, derived }: State): void {
    componentsChanged = true;
    const { factor, determinant, degrees, logPrecision, logWeight, constant, expectedWeight } = derived;
    const covariance = variational ? params['scatter']! : params['covariance']!;
    for (let b = 0; b < blocks; b++) {
      determinant![b] = shape.factorise(covariance, b * shape.size, factor!);
      if (Number.isNaN(determinant![b])) throw singular(b);
      degrees![b] = variational ? params['nu']![b]! : 1;
      logPrecision![b] =
        shape.sharing *
        (variational ? expectedLogPrecision(shape, params['nu']![b]!, determinant![b]!) : -determinant![b]!);
    }
    if (variational) expectLog(params['alpha']!, 0, K, logWeight!, 0);
    const alphaSum = variational ? sumOf(params['alpha']!) : 1;
    for (let k = 0; k < K; k++) {
      expectedWeight![k] = variational ? params['alpha']![k]! / alphaSum : params['weight']![k]!;
      if (!variational) logWeight![k] = log(params['weight']![k]!);
      const spread = variational ? P / params['kappa']![k]! : 0;
      constant![k] = logWeight![k]! + (logPrecision![tied ? 0 : k]! - P * LOG_2PI - spread) / 2;
    }
  }

  function mStep(state: State, statistics: Arrays): void {
    if (variational) maximisePosteriors(state, statistics);
    else maximise(state, statistics);
    if (isText) state.params['topic_term']!.set(statistics['topicTerm']!);
    derive(state);
  }

  /** E[log p] of π, of μ and Λ, and the entropies of their q. Bishop 2006, eqs. 10.73, 10.74, 10.76, 10.77. */
  function globalTerms({ params, derived }: State, terms: Float64Array): void {
    if (!variational) return;
    const { alpha, kappa, nu, mean, prior_mean: priorMean, prior_scatter: priorScatter } = params;
    const { factor: root, determinant, logWeight, logPrecision } = derived;
    let weights = logNormaliser(concentration, 0, K);
    let entropyWeights = -logNormaliser(alpha!, 0, K);
    let components = 0;
    let entropyComponents = 0;
    for (let k = 0; k < K; k++) {
      weights += (alpha0 - 1) * logWeight![k]!;
      entropyWeights -= (alpha![k]! - 1) * logWeight![k]!;
      const b = tied ? 0 : k;
      for (let p = 0; p < P; p++) delta[p] = mean![k * P + p]! - priorMean![p]!;
      const distance = nu![b]! * shape.distance(root!, blockOf(k), delta);
      components += (P * (log(kappa0) - LOG_2PI) + logPrecision![b]!) / 2;
      components -= (P * kappa0) / kappa![k]! / 2 + (kappa0 * distance) / 2;
      entropyComponents -= (P * (log(kappa![k]!) - LOG_2PI - 1) + logPrecision![b]!) / 2;
    }
    const priorDeterminant = shape.factorise(priorScatter!, 0, factor);
    for (let b = 0; b < blocks; b++) {
      const expected = logPrecision![b]! / shape.sharing;
      const count = shape.copies * shape.dimension;
      components += wishartNormaliser(shape, nu0, priorDeterminant) + ((nu0 - shape.dimension - 1) * expected) / 2;
      components -= (nu![b]! * shape.trace(root!, b * shape.size, priorScatter!, 0)) / 2;
      entropyComponents -= wishartNormaliser(shape, nu![b]!, determinant![b]!);
      entropyComponents -= ((nu![b]! - shape.dimension - 1) * expected - nu![b]! * count) / 2;
    }
    terms[3]! += weights;
    terms[4]! += components;
    terms[5]! += entropyWeights;
    terms[6]! += entropyComponents;
  }

  function singular(b: number): UserError {
    return new UserError(
      `the covariance of ${tied ? 'the components' : `component ${b}`} is singular: its points lie in fewer than ${P} dimensions`,
      {
        status: STATUS.numerical,
        hint: `a larger --reg-covar than ${settings['reg-covar']}, --covariance diag, or fewer components`,
      },
    );
  }

  function prepare(corpus: Corpus, { params }: State): Points {
    return isText ? pointsOfText(corpus, params, P) : pointsOfVectors(corpus);
  }

  function initialise(corpus: Corpus, state: State, random: Random): void {
    const { params } = state;
    if (isText) {
      const { idf, basis } = findBasis(corpus, random);
      params['idf']!.set(idf);
      params['basis']!.set(basis);
    }
    const points = prepare(corpus, state);
    const present = Uint32Array.from(points.absent.keys()).filter((d) => !points.absent[d]);
    if (present.length < K) {
      throw new UserError(`got ${present.length} points, expected at least one for each of the ${K} components`, {
        hint: 'fewer components with --topics',
      });
    }
    const { mean, variance } = moments(points.values, present, P);
    if (!isText) checkColumns(corpus.vectors!.columns, variance, mean);
    const scale = variance.map((v) => (isText || v === 0 ? 1 : 1 / Math.sqrt(v)));
    const cluster =
      settings.start === 'k-means'
        ? kMeans(points.values, present, P, K, scale, random)
        : present.map((_, i) => (i < K ? i : random.integer(K)));
    // Points of each cluster about the mean of all, as if that were each component's mean before.
    for (let k = 0; k < K; k++) params['mean']!.set(mean, k * P);
    const numbers = { V, K };
    const sums: Arrays = Object.fromEntries(
      Object.entries(statistics).map(([name, axes]) => [
        name,
        new Float64Array(axes.reduce<number>((n, axis) => n * (typeof axis === 'number' ? axis : numbers[axis]), 1)),
      ]),
    );
    for (const [i, d] of present.entries()) count(points, d, cluster[i]!, 1, params['mean']!, sums);
    if (variational) {
      params['prior_mean']!.set(mean);
      setPriorScatter(points, present, mean, params['prior_scatter']!);
    }
    if (isText) params['topic_term']!.set(sums['topicTerm']!);
    if (variational) maximisePosteriors(state, sums);
    else startPooled(state, sums);
    derive(state);
  }

  /** Weights and means of the clusters; covariances the same for all, so that a cluster of few points is not a trap. */
  function startPooled(state: State, sums: Arrays): void {
    const { covariance } = state.params;
    centre(sums);
    const pooled = new Float64Array(shape.size);
    const n = sumOf(sums['count']!) * shape.sharing;
    for (let i = 0; i < sums['second']!.length; i++) pooled[i % shape.size]! += sums['second']![i]! / n;
    shape.addIdentity(pooled, 0, settings['reg-covar']);
    for (let b = 0; b < blocks; b++) covariance!.set(pooled, b * shape.size);
    const total = sumOf(sums['count']!);
    for (let k = 0; k < K; k++) {
      const points = sums['count']![k]!;
      state.params['weight']![k] = points / total;
      for (let p = 0; p < P && points > 0; p++)
        state.params['mean']![k * P + p]! += sums['first']![k * P + p]! / points;
    }
  }

  /** S₀ is the covariance of all points: ν₀ points of it, as scikit-learn has it. */
  function setPriorScatter({ values }: Points, present: Uint32Array, mean: Float64Array, out: Float64Array): void {
    for (const d of present) {
      for (let p = 0; p < P; p++) delta[p] = values[d * P + p]! - mean[p]!;
      shape.add(out, 0, delta, 1 / (present.length * shape.sharing));
    }
    shape.addIdentity(out, 0, settings['reg-covar']);
    if (Number.isNaN(shape.factorise(out, 0, factor))) throw singular(0);
  }

  const text: Shapes = isText ? { idf: ['V'], basis: ['V', P], topic_term: ['V', 'K'] } : {};
  const statistics: Shapes = {
    count: ['K'],
    first: ['K', P],
    second: axes,
    ...(isText ? { topicTerm: ['V', 'K'] } : {}),
  };
  const documentTerms = ['points', 'assignments', 'entropy_assignments'];
  return {
    name: 'gmm',
    objective: variational ? 'elbo' : 'log_likelihood',
    terms: variational
      ? [...documentTerms, 'weights', 'components', 'entropy_weights', 'entropy_components']
      : documentTerms,
    params: variational
      ? {
          alpha: ['K'],
          kappa: ['K'],
          nu: [blocks],
          mean: ['K', P],
          scatter: axes,
          prior_mean: [P],
          prior_scatter: [shape.size],
          ...text,
        }
      : { weight: ['K'], mean: ['K', P], covariance: axes, ...text },
    derived: {
      factor: axes,
      determinant: [blocks],
      degrees: [blocks],
      logPrecision: [blocks],
      logWeight: ['K'],
      constant: ['K'],
      expectedWeight: ['K'],
    },
    posterior: { responsibility: ['K'] },
    statistics,
    initialise,
    prepare,
    resetPosterior({ absent }, { posterior, derived }) {
      for (let d = 0; d < absent.length; d++) posterior['responsibility']!.set(derived['expectedWeight']!, d * K);
    },
    derive,
    eStep,
    mStep,
    globalTerms,
    shares({ count }) {
      const total = sumOf(count!);
      return count!.map((n) => n / total);
    },
    proportions({ posterior }, d, out) {
      out.set(posterior['responsibility']!.subarray(d * K, (d + 1) * K));
    },
    readings: isText
      ? {
          ctfidf: ({ params }) => classTfidf(params['topic_term']!, V, K),
          mean: (state) => projectedMeans(state, V, K, P),
        }
      : {},
    facts({ params, derived }, k) {
      const covariance = variational ? params['scatter']! : params['covariance']!;
      const at = blockOf(k);
      const degrees = derived['degrees']![tied ? 0 : k]!;
      const row = (p: number) => Array.from({ length: P }, (_, q) => covariance[at + p * P + q]! / degrees);
      return {
        weight: derived['expectedWeight']![k]!,
        on: variational ? params['alpha']![k]! - alpha0 >= 1 : params['weight']![k]! > 0,
        mean: Array.from(params['mean']!.subarray(k * P, (k + 1) * P)),
        variance: shape.variances(covariance, at).map((v) => v / degrees),
        // of points that text became the columns have no names to read it by
        ...(isText || shape.dimension < P || P === 1
          ? {}
          : { covariance: Array.from({ length: P }, (_, p) => row(p)) }),
      };
    },
  };
}
