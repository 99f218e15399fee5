import { exp, log, logSumExp } from '../../../src/math/special.js';
import { assignments, fitted, type GapRow, tiny, tokensOf } from './row.js';

/** Sums over all assignments of topics to tokens at the points θ, β. */
function gap(K: number, seed: number) {
  const { params, posterior, bound } = fitted('plsa', {}, K, seed);
  const tokens = tokensOf(tiny);
  const weights = tokens.map(([d, w]) =>
    Array.from({ length: K }, (_, k) => log(posterior['theta']![d * K + k]!) + log(params['beta']![w * K + k]!)),
  );
  const logQ = weights.map((row) => row.map((x) => x - logSumExp(row)));
  const joint: number[] = [];
  const q: number[] = [];
  for (const z of assignments(tokens.length, K)) {
    joint.push(z.reduce((sum, k, i) => sum + weights[i]![k]!, 0));
    q.push(z.reduce((sum, k, i) => sum + logQ[i]![k]!, 0));
  }
  const logEvidence = logSumExp(joint);
  const kl = q.reduce((sum, l, i) => (exp(l) === 0 ? sum : sum + exp(l) * (l - (joint[i]! - logEvidence))), 0);
  return { logEvidence, bound, kl };
}

export const rows: GapRow[] = [{ name: 'plsa', exact: true, gap }];
