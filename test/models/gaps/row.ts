import type { Corpus } from '../../../src/corpus/corpus.js';
import { allocateState, allocateSums, clear } from '../../../src/em/state.js';
import { random } from '../../../src/math/random.js';
import { digamma, lgamma } from '../../../src/math/special.js';
import { MODELS } from '../../../src/models/index.js';
import { corpusOf } from '../../_corpora.js';

/** A row of the table of gaps. */
export interface GapRow {
  /** The model and its settings. */
  readonly name: string;
  /** Whether q is the true posterior, so that there is no gap. */
  readonly exact: boolean;
  /** The K it can be computed for; 2 and 3 without it. */
  readonly topics?: readonly number[];
  /** Fits a tiny data set from a seed for a few steps; nats. Log evidence and KL are computed apart from the model. */
  gap(K: number, seed: number): { logEvidence: number; bound: number; kl: number };
}

/** Four documents, one of them empty, with 11 tokens of 4 terms. */
export const tiny = corpusOf(
  [
    [
      [0, 2],
      [1, 1],
    ],
    [
      [1, 1],
      [2, 2],
    ],
    [],
    [
      [2, 1],
      [3, 2],
    ],
  ],
  4,
);

/** The model after `seed % 4` iterations from a seed, and the sums of one more E-step. */
export function fitted(name: string, settings: Readonly<Record<string, unknown>>, K: number, seed: number) {
  const V = tiny.vocabulary.length;
  const D = tiny.ids.length;
  const dims = { V, K };
  const model = MODELS[name]!.create(settings, { ...dims, columns: 0 });
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  model.initialise(tiny, state, random(seed));
  const data = model.prepare(tiny, state);
  model.resetPosterior(data, state);
  for (let step = 0; step < seed % 4; step++) {
    clear(sums);
    model.eStep(data, 0, D, state, sums, 'warm');
    model.mStep(state, sums.statistics, false);
  }
  clear(sums);
  model.eStep(data, 0, D, state, sums, 'warm');
  model.globalTerms(state, sums.terms);
  const prior = model.terms.indexOf('log_prior');
  const bound = sums.terms.reduce((sum, term, i) => (i === prior ? sum : sum + term), 0);
  const { params, derived, posterior } = state;
  return { V, D, params, derived, posterior, bound };
}

/** The tokens of a corpus, one [document, term] an occurrence. */
export function tokensOf({ rowStart, term, count }: Corpus): [number, number][] {
  const tokens: [number, number][] = [];
  for (let d = 0; d + 1 < rowStart.length; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++)
      for (let n = 0; n < count[i]!; n++) tokens.push([d, term[i]!]);
  }
  return tokens;
}

/** Every assignment of K values to n places. */
export function* assignments(n: number, K: number): Generator<number[]> {
  const z = new Array<number>(n).fill(0);
  for (;;) {
    yield z;
    let i = 0;
    while (i < n && ++z[i]! === K) z[i++] = 0;
    if (i === n) return;
  }
}

/** Row or column of a row-major array. */
export function slice(array: ArrayLike<number>, from: number, length: number, step = 1): number[] {
  return Array.from({ length }, (_, i) => array[from + i * step]!);
}

/** log B(a). */
export function logDirichletNormaliser(a: readonly number[]): number {
  return a.reduce((sum, x) => sum + lgamma(x), 0) - lgamma(a.reduce((sum, x) => sum + x));
}

export function klDirichlet(q: readonly number[], p: readonly number[]): number {
  const sum = q.reduce((total, x) => total + x);
  return q.reduce(
    (kl, x, i) => kl + (x - p[i]!) * (digamma(x) - digamma(sum)),
    logDirichletNormaliser(p) - logDirichletNormaliser(q),
  );
}
