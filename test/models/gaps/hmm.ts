import { documentCount } from '../../../src/corpus/corpus.js';
import { allocateState, allocateSums, clear } from '../../../src/em/state.js';
import { random } from '../../../src/math/random.js';
import { digamma, exp, lgamma, logSumExp } from '../../../src/math/special.js';
import { createHmm, hmmSettings } from '../../../src/models/hmm.js';
import { withDefaults } from '../../../src/settings.js';
import { segmentedCorpus } from '../../_corpora.js';
import type { GapRow } from './row.js';

/** Documents as segments of tokens; one of empty segments alone, one of none. */
const documents = [
  [
    [0, 0, 1],
    [1, 2],
  ],
  [[3], [], [2, 3, 3]],
  [[], []],
  [],
  [[1]],
];
const V = 4;

function* assignments(n: number, K: number): Generator<number[]> {
  const z = new Array<number>(n).fill(0);
  for (;;) {
    yield [...z];
    let i = 0;
    while (i < n && ++z[i]! === K) z[i++] = 0;
    if (i === n) return;
  }
}

function logDirichletNormaliser(a: readonly number[]): number {
  return a.reduce((sum, x) => sum + lgamma(x), 0) - lgamma(a.reduce((sum, x) => sum + x));
}

function klDirichlet(q: readonly number[], p: readonly number[]): number {
  const sum = q.reduce((total, x) => total + x);
  return q.reduce(
    (kl, x, i) => kl + (x - p[i]!) * (digamma(x) - digamma(sum)),
    logDirichletNormaliser(p) - logDirichletNormaliser(q),
  );
}

/** Fits an HMM for a few steps, then sums over all paths; with `vb`, π, A and B are integrated out. */
function gapOfHmm(inference: 'em' | 'vb', precise: boolean, K: number, seed: number) {
  const bayes = inference === 'vb';
  const settings = bayes
    ? { inference, alpha: 0.7, stickiness: 0.8, eta: 0.4, start: 'random', precise }
    : { inference, alpha: 0, eta: 0, start: 'random', precise };
  const model = createHmm(withDefaults(hmmSettings, settings), { V, K });
  const corpus = segmentedCorpus(documents, V);
  const D = documentCount(corpus);
  const state = allocateState(model, { V, K }, D);
  const sums = allocateSums(model, { V, K });
  model.initialise(corpus, state, random(seed));
  const data = model.prepare(corpus, state);
  model.resetPosterior(data, state);
  for (let step = 0; step < seed % 4; step++) {
    model.eStep(data, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
    clear(sums);
  }
  model.eStep(data, 0, D, state, sums, 'warm');
  model.globalTerms(state, sums.terms);
  const bound = sums.terms.reduce((a, b) => a + b);

  const { logStart, logTransition, logBeta } = state.derived;
  const eta = bayes ? state.params['eta']![0]! : 0;
  const alpha = 0.7;
  const row = (array: Float64Array, j: number) => [...array.subarray(j * K, (j + 1) * K)];
  const column = (array: Float64Array, k: number) => Array.from({ length: V }, (_, w) => array[w * K + k]!);
  // A document without tokens says nothing of its path
  const spoken = documents.filter((segments) => segments.flat().length > 0);
  const joint: number[] = [];
  const weights: number[] = [];
  const conjugate: number[] = [];
  for (const z of assignments(spoken.flat().length, K)) {
    const starts = new Array<number>(K).fill(0);
    const steps = Array.from({ length: K }, () => new Array<number>(K).fill(0));
    const words = Array.from({ length: K }, () => new Array<number>(V).fill(0));
    let at = 0;
    for (const segments of spoken) {
      segments.forEach((tokens, t) => {
        if (t === 0) starts[z[at]!]!++;
        else steps[z[at - 1]!]![z[at]!]!++;
        for (const w of tokens) words[z[at]!]![w]!++;
        at++;
      });
    }
    // ln of the chain's weight, by its counts: with points this is ln p(z, w), else ln q(z) up to a constant
    let weight = 0;
    for (let k = 0; k < K; k++) {
      weight += starts[k]! * logStart![k]!;
      for (let j = 0; j < K; j++) weight += steps[j]![k]! * logTransition![j * K + k]!;
      for (let w = 0; w < V; w++) weight += words[k]![w]! * logBeta![w * K + k]!;
    }
    weights.push(weight);
    if (!bayes) {
      joint.push(weight);
      conjugate.push(0);
      continue;
    }
    const factors: [number[], number[], number[]][] = [
      [[...state.params['start']!], starts, starts.map(() => alpha)],
      ...steps.map((counts, j): [number[], number[], number[]] => [
        row(state.params['transition']!, j),
        counts,
        counts.map((_, k) => alpha + (j === k ? 0.8 : 0)),
      ]),
      ...words.map((counts, k): [number[], number[], number[]] => [
        column(state.params['lambda']!, k),
        counts,
        counts.map(() => eta),
      ]),
    ];
    let logJoint = 0;
    let kl = 0;
    for (const [q, counts, prior] of factors) {
      const posterior = prior.map((a, i) => a + counts[i]!);
      logJoint += logDirichletNormaliser(posterior) - logDirichletNormaliser(prior);
      kl += klDirichlet(q, posterior);
    }
    joint.push(logJoint);
    conjugate.push(kl);
  }
  const logEvidence = logSumExp(joint);
  const logNormaliser = logSumExp(weights);
  const kl = weights.reduce((sum, weight, i) => {
    const logQ = weight - logNormaliser;
    return sum + exp(logQ) * (logQ - (joint[i]! - logEvidence) + conjugate[i]!);
  }, 0);
  return { logEvidence, bound, kl };
}

export const rows: GapRow[] = [false, true].flatMap((precise) => {
  const by = precise ? ' precise' : '';
  return [
    { name: `hmm em${by}`, exact: true, gap: (K: number, seed: number) => gapOfHmm('em', precise, K, seed) },
    { name: `hmm vb${by}`, exact: false, gap: (K: number, seed: number) => gapOfHmm('vb', precise, K, seed) },
  ];
});
