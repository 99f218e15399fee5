/** What every model promises, over the table of models and the settings that change how one computes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel, saveModel } from '../../src/commands/_model.js';
import { type Corpus, documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { type Iteration, fit as iterationsOf, ROUNDING } from '../../src/em/fit.js';
import { infer } from '../../src/em/infer.js';
import type { Sums } from '../../src/em/model.js';
import { allocateState, allocateSums, clear, withDocuments } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { MODELS } from '../../src/models/index.js';
import { topicsReport } from '../../src/report/topics.js';
import { corpusOf } from '../_corpora.js';

type Values = Readonly<Record<string, unknown>>;

/** The settings that are tried; a model that is not here, its defaults. */
const SETTINGS: Readonly<Record<string, readonly Values[]>> = {
  lda: [
    {},
    { precise: true },
    { inference: 'vb' },
    { inference: 'vb', precise: true, beta: 'point' },
    { inference: 'vb', precise: true, start: 'documents' },
    { inference: 'vb', schedule: 'batch' },
    { inference: 'vb', precise: true, schedule: 'batch' },
    { inference: 'map' },
    { inference: 'map', precise: true },
    { inference: 'map', precise: true, schedule: 'batch' },
  ],
  mixture: [
    {},
    { precise: true },
    { inference: 'em' },
    { inference: 'em', precise: true },
    { inference: 'em', eta: 0 },
    { start: 'random' },
  ],
  plsa: [{}, { precise: true }, { start: 'documents' }, { 'e-step-iterations': 1 }],
  gmm: [
    ...['em', 'vb'].flatMap((inference) =>
      ['full', 'tied', 'diag', 'spherical'].map((covariance) => ({ inference, covariance, dimensions: 3 })),
    ),
    { start: 'random', covariance: 'spherical', dimensions: 3 },
    { precise: true, dimensions: 3 },
  ],
  hmm: [
    {},
    { precise: true },
    { inference: 'vb' },
    { inference: 'vb', precise: true },
    { alpha: 0, eta: 0 },
    { stickiness: 5 },
    { start: 'random' },
  ],
  vae: [
    { hidden: 20, batch: 10, rate: 0.02, dropout: 0 },
    { hidden: 20, batch: 10, rate: 0.02, dropout: 0, precise: true },
    { hidden: 20, batch: 10, rate: 0.02, decoder: 'mixture' },
  ],
};

const V = 13;
/** The term that no planted document has. */
const UNSEEN = V - 1;
const D = 90;

/** A row of segments: each a list of terms. */
type Document = readonly (readonly number[])[];

/** Documents of six segments of five tokens, 90 % of them from block d % 3 of four terms. */
function plantedDocuments(): Document[] {
  const draw = random(7);
  return Array.from({ length: D }, (_, d) =>
    Array.from({ length: 6 }, () => {
      const block = draw.uniform() < 0.9 ? d % 3 : draw.integer(3);
      return Array.from({ length: 5 }, () => 4 * block + draw.integer(4));
    }),
  );
}

function counted(tokens: readonly number[]): [number, number][] {
  return [...new Set(tokens)].map((w) => [w, tokens.filter((v) => v === w).length]);
}

function textCorpus(documents: readonly Document[]): Corpus {
  const { rowStart, term, count } = corpusOf(
    documents.flatMap((segments) => segments.map(counted)),
    V,
  );
  const start = [0];
  for (const segments of documents) start.push(start.at(-1)! + segments.length);
  return {
    ...corpusOf(
      documents.map((segments) => counted(segments.flat())),
      V,
    ),
    segments: { start: Uint32Array.from(start), rowStart, term, count },
  };
}

/** Points around (0, 0), (6, 0) and (0, 6). */
function pointCorpus(): Corpus {
  const draw = random(7);
  const values = Float64Array.from({ length: 2 * D }, (_, i) => {
    const centre = (i >> 1) % 3 === 1 + (i % 2) ? 6 : 0;
    return centre + draw.normal();
  });
  const empty = corpusOf(new Array(D).fill([]), 0);
  return { ...empty, vectors: { columns: ['x', 'y'], values } };
}

interface Case {
  readonly name: string;
  readonly settings: Values;
  readonly says: string;
  readonly planted: Corpus;
}

const cases: Case[] = Object.entries(MODELS).flatMap(([name, { reads }]) =>
  (SETTINGS[name] ?? [{}]).flatMap((settings) => {
    const given = Object.entries(settings).map(([setting, value]) => ` --${setting} ${value}`);
    const corpora: [string, Corpus][] = [['', textCorpus(plantedDocuments())]];
    if (reads === 'vectors') corpora.push([' of columns', pointCorpus()]);
    return corpora.map(([of, planted]) => ({ name, settings, says: `${name}${given.join('')}${of}`, planted }));
  }),
);

function made({ name, settings }: Case, corpus: Corpus, K: number) {
  const dims = { V: corpus.vocabulary.length, K };
  const model = MODELS[name]!.create(settings, { ...dims, columns: corpus.vectors?.columns.length ?? 0 });
  return { dims, model };
}

function started(c: Case, corpus: Corpus, K: number, seed: number) {
  const { dims, model } = made(c, corpus, K);
  const state = allocateState(model, dims, documentCount(corpus));
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  const data = model.prepare(corpus, state);
  model.resetPosterior(data, state);
  return { dims, model, state, sums, data, corpus };
}

/** Blocks of 20 documents, not counting the empty ones. */
function blocksOf(corpus: Corpus): number[] {
  const filled = Array.from({ length: documentCount(corpus) }, (_, d) => d).filter(
    (d) => corpus.vectors !== undefined || corpus.rowStart[d + 1]! > corpus.rowStart[d]!,
  );
  return [0, ...filled.filter((_, i) => i > 0 && i % 20 === 0), documentCount(corpus)];
}

async function fittedFrom(c: Case, K: number, iterations: number, seed = 1, corpus = c.planted) {
  const start = started(c, corpus, K, seed);
  const { model, data, state, sums } = start;
  const trace: Iteration[] = [];
  const options = { iterations, tolerance: Number.NEGATIVE_INFINITY, softIterations: 5 };
  for await (const last of iterationsOf(model, data, blocksOf(corpus), state, sums, options)) trace.push(last);
  return { ...start, trace };
}

/** The best of five starts. */
async function best(c: Case, K: number, iterations: number) {
  let found = await fittedFrom(c, K, iterations, 1);
  for (let seed = 2; seed <= 5; seed++) {
    const other = await fittedFrom(c, K, iterations, seed);
    if (other.trace.at(-1)!.objective > found.trace.at(-1)!.objective) found = other;
  }
  return found;
}

/** The largest |a − b| relative to the larger of the array's largest size and 1e-300. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let size = 1e-300;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    size = Math.max(size, Math.abs(b[i]!));
    largest = Math.max(largest, Number.isNaN(a[i]! - b[i]!) ? Number.POSITIVE_INFINITY : Math.abs(a[i]! - b[i]!));
  }
  return a.length === b.length ? largest / size : Number.POSITIVE_INFINITY;
}

function allFinite(arrays: Readonly<Record<string, ArrayLike<number>>>): boolean {
  return Object.values(arrays).every((array) => Array.from(array).every(Number.isFinite));
}

function proportionsOf({ model, state, dims }: Awaited<ReturnType<typeof fittedFrom>>, d: number): Float64Array {
  const out = new Float64Array(dims.K);
  model.proportions(state, d, out);
  return out;
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

describe.each(cases)('$says', (c) => {
  const probe = made(c, c.planted, 3).model;
  const points = c.planted.vectors !== undefined;
  /** Sums of f64 agree to this; those of kernels in f32 to their own rounding. */
  const slack = probe.rounding ?? 1e-12;

  const stochastic = probe.schedule === 'stochastic';

  // Noisy estimates are not promised to rise.
  if (!stochastic)
    it('never lets the objective fall', async () => {
      for (let seed = 1; seed <= 2; seed++) {
        const { trace } = await fittedFrom(c, 4, 30, seed);
        expect(trace).toHaveLength(30);
        for (let i = 1; i < trace.length; i++) {
          const { objective, terms } = trace[i]!;
          const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
          expect(objective - trace[i - 1]!.objective).toBeGreaterThanOrEqual(-(probe.rounding ?? ROUNDING) * size);
        }
        expect(trace.at(-1)!.objective).toBeGreaterThan(trace[0]!.objective);
      }
    });

  it('has the same E-step in two parts as in one', async () => {
    const { model, dims, data, state } = await fittedFrom(c, 3, 3);
    const start = stochastic ? 'cold' : 'warm';
    const given = Object.values(state.posterior).map((array) => array.slice());
    const parts = [[D], [37, D]].map((ends) => {
      Object.values(state.posterior).forEach((array, i) => {
        array.set(given[i]!);
      });
      const all = allocateSums(model, dims);
      const sums: Sums = stochastic ? { statistics: null, terms: all.terms } : all;
      let from = 0;
      for (const to of ends) {
        model.eStep(data, from, to, state, sums, start);
        from = to;
      }
      return { sums, posterior: Object.values(state.posterior).map((array) => array.slice()) };
    });
    const [whole, two] = [parts[0]!, parts[1]!];
    expect(whole.sums.terms.some((term) => term !== 0)).toBe(true);
    // In f32 a term may be the difference of two ten times its size, and sums over documents err like one.
    expect(difference(two.sums.terms, whole.sums.terms)).toBeLessThanOrEqual(
      probe.rounding === undefined ? slack : 10 * slack,
    );
    for (const [i, array] of whole.posterior.entries())
      expect(difference(two.posterior[i]!, array)).toBeLessThanOrEqual(probe.rounding ?? 0);
    for (const [name, array] of Object.entries(whole.sums.statistics ?? {}))
      expect(difference(two.sums.statistics![name]!, array), name).toBeLessThanOrEqual(10 * (probe.rounding ?? 1e-15));
  });

  it('gives the same report and proportions after it is saved and loaded', async () => {
    const run = await fittedFrom(c, 3, 5);
    const { model, dims, state, sums, corpus } = run;
    const shares = model.shares(sums.statistics);
    const tokens = new Uint32Array(D).map((_, d) => tokenCount(corpus, d, d + 1));
    const folder = await mkdtemp(join(tmpdir(), 'thema-contract-'));
    try {
      const path = join(folder, 'm.safetensors');
      await saveModel(
        path,
        { force: false, stdout: process.stdout },
        {
          name: c.name,
          model,
          dims,
          state,
          shares,
          vocabulary: corpus.vocabulary,
          documents: { ids: corpus.ids, tokens, segments: undefined },
          record: {
            version: '0',
            settings: c.settings,
            seed: 1,
            text: null,
            ...(corpus.vectors === undefined ? {} : { columns: corpus.vectors.columns }),
            corpus: { documents: D, emptyDocuments: 0, tokens: tokenCount(corpus) },
            stop: 'iterations',
            trace: [],
          },
        },
      );
      const loaded = await loadModel(path);
      for (const reading of Object.keys(model.readings)) {
        const [before, after] = [
          { model, state, shares },
          { model: loaded.model, state: loaded.state, shares: loaded.shares },
        ].map(({ model, state, shares }) => [
          ...(topicsReport(model.readings[reading]!(state), shares, corpus.vocabulary, {
            reading,
            terms: 10,
            order: 'share',
            weights: true,
            facts: (k: number) => model.facts(state, k),
          }).rows as Iterable<unknown>),
        ]);
        expect(before).toHaveLength(3);
        expect(after).toEqual(before);
      }
      for (let d = 0; d < D; d++) {
        const out = new Float64Array(3);
        loaded.model.proportions(loaded.state, d, out);
        expect(out).toEqual(proportionsOf(run, d));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('recovers three planted topics, terms and documents', async () => {
    const run = await best(c, 3, 40);
    const topicOfDocument = Array.from({ length: D }, (_, d) => indexOfLargest(proportionsOf(run, d)));
    const votes = [0, 1, 2].map((block) =>
      [0, 1, 2].map((k) => topicOfDocument.filter((topic, d) => d % 3 === block && topic === k).length),
    );
    const topicOfBlock = votes.map(indexOfLargest);
    expect([...topicOfBlock].sort()).toEqual([0, 1, 2]);
    expect(votes.reduce((sum, row) => sum + Math.max(...row), 0)).toBeGreaterThanOrEqual(0.95 * D);
    if (points) return;
    const weights = Object.values(run.model.readings)[0]!(run.state);
    topicOfBlock.forEach((k, block) => {
      const top = Array.from({ length: V }, (_, w) => w)
        .sort((a, b) => weights[b * 3 + k]! - weights[a * 3 + k]!)
        .slice(0, 4);
      expect(top.sort((a, b) => a - b)).toEqual([0, 1, 2, 3].map((i) => 4 * block + i));
    });
  });

  // Points from columns have neither empty documents nor terms.
  if (!points)
    it('is not moved by empty documents, which have proportions all the same', async () => {
      const documents = plantedDocuments();
      const holes: Document[] = [[], ...documents.slice(0, 30), [[], []], ...documents.slice(30), [], []];
      const corpus = textCorpus(holes);
      if (stochastic) {
        const { model, dims, state } = await fittedFrom(c, 3, 3);
        const [plain, holed] = await Promise.all(
          [c.planted, corpus].map((of) => {
            const own = withDocuments(model, dims, state, documentCount(of));
            return infer(model, model.prepare(of, own), blocksOf(of), own);
          }),
        );
        // Samples are drawn anew for each document, so that only what is expected is the same.
        const [a, b] = [plain!, holed!].map((terms) => terms.reduce((x, y) => x + y));
        expect(Math.abs(a! / b! - 1)).toBeLessThan(0.02);
      } else {
        const plain = await fittedFrom(c, 3, 10);
        const run = await fittedFrom(c, 3, 10, 1, corpus);
        for (const [i, { objective }] of run.trace.entries())
          expect(Math.abs(objective / plain.trace[i]!.objective - 1)).toBeLessThan(slack);
        for (const [name, array] of Object.entries(plain.state.params))
          expect(difference(run.state.params[name]!, array), name).toBeLessThan(slack);
      }
      const run = await fittedFrom(c, 3, 3, 1, corpus);
      for (const d of [0, 31, D + 2, D + 3]) {
        const proportions = proportionsOf(run, d);
        expect(proportions.every(Number.isFinite)).toBe(true);
        expect(proportions.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }
    });

  if (!points)
    it('takes documents of a term that it has never seen', async () => {
      const { model, dims, state } = await fittedFrom(c, 3, 20);
      const corpus = textCorpus([[[UNSEEN]], [[0, 1, UNSEEN], [UNSEEN]], [[0, 1, 2]], [new Array(3000).fill(UNSEEN)]]);
      const own = withDocuments(model, dims, state, 4);
      const terms = await infer(model, model.prepare(corpus, own), [0, 4], own);
      expect(terms.every(Number.isFinite)).toBe(true);
      const predict = model.predictor?.(own);
      for (let d = 0; d < 4; d++) {
        const out = new Float64Array(3);
        model.proportions(own, d, out);
        expect(out.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
        if (predict === undefined) continue;
        expect(predict(d, UNSEEN)).toBeGreaterThan(0);
        let sum = 0;
        for (let w = 0; w < V; w++) sum += predict(d, w);
        expect(sum).toBeCloseTo(1, 10);
      }
    });

  it.each([1, 3, 8])(
    'has finite numbers, terms that sum to the objective and shares that sum to 1, for K = %i',
    async (K) => {
      const { model, state, sums, data, trace, corpus } = await fittedFrom(c, K, 10);
      for (const { objective, terms } of trace) {
        expect(terms).toHaveLength(model.terms.length);
        expect(terms.reduce((a, b) => a + b)).toBe(objective);
        expect(Number.isFinite(objective)).toBe(true);
      }
      expect([state.params, state.derived, state.posterior, sums.statistics].every(allFinite)).toBe(true);
      if (!stochastic) {
        clear(sums);
        model.eStep(data, 0, documentCount(corpus), state, sums, 'warm');
        expect(model.shares(sums.statistics).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }
      const weights = model.readings['probability']?.(state);
      if (weights === undefined) return;
      for (let k = 0; k < K; k++) {
        let sum = 0;
        for (let w = 0; w < V; w++) sum += weights[w * K + k]!;
        expect(sum).toBeCloseTo(1, 10);
      }
    },
  );
});
