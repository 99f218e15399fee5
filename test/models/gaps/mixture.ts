import { exp, log, logSumExp } from '../../../src/math/special.js';
import { assignments, fitted, type GapRow, klDirichlet, logDirichletNormaliser, slice, tiny, tokensOf } from './row.js';

/** Sums over all assignments of topics to the documents with tokens; with vb, θ and β integrated out. */
function gap(settings: Readonly<Record<string, unknown>>, K: number, seed: number) {
  const bayes = settings['inference'] === 'vb';
  const { V, params, posterior, bound } = fitted('mixture', settings, K, seed);
  const tokens = tokensOf(tiny);
  const documents = [...new Set(tokens.map(([d]) => d))];
  const joint: number[] = [];
  const q: { logQ: number; conjugate: number }[] = [];
  for (const z of assignments(documents.length, K)) {
    const topicOf = new Map(documents.map((d, i) => [d, z[i]!]));
    const documentCounts = new Array<number>(K).fill(0);
    const topicCounts = Array.from({ length: K }, () => new Array<number>(V).fill(0));
    let logQ = 0;
    for (const [d, k] of topicOf) {
      documentCounts[k]!++;
      logQ += log(posterior['responsibility']![d * K + k]!);
    }
    for (const [d, w] of tokens) topicCounts[topicOf.get(d)!]![w]!++;
    let logJoint = 0;
    let conjugate = 0;
    const add = (counts: number[], prior: number, q: number[]) => {
      const exact = counts.map((n) => n + prior);
      logJoint += logDirichletNormaliser(exact) - logDirichletNormaliser(counts.map(() => prior));
      conjugate += klDirichlet(q, exact);
    };
    const addPoints = (counts: number[], p: number[]) => {
      for (const [i, n] of counts.entries()) if (n > 0) logJoint += n * log(p[i]!);
    };
    if (bayes) {
      add(documentCounts, settings['alpha'] as number, [...params['gamma']!]);
      topicCounts.forEach((counts, k) => {
        add(counts, params['eta']![0]!, slice(params['lambda']!, k, V, K));
      });
    } else {
      addPoints(documentCounts, [...params['theta']!]);
      topicCounts.forEach((counts, k) => {
        addPoints(counts, slice(params['beta']!, k, V, K));
      });
    }
    joint.push(logJoint);
    q.push({ logQ, conjugate });
  }
  const logEvidence = logSumExp(joint);
  const kl = q.reduce(
    (sum, { logQ, conjugate }, i) =>
      logQ === Number.NEGATIVE_INFINITY ? sum : sum + exp(logQ) * (logQ - (joint[i]! - logEvidence) + conjugate),
    0,
  );
  return { logEvidence, bound, kl };
}

export const rows: GapRow[] = [
  { name: 'mixture em, eta 0.1', exact: true, gap: (K, seed) => gap({ inference: 'em', eta: 0.1 }, K, seed) },
  { name: 'mixture em, eta 0', exact: true, gap: (K, seed) => gap({ inference: 'em', eta: 0 }, K, seed) },
  { name: 'mixture vb', exact: false, gap: (K, seed) => gap({ inference: 'vb', alpha: 0.7, eta: 0.4 }, K, seed) },
];
