import { digamma, exp, logSumExp } from '../../../src/math/special.js';
import { assignments, fitted, type GapRow, klDirichlet, logDirichletNormaliser, slice, tiny, tokensOf } from './row.js';

/** Sums over all assignments of topics to tokens, θ and β integrated out. */
function gap(beta: 'dirichlet' | 'point', K: number, seed: number) {
  const { V, D, params, derived, posterior, bound } = fitted(
    'lda',
    { beta, alpha: '0.7', eta: 0.4, precise: true },
    K,
    seed,
  );
  const alpha = [...params['alpha']!];
  const gamma = (d: number) => slice(posterior['gamma']!, d * K, K);
  const logBeta = derived['logBeta']!;
  const tokens = tokensOf(tiny);
  const logPhi = tokens.map(([d, w]) => {
    const g = gamma(d);
    const total = digamma(g.reduce((a, b) => a + b));
    const weights = g.map((x, k) => digamma(x) - total + logBeta[w * K + k]!);
    return weights.map((x) => x - logSumExp(weights));
  });

  const joint: number[] = [];
  const q: { logQ: number; conjugate: number }[] = [];
  for (const z of assignments(tokens.length, K)) {
    const documentCounts = Array.from({ length: D }, () => new Array<number>(K).fill(0));
    const topicCounts = Array.from({ length: K }, () => new Array<number>(V).fill(0));
    let logQ = 0;
    tokens.forEach(([d, w], i) => {
      documentCounts[d]![z[i]!]!++;
      topicCounts[z[i]!]![w]!++;
      logQ += logPhi[i]![z[i]!]!;
    });
    let logJoint = 0;
    let conjugate = 0;
    documentCounts.forEach((counts, d) => {
      const exact = counts.map((n, k) => n + alpha[k]!);
      logJoint += logDirichletNormaliser(exact) - logDirichletNormaliser(alpha);
      conjugate += klDirichlet(gamma(d), exact);
    });
    topicCounts.forEach((counts, k) => {
      if (beta === 'point') {
        counts.forEach((n, w) => {
          logJoint += n * logBeta[w * K + k]!;
        });
      } else {
        const eta = params['eta']![0]!;
        const exact = counts.map((n) => n + eta);
        logJoint += logDirichletNormaliser(exact) - logDirichletNormaliser(counts.map(() => eta));
        conjugate += klDirichlet(slice(params['lambda']!, k, V, K), exact);
      }
    });
    joint.push(logJoint);
    q.push({ logQ, conjugate });
  }
  const logEvidence = logSumExp(joint);
  const kl = q.reduce(
    (sum, { logQ, conjugate }, i) => sum + exp(logQ) * (logQ - (joint[i]! - logEvidence) + conjugate),
    0,
  );
  return { logEvidence, bound, kl };
}

export const rows: GapRow[] = (['dirichlet', 'point'] as const).map((beta) => ({
  name: `lda --beta ${beta}`,
  exact: false,
  gap: (K, seed) => gap(beta, K, seed),
}));
