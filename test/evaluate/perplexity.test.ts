import { describe, expect, it } from 'vitest';
import { allocateState } from '../../src/em/state.js';
import { completionScore, documentScore } from '../../src/evaluate/perplexity.js';
import { random } from '../../src/math/random.js';
import { log } from '../../src/math/special.js';
import { MODELS } from '../../src/models/index.js';
import { createLda, ldaSettings } from '../../src/models/lda.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';

/** LDA with these topics as points, a row of term probabilities a topic. */
function pointLda(topics: readonly (readonly number[])[], alpha: number) {
  const dims = { V: topics[0]!.length, K: topics.length };
  const model = createLda(withDefaults(ldaSettings, { beta: 'point', inference: 'vb', precise: true }), dims);
  const state = allocateState(model, dims, 0);
  state.params['alpha']!.fill(alpha);
  topics.forEach((terms, k) => {
    terms.forEach((p, w) => {
      state.params['beta']![w * dims.K + k] = p;
    });
  });
  model.derive(state);
  return { model, dims, state };
}

describe('with one topic', () => {
  const one = pointLda([[0.5, 0.3, 0.2]], 1);
  const corpus = corpusOf(
    [
      [
        [0, 3],
        [2, 1],
      ],
      [],
      [[1, 2]],
    ],
    3,
  );
  const nats = (3 * log(0.5) + log(0.2) + 2 * log(0.3)) / 6;

  it('the bound is the log probability of the tokens, for the bound is tight', async () => {
    const score = await documentScore(one, corpus);
    expect(score.nats_per_token).toBeCloseTo(nats, 12);
    expect(score).toMatchObject({ documents: 2, tokens: 6 });
  });

  it('completion does not depend on what was observed', async () => {
    const score = await completionScore(one, corpusOf([[[1, 5]], [[0, 1]], []], 3), corpus);
    expect(score.nats_per_token).toBeCloseTo(nats, 12);
    expect(score.perplexity).toBeCloseTo(Math.exp(-nats), 10);
  });
});

it('a document of one token has the evidence Σ_k α_k β_kw / Σ α, which the bound cannot pass', async () => {
  const two = pointLda(
    [
      [0.9, 0.1],
      [0.2, 0.8],
    ],
    0.5,
  );
  const score = await documentScore(two, corpusOf([[[0, 1]]], 2));
  expect(score.nats_per_token).toBeLessThan(log((0.9 + 0.2) / 2));
  expect(score.nats_per_token).toBeGreaterThan(log((0.9 + 0.2) / 2) - 1);
});

it('completion weighs topics by the observed half: nearly pure halves predict their own topic', async () => {
  const two = pointLda(
    [
      [0.98, 0.01, 0.01],
      [0.01, 0.01, 0.98],
    ],
    0.01,
  );
  const observed = corpusOf([[[0, 50]]], 3);
  const own = await completionScore(two, observed, corpusOf([[[0, 1]]], 3));
  const other = await completionScore(two, observed, corpusOf([[[2, 1]]], 3));
  expect(own.nats_per_token).toBeCloseTo(log(0.98), 2);
  expect(other.nats_per_token).toBeLessThan(log(0.02));
});

it.each([
  ['lda', { inference: 'vb' }, 'bound'],
  ['lda', { inference: 'map' }, 'density'],
  ['plsa', {}, 'likelihood'],
  ['mixture', { inference: 'em' }, 'likelihood'],
  ['mixture', { inference: 'vb' }, 'bound'],
])('what %s with %j says of a document is a %s', async (name, settings, measure) => {
  const dims = { V: 3, K: 2 };
  const model = MODELS[name]!.create(settings, { ...dims, columns: 0 });
  const corpus = corpusOf([[[0, 2]], [[1, 1]]], 3);
  const state = allocateState(model, dims, 2);
  model.initialise(corpus, state, random(1));
  expect((await documentScore({ model, dims, state }, corpus)).measure).toBe(measure);
});
