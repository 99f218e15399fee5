/**
 * The variational autoencoder by quadrature. The model's bound is taken at the nodes of a trapezoidal rule in ε in place
 * of samples; evidence and KL(q ‖ p) come from another grid, in z itself, and a decoder written here anew. The rule
 * converges geometrically for Gaussians times analytic functions (Trefethen & Weideman 2014, from memory), so that both
 * are exact to rounding. K up to 2: grids have K axes.
 */
import { documentCount } from '../../../src/corpus/corpus.js';
import { allocateState, allocateSums, clear } from '../../../src/em/state.js';
import { random } from '../../../src/math/random.js';
import { exp, log, logSumExp } from '../../../src/math/special.js';
import { createVae, type Nodes, vaeSettings } from '../../../src/models/vae.js';
import { withDefaults } from '../../../src/settings.js';
import { type GapRow, tiny } from './row.js';

const V = 4;

/** Every point of a grid of K axes, each from −limit to limit by `step`. */
function* grid(K: number, limit: number, step: number): Generator<number[]> {
  const n = Math.round((2 * limit) / step) + 1;
  for (let i = 0; i < n ** K; i++)
    yield Array.from({ length: K }, (_, k) => -limit + step * (Math.floor(i / n ** k) % n));
}

const logNormal = (x: number, mean: number, variance: number) =>
  -0.5 * (log(2 * Math.PI * variance) + (x - mean) ** 2 / variance);

/** Reach and step of the rules, in standard deviations; a step of 0.15 moves no figure by more than 1e-11. */
const [LIMIT, STEP] = [8, 0.2];

function nodes(K: number): Nodes {
  const points: number[] = [];
  const weights: number[] = [];
  for (const epsilon of grid(K, LIMIT, STEP)) {
    points.push(...epsilon);
    weights.push(exp(epsilon.reduce((sum, x) => sum + logNormal(x, 0, 1) + log(STEP), 0)));
  }
  return { points: Float64Array.from(points), weights: Float64Array.from(weights) };
}

function gapOfVae(decoder: 'product' | 'mixture', K: number, seed: number) {
  const D = documentCount(tiny);
  const settings = { decoder, alpha: 0.8, hidden: 5, dropout: 0, rate: 0.01 };
  const model = createVae(withDefaults(vaeSettings, settings), { V, K }, nodes(K));
  const state = allocateState(model, { V, K }, D);
  const sums = allocateSums(model, { V, K });
  model.initialise(tiny, state, random(seed));
  const data = model.prepare(tiny, state);
  model.resetPosterior(data, state);
  for (let step = 0; step < 3 + (seed % 4); step++) {
    clear(sums);
    model.eStep(data, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
  }
  const found = { statistics: null, terms: new Float64Array(model.terms.length) };
  model.eStep(data, 0, D, state, found, 'cold');

  const v = (K === 1 ? 1 : 1 - 1 / K) / settings.alpha;
  const { beta, shift, runningMean, runningVariance } = state.params;
  const topic = (k: number) => {
    const weights = Array.from({ length: V }, (_, w) => {
      const row = [...beta!.subarray(w * K, w * K + K)];
      const mean = row.reduce((a, b) => a + b) / K;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / K;
      return (row[k]! - mean) / Math.sqrt(variance + 1e-5) + shift![w]!;
    });
    return weights.map((x) => x - logSumExp(weights));
  };
  const logTopics = Array.from({ length: K }, (_, k) => topic(k));
  const logTerms = (z: number[]) => {
    const logTheta = z.map((x) => x - logSumExp(z));
    if (decoder === 'mixture')
      return Array.from({ length: V }, (_, w) => logSumExp(logTheta.map((x, k) => x + logTopics[k]![w]!)));
    const logits = Array.from({ length: V }, (_, w) => {
      const sum = logTheta.reduce((total, x, k) => total + exp(x) * beta![w * K + k]!, 0);
      return (sum - runningMean![w]!) / Math.sqrt(runningVariance![w]! + 1e-5) + shift![w]!;
    });
    return logits.map((x) => x - logSumExp(logits));
  };

  let logEvidence = 0;
  let kl = 0;
  for (let d = 0; d < D; d++) {
    if (tiny.rowStart[d + 1] === tiny.rowStart[d]) continue;
    const means = [...state.posterior['mean']!.subarray(d * K, (d + 1) * K)];
    const variances = [...state.posterior['logVariance']!.subarray(d * K, (d + 1) * K)].map(exp);
    const logJoint = (z: number[]) => {
      const terms = logTerms(z);
      let sum = z.reduce((total, x) => total + logNormal(x, 0, v), 0);
      for (let i = tiny.rowStart[d]!; i < tiny.rowStart[d + 1]!; i++) sum += tiny.count[i]! * terms[tiny.term[i]!]!;
      return sum;
    };
    const joint: number[] = [];
    const width = Math.sqrt(v);
    for (const unit of grid(K, LIMIT, STEP)) joint.push(logJoint(unit.map((x) => x * width)) + K * log(STEP * width));
    const evidence = logSumExp(joint);
    logEvidence += evidence;
    // Σ q (ln q − ln p(z | w)) over a grid about q's mean, other than that of the model's nodes.
    const step = STEP / 1.1;
    for (const unit of grid(K, 44 * step, step)) {
      const z = unit.map((x, k) => means[k]! + x * Math.sqrt(variances[k]!));
      const logQ = z.reduce((sum, x, k) => sum + logNormal(x, means[k]!, variances[k]!), 0);
      const cell = unit.reduce((product, _, k) => product * step * Math.sqrt(variances[k]!), 1);
      kl += exp(logQ) * cell * (logQ - (logJoint(z) - evidence));
    }
  }
  return { logEvidence, bound: found.terms.reduce((a, b) => a + b), kl };
}

export const rows: GapRow[] = (['product', 'mixture'] as const).map((decoder) => ({
  name: `vae, ${decoder} decoder`,
  exact: false,
  topics: [2],
  gap: (K, seed) => gapOfVae(decoder, K, seed),
}));
