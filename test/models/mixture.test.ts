import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import { fit as iterationsOf } from '../../src/em/fit.js';
import { infer } from '../../src/em/infer.js';
import { allocateState, allocateSums, withDocuments } from '../../src/em/state.js';
import { UserError } from '../../src/errors.js';
import { random } from '../../src/math/random.js';
import { digamma, exp, log, logSumExp } from '../../src/math/special.js';
import { createMixture, mixtureSettings } from '../../src/models/mixture.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';
import { highest } from './_ascent.js';

async function fitted(corpus: Corpus, K: number, settings: Record<string, unknown>, seed = 1, iterations = 500) {
  const dims = { V: corpus.vocabulary.length, K };
  const D = documentCount(corpus);
  const model = createMixture(withDefaults(mixtureSettings, settings), dims);
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  model.resetPosterior(corpus, state);
  let objective = 0;
  for await (const last of iterationsOf(model, corpus, [0, D], state, sums, {
    iterations,
    tolerance: 1e-13,
    softIterations: 10,
  }))
    objective = last.objective;
  return { model, state, objective, dims };
}

const tiny = corpusOf(
  [
    [
      [0, 3],
      [1, 1],
    ],
    [
      [0, 1],
      [1, 2],
    ],
    [
      [1, 1],
      [2, 3],
    ],
    [
      [0, 1],
      [2, 2],
    ],
  ],
  3,
);

describe.each([0, 0.1])('a mixture by em with eta %d', (eta) => {
  it('reaches the maximum that gradient ascent on the likelihood itself finds, to 1e-6', async () => {
    const documents = [
      [3, 1, 0],
      [1, 2, 0],
      [0, 1, 3],
      [1, 0, 2],
    ];
    const posterior = ([theta, ...beta]: readonly number[][]) =>
      documents.reduce(
        (sum, counts) =>
          sum +
          logSumExp(
            theta!.map((t, k) => log(t) + counts.reduce((l, n, w) => (n > 0 ? l + n * log(beta[k]![w]!) : l), 0)),
          ),
        0,
      ) + (eta === 0 ? 0 : beta.flat().reduce((sum, p) => sum + eta * log(p), 0));
    const expected = highest([2, 3, 3], posterior, random(5), 12);
    let best = Number.NEGATIVE_INFINITY;
    for (let seed = 1; seed <= 12; seed++) {
      const { model, state, objective } = await fitted(tiny, 2, { inference: 'em', eta, start: 'random' }, seed, 5000);
      const prior = new Float64Array(4);
      model.globalTerms(state, prior);
      // Without the constant of the prior's density.
      const sum = [...state.derived['logBeta']!].reduce((a, b) => a + b);
      best = Math.max(best, eta === 0 ? objective : objective - prior[3]! + eta * sum);
    }
    expect(Math.abs(best - expected)).toBeLessThan(1e-6);
  }, 60_000);
});

/** Documents of `length` tokens, d of block d % 3 of four terms. */
function planted(D: number, length: number, seed = 3): Corpus {
  const draw = random(seed);
  return corpusOf(
    Array.from({ length: D }, (_, d) => {
      const counts = new Map<number, number>();
      for (let n = 0; n < length; n++) {
        const w = draw.uniform() < 0.85 ? 4 * (d % 3) + draw.integer(4) : draw.integer(12);
        counts.set(w, (counts.get(w) ?? 0) + 1);
      }
      return [...counts];
    }),
    12,
  );
}

describe('a mixture by vb', () => {
  it('switches off, of ten components, those that three planted clusters do not need, in the best of five starts', async () => {
    let best = await fitted(planted(300, 20), 10, {}, 1);
    for (let seed = 2; seed <= 5; seed++) {
      const other = await fitted(planted(300, 20), 10, {}, seed);
      if (other.objective > best.objective) best = other;
    }
    const facts = Array.from({ length: 10 }, (_, k) => best.model.facts(best.state, k));
    const on = facts.filter((fact) => fact['on']);
    expect(on).toHaveLength(3);
    for (const { weight } of on) expect(Math.abs((weight as number) - 1 / 3)).toBeLessThan(0.02);
    expect(facts.reduce((sum, { weight }) => sum + (weight as number), 0)).toBeCloseTo(1, 12);
  });

  it('refuses eta 0, which is no Dirichlet', () => {
    expect(() => createMixture(withDefaults(mixtureSettings, { eta: 0 }), { V: 2, K: 2 })).toThrow(UserError);
  });
});

describe.each(['em', 'vb'] as const)('a mixture by %s', (inference) => {
  it('infers of a new document the posterior of its topic by Bayes’ rule, and predicts by it', async () => {
    const { model, state, dims } = await fitted(planted(60, 6), 3, { inference });
    const counts = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1];
    const own = withDocuments(model, dims, state, 1);
    const corpus = corpusOf([counts.map((n, w): [number, number] => [w, n]).filter(([, n]) => n > 0)], 12);
    const terms = await infer(model, corpus, [0, 1], own);
    const column = (array: Float64Array, k: number) => counts.map((_, w) => array[w * 3 + k]!);
    const total = (array: Iterable<number>) => [...array].reduce((a, b) => a + b);
    const topics = inference === 'em' ? state.params['beta']! : state.params['lambda']!;
    const weights = inference === 'em' ? state.params['theta']! : state.params['gamma']!;
    const logOf = (x: number, sum: number) => (inference === 'em' ? log(x / sum) : digamma(x) - digamma(sum));
    const joint = [0, 1, 2].map((k) =>
      counts.reduce(
        (sum, n, w) => sum + n * logOf(column(topics, k)[w]!, total(column(topics, k))),
        logOf(weights[k]!, total(weights)),
      ),
    );
    const evidence = logSumExp(joint);
    const out = new Float64Array(3);
    model.proportions(own, 0, out);
    for (let k = 0; k < 3; k++) expect(out[k]).toBeCloseTo(exp(joint[k]! - evidence), 12);
    expect(total(terms) - (terms[3] ?? 0)).toBeCloseTo(evidence, 10);
    const predict = model.predictor!(own);
    for (const w of [0, 5]) {
      const expected = out.reduce((sum, r, k) => sum + (r * column(topics, k)[w]!) / total(column(topics, k)), 0);
      expect(predict(0, w)).toBeCloseTo(expected, 12);
    }
  });

  it('tells documents of 50,000 tokens apart without underflow, from starts that are alike', async () => {
    const { model, state, objective } = await fitted(planted(30, 50_000), 3, { inference, start: 'random' }, 2);
    expect(Number.isFinite(objective)).toBe(true);
    const out = new Float64Array(3);
    const topicOf = Array.from({ length: 30 }, (_, d) => {
      model.proportions(state, d, out);
      expect(out.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      return out.indexOf(Math.max(...out));
    });
    for (let d = 3; d < 30; d++) expect(topicOf[d]).toBe(topicOf[d % 3]);
  });
});
