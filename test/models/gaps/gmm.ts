/**
 * Gaussian mixtures of five points in the plane. em: Σ_d ln p(x_d) by the textbook's density. vb: every assignment of
 * points to components, with the closed-form evidence and posterior of the conjugate Gaussians given it.
 */
import type { Corpus } from '../../../src/corpus/corpus.js';
import { allocateState, allocateSums, clear } from '../../../src/em/state.js';
import { random } from '../../../src/math/random.js';
import { digamma, exp, lgamma, log, logSumExp } from '../../../src/math/special.js';
import { createGmm, gmmSettings } from '../../../src/models/gmm.js';
import { withDefaults } from '../../../src/settings.js';
import { corpusOf } from '../../_corpora.js';
import type { GapRow } from './row.js';

const P = 2;
const POINTS = [
  [0.1, 1.3],
  [0.4, 0.2],
  [-0.7, 0.9],
  [2.1, -1.1],
  [1.6, -0.4],
];
const D = POINTS.length;
const ALPHA = 0.6;
const KAPPA = 0.8;
const LOG_PI = log(Math.PI);

const corpus: Corpus = {
  ...corpusOf(
    POINTS.map(() => []),
    0,
  ),
  vectors: { columns: ['x', 'y'], values: Float64Array.from(POINTS.flat()) },
};

type Kind = 'full' | 'tied' | 'diag' | 'spherical';
type Pair = [number, number];

/** A fit of a few iterations, and its bound. */
function fitted(K: number, seed: number, settings: Record<string, unknown>) {
  const model = createGmm(withDefaults(gmmSettings, { start: 'random', ...settings }), { V: 0, K, columns: P });
  const state = allocateState(model, { V: 0, K }, D);
  const sums = allocateSums(model, { V: 0, K });
  model.initialise(corpus, state, random(seed));
  const points = model.prepare(corpus, state);
  for (let step = 0; step < seed % 4; step++) {
    clear(sums);
    model.eStep(points, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
  }
  clear(sums);
  model.eStep(points, 0, D, state, sums, 'warm');
  model.globalTerms(state, sums.terms);
  return {
    model,
    params: state.params,
    r: state.posterior['responsibility']!,
    bound: sums.terms.reduce((a, b) => a + b),
  };
}

/** The 2×2 matrix of component k that an array of one of the four shapes stands for. */
function matrixOf(array: Float64Array, kind: Kind, k: number): [Pair, Pair] {
  if (kind === 'spherical')
    return [
      [array[k]!, 0],
      [0, array[k]!],
    ];
  if (kind === 'diag')
    return [
      [array[2 * k]!, 0],
      [0, array[2 * k + 1]!],
    ];
  const at = kind === 'tied' ? 0 : 4 * k;
  return [
    [array[at]!, array[at + 1]!],
    [array[at + 2]!, array[at + 3]!],
  ];
}

const determinant = ([[a, b], [c, d]]: [Pair, Pair]) => a * d - b * c;
const inverse = (m: [Pair, Pair]): [Pair, Pair] => {
  const [[a, b], [c, d]] = m;
  const det = determinant(m);
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
};
const form = ([[a, b], [c, d]]: [Pair, Pair], x: number, y: number) => a * x * x + (b + c) * x * y + d * y * y;

function em(kind: Kind): GapRow {
  return {
    name: `gmm em ${kind}`,
    exact: true,
    gap(K, seed) {
      const { params, r, bound } = fitted(K, seed, { covariance: kind, 'reg-covar': 0.01 });
      let logEvidence = 0;
      let kl = 0;
      POINTS.forEach(([x, y], d) => {
        const joint = Array.from({ length: K }, (_, k) => {
          const covariance = matrixOf(params['covariance']!, kind, k);
          const [mx, my] = [params['mean']![2 * k]!, params['mean']![2 * k + 1]!];
          const square = form(inverse(covariance), x! - mx, y! - my);
          return log(params['weight']![k]!) - log(2 * Math.PI) - log(determinant(covariance)) / 2 - square / 2;
        });
        const evidence = logSumExp(joint);
        logEvidence += evidence;
        for (let k = 0; k < K; k++) {
          const q = r[d * K + k]!;
          if (q > 0) kl += q * (log(q) - joint[k]! + evidence);
        }
      });
      return { logEvidence, bound, kl };
    },
  };
}

const lgamma2 = (a: number) => LOG_PI / 2 + lgamma(a) + lgamma(a - 0.5);
const logDirichlet = (a: readonly number[]) =>
  a.reduce((sum, x) => sum + lgamma(x), 0) - lgamma(a.reduce((sum, x) => sum + x));

/** A Normal–Wishart of the plane, or a product of Normal–gammas over its axes, with the inverse of the scale. */
interface Conjugate {
  kappa: number;
  mean: Pair;
  nu: number;
  scatter: [Pair, Pair];
}

/** log of the integral of an unnormalised conjugate density over its precision and means that share it. */
function logVolume(kind: Kind, nu: number, scatter: [Pair, Pair]): number {
  const [[a], [, d]] = scatter;
  if (kind === 'spherical') return lgamma(nu / 2) - (nu / 2) * log(a / 2);
  if (kind === 'diag') return 2 * lgamma(nu / 2) - (nu / 2) * (log(a / 2) + log(d / 2));
  return lgamma2(nu / 2) + nu * log(2) - (nu / 2) * log(determinant(scatter));
}

/** KL between the laws of the precision; for each gamma or Wishart the textbook's. */
function klPrecision(kind: Kind, q: Conjugate, p: Conjugate): number {
  const [[qa], [, qd]] = q.scatter;
  const [[pa], [, pd]] = p.scatter;
  const gamma = (nuQ: number, sQ: number, nuP: number, sP: number) =>
    (nuQ / 2 - nuP / 2) * digamma(nuQ / 2) -
    lgamma(nuQ / 2) +
    lgamma(nuP / 2) +
    (nuP / 2) * (log(sQ) - log(sP)) +
    (nuQ / 2) * (sP / sQ - 1);
  if (kind === 'spherical') return gamma(q.nu, qa, p.nu, pa);
  if (kind === 'diag') return gamma(q.nu, qa, p.nu, pa) + gamma(q.nu, qd, p.nu, pd);
  const [[a, b], [c, d]] = inverse(q.scatter);
  const trace = p.scatter[0][0] * a + p.scatter[0][1] * c + p.scatter[1][0] * b + p.scatter[1][1] * d;
  const expected = digamma(q.nu / 2) + digamma((q.nu - 1) / 2) + 2 * log(2) - log(determinant(q.scatter));
  return (
    logVolume('full', p.nu, p.scatter) -
    logVolume('full', q.nu, q.scatter) +
    ((q.nu - p.nu) / 2) * expected +
    (q.nu / 2) * (trace - 2)
  );
}

/** E over q's precision of KL between the two laws of the mean given it. */
function klMean(q: Conjugate, p: Conjugate): number {
  const [x, y] = [q.mean[0] - p.mean[0], q.mean[1] - p.mean[1]];
  const square = q.nu * form(inverse(q.scatter), x, y);
  return ((P * p.kappa) / q.kappa + p.kappa * square - P + P * log(q.kappa / p.kappa)) / 2;
}

function vb(kind: Kind): GapRow {
  return {
    name: `gmm vb ${kind}`,
    exact: false,
    gap(K, seed) {
      const { params, r, bound } = fitted(K, seed, { covariance: kind, inference: 'vb', alpha: ALPHA, kappa: KAPPA });
      const nu0 = kind === 'full' || kind === 'tied' ? P : 1;
      const prior: Conjugate = {
        kappa: KAPPA,
        mean: [...params['prior_mean']!] as Pair,
        nu: nu0,
        scatter: matrixOf(params['prior_scatter']!, kind, 0),
      };
      const q = Array.from(
        { length: K },
        (_, k): Conjugate => ({
          kappa: params['kappa']![k]!,
          mean: [params['mean']![2 * k]!, params['mean']![2 * k + 1]!],
          nu: params['nu']![kind === 'tied' ? 0 : k]!,
          scatter: matrixOf(params['scatter']!, kind, k),
        }),
      );
      const shared = kind === 'tied';
      const joint: number[] = [];
      const found: { logQ: number; conjugate: number }[] = [];
      for (let code = 0; code < K ** D; code++) {
        const z = POINTS.map((_, d) => Math.floor(code / K ** d) % K);
        const counts = Array.from({ length: K }, (_, k) => z.filter((of) => of === k).length);
        const p = counts.map(
          (n, k): Conjugate => posterior(prior, kind, POINTS.filter((_, d) => z[d] === k) as Pair[], n),
        );
        if (shared) {
          const nu = nu0 + D;
          const scatter = sumOfScatters(prior, p);
          for (const of of p) Object.assign(of, { nu, scatter });
        }
        const alpha = counts.map((n) => n + ALPHA);
        const priorAlpha = counts.map(() => ALPHA);
        let logJoint = logDirichlet(alpha) - logDirichlet(priorAlpha) - (D * P * log(2 * Math.PI)) / 2;
        p.forEach((of, k) => {
          logJoint += (P * log(KAPPA / of.kappa)) / 2;
          if (!shared || k === 0) logJoint += logVolume(kind, of.nu, of.scatter) - logVolume(kind, nu0, prior.scatter);
        });
        joint.push(logJoint);
        const qAlpha = [...params['alpha']!];
        const total = digamma(qAlpha.reduce((a, b) => a + b));
        let conjugate = logDirichlet(alpha) - logDirichlet(qAlpha);
        qAlpha.forEach((a, k) => {
          conjugate += (a - alpha[k]!) * (digamma(a) - total) + klMean(q[k]!, p[k]!);
          if (!shared || k === 0) conjugate += klPrecision(kind, q[k]!, p[k]!);
        });
        found.push({ logQ: z.reduce((sum, k, d) => sum + log(r[d * K + k]!), 0), conjugate });
      }
      const logEvidence = logSumExp(joint);
      const kl = found.reduce(
        (sum, { logQ, conjugate }, i) => sum + (exp(logQ) && exp(logQ) * (logQ - joint[i]! + logEvidence + conjugate)),
        0,
      );
      return { logEvidence, bound, kl };
    },
  };
}

/** The posterior of one component given its points. */
function posterior(prior: Conjugate, kind: Kind, points: readonly Pair[], n: number): Conjugate {
  const kappa = prior.kappa + n;
  const [mx, my] = [0, 1].map(
    (i) => (prior.kappa * prior.mean[i]! + points.reduce((sum, x) => sum + x[i]!, 0)) / kappa,
  ) as Pair;
  const scatter: [Pair, Pair] = [[...prior.scatter[0]], [...prior.scatter[1]]];
  const add = (x: number, y: number, weight: number) => {
    if (kind === 'spherical') {
      scatter[0][0] += weight * (x * x + y * y);
      scatter[1][1] += weight * (x * x + y * y);
      return;
    }
    scatter[0][0] += weight * x * x;
    scatter[1][1] += weight * y * y;
    if (kind === 'diag') return;
    scatter[0][1] += weight * x * y;
    scatter[1][0] += weight * x * y;
  };
  for (const [x, y] of points) add(x - mx, y - my, 1);
  add(prior.mean[0] - mx, prior.mean[1] - my, prior.kappa);
  return { kappa, mean: [mx, my], nu: prior.nu + (kind === 'spherical' ? P : 1) * n, scatter };
}

/** S₀ and what the points of each component add to it. */
function sumOfScatters(prior: Conjugate, parts: readonly Conjugate[]): [Pair, Pair] {
  const at = (i: number, j: number) =>
    parts.reduce((sum, { scatter }) => sum + scatter[i]![j]! - prior.scatter[i]![j]!, prior.scatter[i]![j]!);
  return [
    [at(0, 0), at(0, 1)],
    [at(1, 0), at(1, 1)],
  ];
}

export const rows: GapRow[] = [
  ...(['full', 'tied', 'diag', 'spherical'] as const).flatMap((kind) => [em(kind), vb(kind)]),
];
