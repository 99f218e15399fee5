import type { Reals } from './reals.js';
import { digamma, exp, lgamma, log, trigamma } from './special.js';

/** Where learned priors stay: outside, log Γ differences drown in rounding and the draws are a vertex or the mean. */
export const LEAST_PRIOR = 1e-6;
export const GREATEST_PRIOR = 1e6;

/**
 * The least mean of log θ_k the learners tell apart. At or below it, ψ(Σα) − ψ(α_k) + mean is negative for every α_k
 * from {@link LEAST_PRIOR} up, so the optimum is that bound all the same.
 */
const LEAST_MEAN_LOG = -1e7;

/** Writes E[log θ_k] = ψ(γ_k) − ψ(Σγ) for θ ~ Dir(γ). */
export function expectLog(
  parameters: Float64Array,
  offset: number,
  length: number,
  out: Float64Array,
  outOffset: number,
): void {
  const ofTotal = digamma(sum(parameters, offset, length));
  for (let k = 0; k < length; k++) out[outOffset + k] = digamma(parameters[offset + k]) - ofTotal;
}

/** log Γ(Σa) − Σ log Γ(a_k): the logarithm of 1/B(a), which makes ∏ θ_k^(a_k − 1) integrate to 1. */
export function logNormaliser(parameters: Reals, offset: number, length: number): number {
  let result = lgamma(sum(parameters, offset, length));
  for (let k = 0; k < length; k++) result -= lgamma(parameters[offset + k]);
  return result;
}

/**
 * KL(Dir(q) ‖ Dir(p)) in nats. Written with D(q, p) = log Γ(p) − log Γ(q) − (p − q) ψ(q) ≥ 0 it is
 * Σ D(q_k, p_k) − D(Σq, Σp), whose terms vanish one by one as p nears q: it is exactly 0 at p = q, and elsewhere
 * negative by no more than rounding.
 */
export function kl(q: Float64Array, qOffset: number, p: Float64Array, pOffset: number, length: number): number {
  let result = 0;
  let qTotal = 0;
  let pTotal = 0;
  for (let k = 0; k < length; k++) {
    const a = q[qOffset + k];
    const b = p[pOffset + k];
    result += lgamma(b) - lgamma(a) - (b - a) * digamma(a);
    qTotal += a;
    pTotal += b;
  }
  return result - (lgamma(pTotal) - lgamma(qTotal) - (pTotal - qTotal) * digamma(qTotal));
}

/** KL(Dir(q) ‖ Dir(a, …, a)) in nats; see {@link kl}. */
export function klSymmetric(q: Float64Array, offset: number, length: number, a: number): number {
  const ofA = lgamma(a);
  let result = 0;
  let qTotal = 0;
  let pTotal = 0;
  for (let k = 0; k < length; k++) {
    const b = q[offset + k];
    result += ofA - lgamma(b) - (a - b) * digamma(b);
    qTotal += b;
    pTotal += a;
  }
  return result - (lgamma(pTotal) - lgamma(qTotal) - (pTotal - qTotal) * digamma(qTotal));
}

/**
 * Maximises count · [log Γ(Σα) − Σ log Γ(α_k) + Σ (α_k − 1) meanLog_k] over α, in place and within
 * [{@link LEAST_PRIOR}, {@link GREATEST_PRIOR}]; meanLog_k is the mean over `count` draws of log θ_k or its expectation.
 *
 * Newton's method, whose step is linear in K because the Hessian is diagonal plus a constant: H = diag(−ψ′(α_k)) +
 * ψ′(Σα) 11ᵀ. Components that a bound holds against their gradient sit out. A step keeps at least a tenth of every
 * component, and is halved until the objective rises; when it no longer does, α is done. So α never leaves with a lower
 * objective than it came with, except that a mean below −1e7 counts as −1e7. One component alone, or no draws, say
 * nothing about α, which then stays.
 *
 * @see Blei, Ng, Jordan (2003), appendices A.2 and A.4.2; Minka, "Estimating a Dirichlet distribution" (2000), both
 * from memory.
 */
export function learnPrior(alpha: Float64Array, meanLog: Float64Array, count: number): void {
  const K = alpha.length;
  if (K < 2 || !(count > 0)) return;
  const given = alpha.slice();
  const means = meanLog.map((m) => Math.max(m, LEAST_MEAN_LOG));
  const step = new Float64Array(K);
  const next = new Float64Array(K);
  for (let k = 0; k < K; k++) alpha[k] = clamp(alpha[k]);
  let objective = priorObjective(alpha, means);
  for (let iteration = 0; iteration < 200; iteration++) {
    newtonStep(alpha, means, step);
    let rate = 1;
    for (let k = 0; k < K; k++) if (rate * step[k] < -0.9 * alpha[k]) rate = (-0.9 * alpha[k]) / step[k];
    let risen = false;
    for (let halving = 0; halving < 40 && !risen; halving++, rate /= 2) {
      for (let k = 0; k < K; k++) next[k] = clamp(alpha[k] + rate * step[k]);
      const found = priorObjective(next, means);
      if (!(found > objective)) continue;
      objective = found;
      alpha.set(next);
      risen = true;
    }
    if (!risen) break;
  }
  if (priorObjective(given, means) > objective) alpha.set(given);
}

/** The objective of {@link learnPrior} per draw, without its constant −Σ meanLog_k. */
function priorObjective(alpha: Float64Array, means: Float64Array): number {
  let result = logNormaliser(alpha, 0, alpha.length);
  for (let k = 0; k < alpha.length; k++) result += alpha[k] * means[k];
  return result;
}

/** Writes −H⁻¹g over the components free to move, 0 for those a bound holds. */
function newtonStep(alpha: Float64Array, means: Float64Array, step: Float64Array): void {
  const total = sum(alpha, 0, alpha.length);
  const ofTotal = digamma(total);
  let weighted = 0;
  let weights = 0;
  for (let k = 0; k < alpha.length; k++) {
    const gradient = ofTotal - digamma(alpha[k]) + means[k];
    const held = gradient < 0 ? alpha[k] <= LEAST_PRIOR : alpha[k] >= GREATEST_PRIOR;
    step[k] = held ? NaN : gradient;
    if (held) continue;
    const weight = 1 / trigamma(alpha[k]);
    weighted += gradient * weight;
    weights += weight;
  }
  const shared = weighted / (1 / trigamma(total) - weights);
  for (let k = 0; k < alpha.length; k++) {
    step[k] = Number.isNaN(step[k]) ? 0 : (step[k] + shared) / trigamma(alpha[k]);
  }
}

/**
 * The a, within [{@link LEAST_PRIOR}, {@link GREATEST_PRIOR}], that maximises count · [log Γ(Ka) − K log Γ(a) +
 * (a − 1) meanLogSum], K = `length`; meanLogSum is the mean over `count` draws of Σ_k log θ_k or its expectation.
 * Newton's method on log a, a step at most a factor of e², halved until the objective rises: never lower than at the
 * a given, which comes back as it is where there is nothing to learn from (K = 1, no draws).
 *
 * @see Blei, Ng, Jordan (2003), appendix A.4.2, from memory.
 */
export function learnSymmetricPrior(a: number, length: number, meanLogSum: number, count: number): number {
  if (length < 2 || !(count > 0)) return a;
  const mean = Math.max(meanLogSum, length * LEAST_MEAN_LOG);
  const objectiveAt = (b: number) => lgamma(length * b) - length * lgamma(b) + b * mean;
  let best = clamp(a);
  let objective = objectiveAt(best);
  for (let iteration = 0; iteration < 200; iteration++) {
    const slope = best * (length * (digamma(length * best) - digamma(best)) + mean);
    const curvature = slope + best * best * length * (length * trigamma(length * best) - trigamma(best));
    let step = curvature < 0 ? -slope / curvature : slope;
    if (!(step < 2)) step = 2;
    if (step < -2) step = -2;
    let risen = false;
    for (let halving = 0; halving < 40 && !risen; halving++, step /= 2) {
      const next = clamp(exp(log(best) + step));
      const found = objectiveAt(next);
      if (!(found > objective)) continue;
      objective = found;
      best = next;
      risen = true;
    }
    if (!risen) break;
  }
  return objectiveAt(a) > objective ? a : best;
}

/** Fixed-point steps of {@link learnPriorFromCounts}. */
const COUNT_STEPS = 5;

/**
 * Moves α towards the maximum of Σ_d log p(n_d | α), n_d the counts of K components drawn from Dirichlet–multinomials, in
 * place and from {@link LEAST_COUNT_PRIOR} up:  α_k ← α_k Σ_d [ψ(n_dk + α_k) − ψ(α_k)] / Σ_d [ψ(n_d + Σα) − ψ(Σα)].
 *
 * @param counts whole numbers, a row of `stride` for each document, of which the first K count; rows of zeros say nothing
 * @see Minka 2000, Estimating a Dirichlet distribution, eq. 55
 */
export function learnPriorFromCounts(alpha: Float64Array, counts: ArrayLike<number>, stride: number): void {
  const K = alpha.length;
  const rows = counts.length / stride;
  // The same counts come again and again: how often each component has each, and each length.
  const times = Array.from({ length: K }, () => new Map<number, number>());
  const lengths = new Map<number, number>();
  for (let d = 0; d < rows; d++) {
    let length = 0;
    for (let k = 0; k < K; k++) {
      const n = counts[d * stride + k]!;
      if (n === 0) continue;
      length += n;
      times[k].set(n, (times[k].get(n) ?? 0) + 1);
    }
    if (length > 0) lengths.set(length, (lengths.get(length) ?? 0) + 1);
  }
  if (lengths.size === 0) return;
  const growth = (histogram: ReadonlyMap<number, number>, a: number) => {
    const start = digamma(a);
    let result = 0;
    for (const [n, often] of histogram) result += often * (digamma(n + a) - start);
    return result;
  };
  for (let step = 0; step < COUNT_STEPS; step++) {
    const ofTotal = growth(lengths, sum(alpha, 0, K));
    for (let k = 0; k < K; k++) {
      alpha[k] = Math.min(
        Math.max((alpha[k] * growth(times[k], alpha[k])) / ofTotal, LEAST_COUNT_PRIOR),
        GREATEST_PRIOR,
      );
    }
  }
}

/** Below it a component that was drawn for no document could hardly come back. */
const LEAST_COUNT_PRIOR = 1e-3;

/** Into the bounds of learned priors; what is no number goes to the lower. */
function clamp(a: number): number {
  return a > LEAST_PRIOR ? Math.min(a, GREATEST_PRIOR) : LEAST_PRIOR;
}

function sum(values: Reals, offset: number, length: number): number {
  let total = 0;
  for (let i = offset; i < offset + length; i++) total += values[i];
  return total;
}
