import { expect, test } from 'vitest';
import { documentCount } from '../../src/corpus/corpus.js';
import { selectDocuments } from '../../src/corpus/select.js';
import { fit } from '../../src/em/fit.js';
import { fromDisk, rowsOf } from '../../src/em/from-disk.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { MODELS } from '../../src/models/index.js';
import { ldacFixture } from '../_corpora.js';

const corpus = ldacFixture('lda-c/corpus.ldac', 3760);
const dims = { V: 3760, K: 3 };
const D = documentCount(corpus);
const blocks = [0, 7, 30, D];
const OPTIONS = { iterations: 8, tolerance: 0, softIterations: 2 };

test.each([
  ['lda', { schedule: 'batch' }],
  ['lda', { precise: true, schedule: 'batch' }],
  ['mixture', {}],
  ['plsa', {}],
])(
  'documents that are read for each E-step give the same bits as documents in memory: %s %j',
  async (name, settings) => {
    const made = () => {
      const model = MODELS[name]!.create({ start: 'random', ...settings }, { ...dims, columns: 0 });
      const state = allocateState(model, dims, D);
      model.initialise(corpus, state, random(3));
      return { model, state, sums: allocateSums(model, dims) };
    };
    const whole = made();
    whole.model.resetPosterior(corpus, whole.state);
    const objectives: number[] = [];
    for await (const { objective } of fit(whole.model, corpus, blocks, whole.state, whole.sums, OPTIONS))
      objectives.push(objective);

    const { model, state, sums } = made();
    const asked: string[] = [];
    const read = (from: number, to: number) => {
      asked.push(`${from}-${to}`);
      return selectDocuments(
        corpus,
        Array.from({ length: to - from }, (_, i) => from + i),
      );
    };
    for (const [from, to] of [
      [0, 30],
      [30, D],
    ])
      model.resetPosterior(read(from!, to!), rowsOf(model, dims, state, from!, to!));
    asked.length = 0;
    const found: number[] = [];
    for await (const { objective } of fit(fromDisk(model, dims), read, blocks, state, sums, OPTIONS))
      found.push(objective);

    expect(found).toEqual(objectives);
    expect(state.params).toEqual(whole.state.params);
    expect(state.posterior).toEqual(whole.state.posterior);
    expect(asked).toEqual(Array.from({ length: 8 }, () => ['0-7', '7-30', `30-${D}`]).flat());
  },
);
