/** The kernels of pLSA and of the mixture of unigrams against the loops they stand for: with and without `precise`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Corpus, documentCount } from '../../src/corpus/corpus.js';
import type { Start } from '../../src/em/model.js';
import { allocateState, allocateSums, clear } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { MODELS } from '../../src/models/index.js';
import { corpusOf } from '../_corpora.js';
import { folder, output } from '../_program.js';

type Values = Readonly<Record<string, unknown>>;

const CASES: [string, Values][] = [
  ['plsa', {}],
  // an η that is learned from topics that are alike is ill-conditioned
  ['mixture', { inference: 'vb', 'learn-eta': false }],
  ['mixture', { inference: 'em' }],
  ['mixture', { inference: 'em', eta: 0 }],
];
/** Of E-steps; the kernel's ψ errs by 1e-13, which counts as often as a document has tokens, and M-steps amplify. */
const AGREES = (_: string, { inference }: Values): number => (inference === 'vb' ? 1e-9 : 1e-12);
const STARTS = ['warm', 'cold', 'guarded', 'fixed'] as const;

/** Documents of 0 to 60 random terms, some of them often. */
function randomCorpus(D: number, V: number, seed: number): Corpus {
  const draws = random(seed);
  const documents = Array.from({ length: D }, () => {
    const counts = new Map<number, number>();
    for (let n = draws.integer(61); n > 0; n--)
      counts.set(draws.integer(V), 1 + (draws.integer(9) === 0 ? draws.integer(40) : 0));
    return [...counts] as [number, number][];
  });
  return corpusOf(documents, V);
}

/** Documents of one term, of a million tokens, of more, without terms, and of terms that only they have. */
const strange = corpusOf(
  [
    [[0, 1]],
    [],
    [[2, 1_000_000]],
    [
      [0, 3],
      [1, 1_000_000],
      [2, 1],
      [3, 4_000_000_000],
      [4, 2],
    ],
    [],
    [[5, 1]],
    [
      [5, 7],
      [6, 1],
    ],
  ],
  8,
);

function created(name: string, settings: Values, corpus: Corpus, K: number) {
  const dims = { V: corpus.vocabulary.length, K };
  const model = MODELS[name]!.create(settings, { ...dims, columns: 0 });
  const state = allocateState(model, dims, documentCount(corpus));
  model.initialise(corpus, state, random(3));
  model.resetPosterior(corpus, state);
  return { model, state, sums: allocateSums(model, dims) };
}

/** Three E-steps with M-steps between them, from the same start, by the kernels and by the reference. */
function bothFits(
  [name, settings]: readonly [string, Values],
  corpus: Corpus,
  K: number,
  { start = 'warm', blocks = [0, documentCount(corpus)] }: { start?: Start; blocks?: readonly number[] } = {},
) {
  const [kernel, reference] = [false, true].map((precise) => {
    const made = created(name, { ...settings, precise }, corpus, K);
    const { model, state, sums } = made;
    for (let i = 0; i < 3; i++) {
      if (i > 0) model.mStep(state, sums.statistics, false);
      clear(sums);
      model.globalTerms(state, sums.terms);
      for (let b = 0; b + 1 < blocks.length; b++) model.eStep(corpus, blocks[b]!, blocks[b + 1]!, state, sums, start);
    }
    return made;
  });
  return { kernel: kernel!, reference: reference! };
}

/** The largest |a − b|, against the largest |b|. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const size = Array.from(b).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-300);
  return Array.from(a).reduce((most, x, i) => (Math.abs(x - b[i]!) <= most ? most : Math.abs(x - b[i]!)), 0) / size;
}

function expectTwins({ kernel, reference }: ReturnType<typeof bothFits>, tolerance: number): void {
  expect(difference(kernel.sums.terms, reference.sums.terms)).toBeLessThan(tolerance);
  for (const part of ['posterior', 'params'] as const)
    for (const [name, array] of Object.entries(reference.state[part]))
      expect(difference(kernel.state[part][name]!, array), name).toBeLessThan(tolerance);
  for (const [name, sum] of Object.entries(reference.sums.statistics))
    expect(difference(kernel.sums.statistics[name]!, sum), name).toBeLessThan(tolerance);
}

describe.each(CASES)('the E-step of %s %j agrees with the reference', (...c) => {
  const tolerance = AGREES(...c);

  it.each([1, 2, 3, 4, 5, 7, 8, 31, 100])('for K = %i topics', (K) => {
    expectTwins(bothFits(c, randomCorpus(80, 50, K), K), tolerance);
  });

  it.each(STARTS)('from the start "%s", in blocks of any size', (start) => {
    expectTwins(bothFits(c, randomCorpus(70, 40, 5), 6, { start, blocks: [0, 1, 33, 34, 70] }), tolerance);
  });

  it.each(STARTS)('on documents of one term, of millions of tokens and without terms, from the start "%s"', (start) => {
    // log values of 1e10 leave rounding of 1e-6 in what they tell apart
    for (const K of [1, 3, 5]) expectTwins(bothFits(c, strange, K, { start }), 10 * tolerance);
  });

  it('where topics lack terms, and documents have none that any topic has', () => {
    const corpus = randomCorpus(60, 20, 8);
    const [kernel, reference] = [false, true].map((precise) => {
      const made = created(c[0], { ...c[1], precise }, corpus, 5);
      const { params } = made.state;
      const topics = params['beta'] ?? params['lambda']!;
      // of points 0; of posteriors so little that E[log β] is −1e5
      for (let i = 0; i < topics.length; i++) if (i < 50 || i % 3 === 0) topics[i] = 'beta' in params ? 0 : 1e-5;
      if ('theta' in params) params['theta']!.set([0, 0.25, 0.25, 0.5, 0]);
      if ('theta' in made.state.posterior)
        made.state.posterior['theta']!.forEach((_, i, theta) => {
          theta[i] = [0, 0.25, 0.25, 0.5, 0][i % 5]!;
        });
      made.model.derive(made.state);
      made.model.eStep(corpus, 0, 60, made.state, made.sums, 'warm');
      return made;
    });
    expectTwins({ kernel: kernel!, reference: reference! }, tolerance);
  });

  it('serves corpora one after the other, and parts of them again', () => {
    const first = randomCorpus(40, 20, 1);
    const made = created(c[0], c[1], first, 5);
    const found = [first, randomCorpus(10, 20, 2), first].map((corpus) => {
      const state = { ...made.state, posterior: allocateState(made.model, { V: 20, K: 5 }, 40).posterior };
      clear(made.sums);
      made.model.eStep(corpus, 0, 5, state, made.sums, 'cold');
      clear(made.sums);
      made.model.eStep(corpus, 0, documentCount(corpus), state, made.sums, 'cold');
      return { posterior: state.posterior, terms: made.sums.terms.slice() };
    });
    expect(found[2]).toEqual(found[0]);
  });

  it('without statistics, and without terms', () => {
    const corpus = randomCorpus(40, 20, 1);
    const results = [true, false].map((hasTerms) => {
      const { model, state, sums } = created(c[0], c[1], corpus, 5);
      const terms = hasTerms ? sums.terms : new Float64Array(0);
      model.eStep(corpus, 0, 40, state, { statistics: null, terms }, 'cold');
      return { posterior: state.posterior, terms };
    });
    const { model, state, sums } = created(c[0], c[1], corpus, 5);
    model.eStep(corpus, 0, 40, state, sums, 'cold');
    expect(results[0]).toEqual({ posterior: state.posterior, terms: sums.terms });
    expect(results[1]!.posterior).toEqual(state.posterior);
  });
});

it.each([false, true])('a fixed E-step of pLSA leaves its proportions (precise: %s)', (precise) => {
  const corpus = randomCorpus(40, 20, 1);
  const { model, state, sums } = created('plsa', { precise }, corpus, 5);
  model.eStep(corpus, 0, 40, state, sums, 'warm');
  const [theta, terms] = [state.posterior['theta']!.slice(), sums.terms.slice()];
  clear(sums);
  model.eStep(corpus, 0, 40, state, sums, 'fixed');
  expect(state.posterior['theta']).toEqual(theta);
  expect(difference(sums.terms, terms)).toBeLessThan(1e-14);
});

it.each([
  ['plsa', []],
  ['mixture', []],
  ['mixture', ['--inference', 'em']],
])('%s %j has the same bytes on 1, 2, 3 and 7 threads', (name, given) => {
  const cwd = folder();
  output(['generate', '-d', '400', '--length', '120', '-k', '20', '-o', 'c.ldac'], { cwd });
  const results = ['1', '2', '3', '7'].map((threads) => {
    const model = `m${threads}.safetensors`;
    const fit = ['fit', 'c.ldac', '--model', name, ...given, '-k', '7', '--iterations', '8', '-q', '-j', threads];
    output([...fit, '-o', model], { cwd });
    const infer = ['infer', model, 'c.ldac', '-n', 'all', '--format', 'ndjson', '-j', threads];
    return [readFileSync(join(cwd, model), 'base64'), output(infer, { cwd })];
  });
  for (const result of results) expect(result).toEqual(results[0]);
});
