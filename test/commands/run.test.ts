import { describe, expect, test } from 'vitest';
import { progress } from '../../src/commands/_progress.js';
import { heldOutShare, run } from '../../src/commands/_run.js';
import type { Corpus } from '../../src/corpus/corpus.js';
import { holdOut } from '../../src/corpus/select.js';
import type { Stage, State, TopicModel } from '../../src/em/model.js';
import { type Random, random } from '../../src/math/random.js';
import { MODELS } from '../../src/models/index.js';
import { iterationInWords, lengthInWords } from '../../src/report/elbo.js';
import { corpusOf } from '../_corpora.js';

const corpus = corpusOf(
  Array.from({ length: 12 }, (_, d): [number, number][] => [
    [d % 3, 2],
    [3, 1],
  ]),
  4,
);
const dims = { V: 4, K: 2 };

function runOnce(model: TopicModel<Corpus, unknown>, documents: Corpus, iterations: number) {
  const draws = random(1);
  const parts = holdOut(documents, heldOutShare(model, undefined), draws);
  const quiet = progress({ quiet: true, progress: 'auto' });
  return run(model, parts, dims, { topics: 2, iterations, tolerance: 0 }, draws, undefined, quiet, 'fit');
}

/** Sets a state to a start of the model, with posteriors that know nothing. */
function begin(model: TopicModel<Corpus, unknown>, documents: Corpus, state: State, random: Random): void {
  model.initialise(documents, state, random);
  model.resetPosterior(model.prepare(documents, state), state);
}

/** A fit of PLSA after a stage that notes what becomes of it, in the order in which things happen. */
function staged(stage: Partial<Stage>) {
  const happened: string[] = [];
  const model = MODELS['plsa']!.create({}, { ...dims, columns: 0 });
  const staged: TopicModel<Corpus, unknown> = {
    ...model,
    eStep(...args) {
      happened.push('E-step');
      return model.eStep(...args);
    },
    stage: (documents, _heldOut, random) => ({
      name: 'collapsed',
      iterations: 3,
      every: 5,
      next: 'em',
      pass: async () => {},
      read: (state) => begin(model, documents, state, random),
      score: () => null,
      handOver: () => happened.push('handed over'),
      close: () => happened.push('closed'),
      ...stage,
    }),
  };
  return { happened, fitted: runOnce(staged, corpus, 4) };
}

test('a stage that fails is closed', async () => {
  const { happened, fitted } = staged({ pass: () => Promise.reject(new Error('no memory')) });
  await expect(fitted).rejects.toThrow('no memory');
  expect(happened).toEqual(['closed']);
});

test('a stage that EM follows is closed before EM begins, and its passes come before the iterations', async () => {
  const { happened, fitted } = staged({});
  const { trace } = await fitted;
  expect(happened).toEqual([...['E-step', 'handed over', 'closed'], ...['E-step', 'E-step', 'E-step', 'E-step']]);
  expect(trace.map(({ iteration }) => iteration)).toEqual([3, 4, 5, 6, 7]);
  expect(lengthInWords(trace)).toBe('3 passes and 4 iterations');
  expect(iterationInWords(trace, 3)).toBe('pass 3');
  expect(iterationInWords(trace, 6)).toBe('iteration 3');
});

const many = corpusOf(
  Array.from({ length: 120 }, (_, d): [number, number][] => [
    [d % 3, 2],
    [3, 1],
  ]),
  4,
);

test('what EM did after a stage is undone where held-out documents were better before', async () => {
  const plsa = MODELS['plsa']!.create({}, { ...dims, columns: 0 });
  let handed = 0;
  const scores = [-5, -6, -7, -8, -9];
  const model: TopicModel<Corpus, unknown> = {
    ...plsa,
    heldOut: { share: 0.2, from: 1, patience: 1 },
    stage: (documents, _heldOut, random) => ({
      ...{ name: 'collapsed', iterations: 1, every: 1, next: 'em if it pays', pass: async () => {} },
      read(state) {
        begin(plsa, documents, state, random);
        state.params['beta']!.fill(0.25);
      },
      score: () => scores.shift()!,
      handOver(state) {
        handed++;
        state.params['beta']!.set([0.7, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1, 0.1]);
      },
      close() {},
    }),
  };
  const { last, state } = await runOnce(model, many, 9);
  expect(handed).toBe(1);
  expect(last.kept).toBe(1);
  expect(state.params['beta']).toEqual(new Float64Array(8).fill(0.25));
});

describe('held-out documents choose the read-out of topics', () => {
  /** What is chosen of three read-outs with these scores. */
  async function chosenOf(scores: Readonly<Record<string, number>>) {
    const plsa = MODELS['plsa']!.create({}, { ...dims, columns: 0 });
    const model: TopicModel<Corpus, unknown> = {
      ...plsa,
      readOuts: { mean: 0, 'plug-in': 0.002, 'exp-log': 0.0075 },
      heldOut: { share: 0.2, from: 1, patience: 5 },
      stage: (documents, _heldOut, random) => ({
        ...{ name: 'collapsed', iterations: 1, every: 1, next: 'nothing', pass: async () => {} },
        read: (state) => begin(plsa, documents, state, random),
        score: (_state, by = 'mean') => scores[by]!,
        handOver() {},
        close() {},
      }),
    };
    const { state, readOutScores } = await runOnce(model, many, 1);
    expect(readOutScores).toEqual(scores);
    return state.readOut;
  }

  test('the best of them', async () => {
    expect(await chosenOf({ mean: -7, 'plug-in': -6.98, 'exp-log': -6.97 })).toBe('exp-log');
    expect(await chosenOf({ mean: -7, 'plug-in': -6.97, 'exp-log': -6.98 })).toBe('plug-in');
  });

  test('but the first where another gains nothing, or no more than chance', async () => {
    expect(await chosenOf({ mean: -7, 'plug-in': -7, 'exp-log': -7.1 })).toBe('mean');
    expect(await chosenOf({ mean: -7, 'plug-in': -6.999, 'exp-log': -7.1 })).toBe('mean');
    expect(await chosenOf({ mean: -7, 'plug-in': -6.99, 'exp-log': -6.985 })).toBe('plug-in');
  });
});
