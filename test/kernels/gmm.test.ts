/** The kernels against the loops they stand for: the same model, with and without `precise`. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { random } from '../../src/math/random.js';
import { createGmm, gmmSettings } from '../../src/models/gmm.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';
import { folder, output } from '../_program.js';

const KINDS = ['full', 'tied', 'diag', 'spherical'] as const;

function pointsOf(rows: readonly (readonly number[])[]): Corpus {
  return {
    ...corpusOf(
      rows.map(() => []),
      0,
    ),
    vectors: { columns: rows[0]!.map((_, p) => `c${p}`), values: Float64Array.from(rows.flat()) },
  };
}

/** D points about three centres. */
function clouds(D: number, P: number, seed: number, { offset = 0, apart = 3 } = {}): number[][] {
  const draws = random(seed);
  return Array.from({ length: D }, (_, d) =>
    Array.from({ length: P }, () => offset + apart * (d % 3) + draws.normal()),
  );
}

/** An E-step in these blocks from the start `adjust` leaves, by the kernels and by the reference. */
function bothESteps(
  corpus: Corpus,
  K: number,
  settings: Record<string, unknown>,
  blocks: readonly number[],
  adjust: (params: Readonly<Record<string, Float64Array>>) => void = () => {},
) {
  const dims = { V: corpus.vocabulary.length, K };
  const [kernel, reference] = [false, true].map((precise) => {
    const model = createGmm(withDefaults(gmmSettings, { ...settings, precise }), {
      ...dims,
      columns: corpus.vectors?.columns.length ?? 0,
    });
    const state = allocateState(model, dims, corpus.ids.length);
    const sums = allocateSums(model, dims);
    model.initialise(corpus, state, random(3));
    adjust(state.params);
    model.derive(state);
    const points = model.prepare(corpus, state);
    model.resetPosterior(points, state);
    for (let b = 0; b + 1 < blocks.length; b++) model.eStep(points, blocks[b]!, blocks[b + 1]!, state, sums, 'warm');
    return { responsibility: state.posterior['responsibility']!, ...sums, model, state };
  });
  return { kernel: kernel!, reference: reference! };
}

const largest = (a: ArrayLike<number>) => Array.from(a).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** The largest |a − b|, against the largest |b| or the given size. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>, size = largest(b)): number {
  expect(a.length).toBe(b.length);
  return (
    Array.from(a).reduce((most, x, i) => (Math.abs(x - b[i]!) <= most ? most : Math.abs(x - b[i]!)), 0) /
    (size + 1e-300)
  );
}

function expectTwins({ kernel, reference }: ReturnType<typeof bothESteps>, tolerance = 1e-12): void {
  expect(difference(kernel.responsibility, reference.responsibility)).toBeLessThan(tolerance);
  expect(difference(kernel.terms, reference.terms)).toBeLessThan(tolerance);
  for (const [name, sum] of Object.entries(reference.statistics)) {
    // at a maximum Σ r δ is 0, of parts as large as this
    const size = Math.sqrt(largest(reference.statistics['count']!) * largest(reference.statistics['second']!));
    expect(difference(kernel.statistics[name]!, sum, name === 'first' ? size : largest(sum)), name).toBeLessThan(
      tolerance,
    );
  }
}

describe.each(KINDS)('the E-step of a Gaussian mixture of covariance %s agrees with the reference', (covariance) => {
  it.each([1, 2, 3, 4, 5, 9])('in P = %i dimensions, to 1e-12', (P) => {
    for (const inference of ['em', 'vb'])
      expectTwins(bothESteps(pointsOf(clouds(150, P, P)), 3, { covariance, inference }, [0, 150]));
  });

  it.each([1, 2, 4, 7, 70])('with K = %i components, in blocks of any size', (K) => {
    expectTwins(bothESteps(pointsOf(clouds(141, 6, K)), K, { covariance }, [0, 1, 3, 70, 141]));
  });

  it('for one point', () => {
    expectTwins(bothESteps(pointsOf(clouds(5, 3, 1)), 1, { covariance }, [2, 3]));
  });

  it('for points far from the origin, to 1e-9', () => {
    const corpus = pointsOf(clouds(150, 5, 2, { offset: 1e6 }));
    expectTwins(bothESteps(corpus, 3, { covariance }, [0, 150]), 1e-9);
  });

  it('for clusters so far apart that responsibilities underflow to 0', () => {
    const both = bothESteps(pointsOf(clouds(150, 5, 2, { apart: 1e4 })), 3, { covariance }, [0, 150], (params) => {
      const centres = [0, 1e4, 2e4].flatMap((x) => [x, x, x, x, x]);
      params['mean']!.set(centres);
      params['covariance']!.fill(0);
      const unit = covariance === 'full' || covariance === 'tied' ? 6 : 1;
      const size = unit === 6 ? 25 : params['covariance']!.length;
      for (let at = 0; at < params['covariance']!.length; at += size)
        for (let i = 0; i < size; i += unit) params['covariance']![at + i] = 1;
    });
    expect(both.kernel.responsibility.filter((r) => r === 0).length).toBe(300);
    expectTwins(both);
  });

  it('where a component has weight 0', () => {
    const both = bothESteps(pointsOf(clouds(90, 4, 8)), 3, { covariance }, [0, 90], ({ weight }) => {
      weight!.set([0, 0.5, 0.5]);
    });
    expect(both.kernel.statistics['count']![0]).toBe(0);
    expectTwins(both);
  });

  it('of documents, of which some are empty', () => {
    const draws = random(6);
    const corpus = corpusOf(
      Array.from({ length: 70 }, (_, d) =>
        d % 9 === 4
          ? []
          : [...new Set(Array.from({ length: 8 }, () => draws.integer(30)))].map((w) => [w, 1 + (w % 3)]),
      ),
      30,
    );
    expectTwins(bothESteps(corpus, 4, { covariance, dimensions: 6 }, [0, 31, 70]), 1e-11);
  });

  it('after an M-step, and on other points than before', () => {
    const { kernel, reference } = bothESteps(pointsOf(clouds(90, 4, 8)), 3, { covariance }, [0, 90]);
    const other = pointsOf(clouds(40, 4, 9));
    const [a, b] = [kernel, reference].map(({ model, state, statistics }) => {
      model.mStep(state, statistics, false);
      const dims = { V: 0, K: 3 };
      const posterior = allocateState(model, dims, 40).posterior;
      const sums = allocateSums(model, dims);
      model.eStep(model.prepare(other, state), 0, 40, { ...state, posterior }, sums, 'cold');
      return { responsibility: posterior['responsibility']!, ...sums, model, state };
    });
    expectTwins({ kernel: a!, reference: b! }, 1e-10);
  });
});

it.each(KINDS)('a fit of covariance %s has the same bytes on 1, 2, 3 and 7 threads', async (covariance) => {
  const cwd = folder();
  const rows = clouds(3000, 7, 5).map((row) => row.join(','));
  writeFileSync(join(cwd, 'p.csv'), `a,b,c,d,e,f,g\n${rows.join('\n')}\n`);
  const models = ['1', '2', '3', '7'].map((threads) => {
    const options = ['--columns', 'a,b,c,d,e,f,g', '-k', '5', '--iterations', '6', '--covariance', covariance, '-q'];
    output(['fit', 'p.csv', '--model', 'gmm', ...options, '-j', threads, '-o', `m${threads}.safetensors`], { cwd });
    return readFile(join(cwd, `m${threads}.safetensors`));
  });
  const [first, ...others] = await Promise.all(models);
  for (const other of others) expect(other.equals(first!)).toBe(true);
});
