/** The kernels against the loops they stand for: the same model, with and without `precise`, and layer for layer. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allocateState, allocateSums, clear } from '../../src/em/state.js';
import { createEncoderKernel } from '../../src/kernels/vae-encoder.js';
import { random } from '../../src/math/random.js';
import { createVae, vaeSettings } from '../../src/models/vae.js';
import { plainEncoderLayers } from '../../src/models/vae-encoder.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';
import { folder, output } from '../_program.js';

const D = 50;

/** Documents of 1 to 30 tokens, some of a term often; every tenth is empty. */
function randomCorpus(V: number, seed: number) {
  const draws = random(seed);
  return corpusOf(
    Array.from({ length: D }, (_, d) => {
      if (d % 10 === 9) return [];
      const counts = new Map<number, number>();
      for (let n = 1 + draws.integer(30); n > 0; n--)
        counts.set(draws.integer(V), 1 + (draws.integer(9) === 0 ? draws.integer(500) : 0));
      return [...counts];
    }),
    V,
  );
}

/** Two gradient steps on parts of the documents, the gradient of a third, and an evaluation of all, in both ways. */
function bothWays(V: number, K: number, settings: Record<string, unknown>, parts: readonly number[]) {
  const corpus = randomCorpus(V, V + K);
  const dims = { V, K };
  const [kernel, reference] = [false, true].map((precise) => {
    const model = createVae(withDefaults(vaeSettings, { hidden: 7, ...settings, precise }), dims);
    const state = allocateState(model, dims, D);
    const sums = allocateSums(model, dims);
    model.initialise(corpus, state, random(1));
    const data = model.prepare(corpus, state);
    model.resetPosterior(data, state);
    for (let b = 0; b + 1 < parts.length; b++) {
      clear(sums);
      model.eStep(data, parts[b]!, parts[b + 1]!, state, sums, 'warm');
      if (b + 2 < parts.length) model.mStep(state, sums.statistics, false);
    }
    const evaluation = { statistics: null, terms: new Float64Array(3), variance: new Float64Array(1) };
    model.eStep(data, 0, D, state, evaluation, 'cold');
    return { ...sums, evaluation, params: state.params, theta: state.posterior['theta']! };
  });
  return { kernel: kernel!, reference: reference! };
}

/** The largest |a − b|, against the largest |b|, or against 1e-6 where all are rounding. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const size = Array.from(b).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
  return Array.from(a).reduce((most, x, i) => (Math.abs(x - b[i]!) <= most ? most : Math.abs(x - b[i]!)), 0) / size;
}

function expectTwins({ kernel, reference }: ReturnType<typeof bothWays>): void {
  expect(difference(kernel.terms, reference.terms)).toBeLessThan(1e-10);
  expect(difference(kernel.evaluation.terms, reference.evaluation.terms)).toBeLessThan(1e-10);
  expect(difference(kernel.theta, reference.theta)).toBeLessThan(1e-9);
  for (const [name, array] of Object.entries(reference.params))
    expect(difference(kernel.params[name]!, array), name).toBeLessThan(1e-8);
  for (const [name, sum] of Object.entries(reference.statistics))
    expect(difference(kernel.statistics[name]!, sum), name).toBeLessThan(1e-8);
}

describe.each(['product', 'mixture'])('an autoencoder with the %s decoder agrees with the reference', (decoder) => {
  it.each([
    [12, 1],
    [13, 2],
    [3, 3],
    [150, 4],
    [31, 5],
    [129, 9],
  ])('over V = %i terms with K = %i topics', (V, K) => {
    expectTwins(bothWays(V, K, { decoder }, [0, 17, 33, D]));
  });

  it('in batches of one document, and of none that has a term', () => {
    expectTwins(bothWays(20, 3, { decoder, dropout: 0 }, [0, 1, 9, 10]));
  });

  it('when new documents are refined, with one sample fewer than a multiple of four', () => {
    expectTwins(bothWays(20, 3, { decoder, refine: 3, samples: 3 }, [0, D]));
  });

  it('with weights so large that most probabilities underflow', () => {
    expectTwins(bothWays(20, 3, { decoder, rate: 1 }, [0, 17, D]));
  });
});

describe("the encoder's layers", () => {
  const draws = random(2);
  const normals = (n: number, size = 1) => new Float64Array(n).map(() => size * draws.normal());

  /** Documents of 0 to 20 entries, in another order, and weights of a given size. */
  function layersOf(V: number, H: number, O: number, B: number, size: number) {
    const rowStart = new Uint32Array(B + 1);
    for (let d = 0; d < B; d++) rowStart[d + 1] = rowStart[d]! + draws.integer(Math.min(V, 20) + 1);
    const term = new Uint32Array(rowStart[B]!).map(() => draws.integer(V));
    const documents = new Uint32Array(B).map((_, b) => B - 1 - b);
    const shapes = { weight1: V * H, bias1: H, weight2: H * H, bias2: H, weight3: H * O };
    const weights = Object.fromEntries(Object.entries(shapes).map(([name, n]) => [name, normals(n, size)]));
    const mask = new Float64Array(B * H).map(() => (draws.uniform() < 0.8 ? 1.25 : 0));
    const gCode = normals(B * O);
    return { batch: { input: { rowStart, term, value: normals(term.length) }, documents, B }, weights, mask, gCode };
  }

  function bothLayers(V: number, H: number, O: number, { batch, weights, mask, gCode }: ReturnType<typeof layersOf>) {
    return [createEncoderKernel(V, H, O, 1), plainEncoderLayers(H, O)].flatMap((layers) =>
      [mask, null].map((given) => {
        const code = new Float64Array(batch.B * O);
        const sums = Object.fromEntries(
          Object.entries(weights).map(([name, { length }]) => [name, new Float64Array(length)]),
        );
        layers.forward(batch, weights, given, code);
        layers.backward(batch, weights, gCode, sums);
        return { code, ...sums } as Record<string, Float64Array>;
      }),
    );
  }

  it.each([
    [1, 1, 1, 1, 1],
    [3, 2, 2, 5, 1],
    [130, 100, 100, 64, 0.1],
    [9, 5, 7, 8, 1],
    [20, 4, 10, 63, 30],
    [300, 33, 4, 2, 300],
  ])('from V = %i terms over %i units to %i outputs, %i documents, weights of %d agree', (V, H, O, B, size) => {
    const found = bothLayers(V, H, O, layersOf(V, H, O, B, size));
    for (const given of [0, 1]) {
      for (const [name, array] of Object.entries(found[2 + given]!))
        expect(difference(found[given]![name]!, array), name).toBeLessThan(1e-11);
    }
  });

  it('keep NaN to the documents that have the term, and lose none', () => {
    const [V, H, O, B] = [20, 6, 4, 30];
    const given = layersOf(V, H, O, B, 1);
    given.weights['weight1']!.fill(Number.NaN, 3 * H, 4 * H);
    const [kernel, , reference] = bothLayers(V, H, O, given);
    expect([...kernel!['code']!].map(Number.isNaN)).toEqual([...reference!['code']!].map(Number.isNaN));
    expect(reference!['code']!.some(Number.isNaN)).toBe(true);
    expect(reference!['code']!.every(Number.isNaN)).toBe(false);
  });
});

it.each(['product', 'mixture'])(
  'a fit of the %s decoder has the same bytes on 1, 2, 3 and 7 threads',
  async (decoder) => {
    const cwd = folder();
    output(['generate', '-d', '300', '--length', '60', '--terms', '900', '-k', '5', '-o', 'c.ldac'], { cwd });
    const models = ['1', '2', '3', '7'].map((threads) => {
      const options = ['--decoder', decoder, '-k', '5', '--hidden', '20', '--iterations', '5', '-q', '-j', threads];
      output(['fit', 'c.ldac', '--model', 'vae', ...options, '-o', `m${threads}.safetensors`], { cwd });
      return readFile(join(cwd, `m${threads}.safetensors`));
    });
    const [first, ...others] = await Promise.all(models);
    for (const other of others) expect(other.equals(first!)).toBe(true);
  },
);
