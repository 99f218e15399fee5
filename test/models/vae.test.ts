import { describe, expect, it } from 'vitest';
import { selectDocuments } from '../../src/corpus/select.js';
import { cutEvenly } from '../../src/em/blocks.js';
import { fit as fitModel } from '../../src/em/fit.js';
import { objectiveOf, watchHeldOut } from '../../src/em/held-out.js';
import { infer } from '../../src/em/infer.js';
import type { Sums } from '../../src/em/model.js';
import { allocateState, allocateSums, clear, withDocuments } from '../../src/em/state.js';
import { NumericalError } from '../../src/errors.js';
import { random } from '../../src/math/random.js';
import { createVae, vaeSettings } from '../../src/models/vae.js';
import { withDefaults } from '../../src/settings.js';
import { corpusOf } from '../_corpora.js';

const V = 12;

/** Documents of 30 tokens, each mostly of one of three blocks of four terms; every 20th is empty. */
function planted(D: number, seed = 5) {
  const draw = random(seed);
  return corpusOf(
    Array.from({ length: D }, (_, d) => {
      if (d % 20 === 19) return [];
      const counts = new Map<number, number>();
      for (let n = 0; n < 30; n++) {
        const block = draw.uniform() < 0.9 ? d % 3 : draw.integer(3);
        const w = 4 * block + draw.integer(4);
        counts.set(w, (counts.get(w) ?? 0) + 1);
      }
      return [...counts];
    }),
    V,
  );
}

function started(settings: Record<string, unknown>, K: number, corpus = planted(60), seed = 1) {
  const dims = { V, K };
  const model = createVae(withDefaults(vaeSettings, { hidden: 7, ...settings }), dims);
  const state = allocateState(model, dims, corpus.ids.length);
  const sums = allocateSums(model, dims);
  model.initialise(corpus, state, random(seed));
  const data = model.prepare(corpus, state);
  model.resetPosterior(data, state);
  return { model, state, sums, data, corpus, dims, D: corpus.ids.length };
}

/** A few passes of training in blocks of 20. */
function train({ model, state, sums, data, D }: ReturnType<typeof started>, epochs: number): void {
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let from = 0; from < D; from += 20) {
      clear(sums);
      model.eStep(data, from, Math.min(D, from + 20), state, sums, 'warm');
      model.mStep(state, sums.statistics, false);
    }
  }
}

function evaluated({ model, state, data }: ReturnType<typeof started>, from: number, to: number): Sums {
  const sums = { statistics: null, terms: new Float64Array(3), variance: new Float64Array(1) };
  model.eStep(data, from, to, state, sums, 'cold');
  return sums;
}

const total = (terms: Float64Array) => terms.reduce((a, b) => a + b);

const learned = ['weight1', 'bias1', 'weight2', 'bias2', 'weight3', 'encoderShift', 'beta', 'shift'];

describe.each(['product', 'mixture'])('the %s decoder', (decoder) => {
  it.each([
    [1, true],
    [2, true],
    [5, true],
    [1, false],
    [5, false],
  ])(
    "has a gradient of the whole bound that agrees with finite differences to 1e-6 in every layer's weights, K = %i, precise %s",
    (K, precise) => {
      const run = started({ decoder, dropout: 0.3, rate: 0.002, precise }, K);
      train(run, 2);
      const { model, state, sums, data, D } = run;
      clear(sums);
      model.eStep(data, 0, D, state, sums, 'warm');
      // A mixture's gradient of β is completed by the M-step, as is the product's running mean: on a copy.
      const gradients = { ...sums.statistics };
      for (const name of learned) gradients[name] = gradients[name]!.slice();
      if (decoder === 'mixture') {
        const spare = allocateState(model, { V, K }, 0);
        for (const [name, array] of Object.entries(state.derived)) spare.derived[name]!.set(array);
        for (const [name, array] of Object.entries(state.params)) spare.params[name]!.set(array);
        model.mStep(spare, sums.statistics, false);
        gradients['beta'] = sums.statistics['beta']!.slice();
        gradients['shift'] = sums.statistics['shift']!.slice();
      }
      const bound = () => {
        clear(sums);
        model.derive(state);
        model.eStep(data, 0, D, state, sums, 'warm');
        return total(sums.terms);
      };
      for (const name of learned) {
        const x = state.params[name]!;
        const largest = gradients[name]!.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
        const h = 1e-5;
        for (let i = 0; i < x.length; i += Math.ceil(x.length / 25)) {
          const at = x[i]!;
          x[i] = at + h;
          const up = bound();
          x[i] = at - h;
          const down = bound();
          x[i] = at;
          const difference = (up - down) / (2 * h) - gradients[name]![i]!;
          // Beside the relative error, what the cancellation of two bounds of about 5000 nats leaves.
          expect(Math.abs(difference), `${name}[${i}]`).toBeLessThan(1e-6 * largest + 1e-6);
        }
        if (K > 1 || name === 'shift') expect(largest).toBeGreaterThan(1e-3);
      }
    },
    60_000,
  );

  it('evaluates documents one by one: [0, m) and [m, D) add up to [0, D), and repetition gives the same bits', () => {
    const run = started({ decoder }, 3);
    train(run, 3);
    const whole = evaluated(run, 0, run.D);
    const posterior = run.state.posterior['theta']!.slice();
    const [a, b] = [evaluated(run, 0, 23), evaluated(run, 23, run.D)];
    whole.terms.forEach((term, i) => {
      expect(Math.abs(a.terms[i]! + b.terms[i]! - term)).toBeLessThan(1e-10 * Math.abs(term));
    });
    expect(a.variance![0]! + b.variance![0]!).toBeCloseTo(whole.variance![0]!, 8);
    expect(run.state.posterior['theta']).toEqual(posterior);
  });

  it('does not ask where a document stands: the same counts have the same bound and proportions', () => {
    const run = started({ decoder }, 3);
    train(run, 2);
    const moved = selectDocuments(run.corpus, [40, 7, 40]);
    const state = withDocuments(run.model, run.dims, run.state, 3);
    const at = (from: number) => {
      const sums = { statistics: null, terms: new Float64Array(3) };
      run.model.eStep(run.model.prepare(moved, state), from, from + 1, state, sums, 'cold');
      return [...sums.terms];
    };
    expect(at(0)).toEqual([...evaluated(run, 40, 41).terms]);
    expect(at(2)).toEqual(at(0));
    expect(at(1)).not.toEqual(at(0));
    expect([...state.posterior['theta']!.subarray(0, 3)]).toEqual([
      ...run.state.posterior['theta']!.subarray(120, 123),
    ]);
  });

  it('is not harmed by empty documents: they add nothing and keep the prior', () => {
    const run = started({ decoder }, 3);
    train(run, 2);
    expect([...evaluated(run, 19, 20).terms]).toEqual([0, 0, 0]);
    expect([...run.state.posterior['theta']!.subarray(57, 60)]).toEqual([1 / 3, 1 / 3, 1 / 3]);
    const only = started({ decoder }, 3, corpusOf([[], []], V));
    train(only, 2);
    expect(evaluated(only, 0, 2).terms.every((x) => x === 0)).toBe(true);
  });

  it('recovers planted topics, in the same way from the same seed, and gives each document to its own', async () => {
    const run = started({ decoder, hidden: 30, rate: 0.01, batch: 50 }, 3, planted(600));
    const { model, state, sums, data, D } = run;
    const options = { iterations: 40, tolerance: 0, softIterations: 0 };
    for await (const _ of fitModel(model, data, cutEvenly(D, model.batch!), state, sums, options));
    const topics = model.readings['probability']!(state);
    const blocks = [0, 1, 2].map((k) => {
      const mass = [0, 1, 2].map((b) => [0, 1, 2, 3].reduce((sum, i) => sum + topics[(4 * b + i) * 3 + k]!, 0));
      expect(mass[0]! + mass[1]! + mass[2]!).toBeCloseTo(1, 12);
      return mass.indexOf(Math.max(...mass));
    });
    expect([...blocks].sort()).toEqual([0, 1, 2]);
    await infer(model, data, [0, D], state);
    const theta = new Float64Array(3);
    let right = 0;
    for (let d = 0; d < D; d++) {
      model.proportions(state, d, theta);
      expect(theta.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      if (d % 20 !== 19 && blocks[theta.indexOf(Math.max(...theta))] === d % 3) right++;
    }
    expect(right).toBeGreaterThan(0.97 * 0.95 * D);
    // The predictor is a distribution over terms that likes a document's own block.
    const predict = model.predictor!(state);
    const probabilities = Array.from({ length: V }, (_, w) => predict(1, w));
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(probabilities.slice(4, 8).reduce((a, b) => a + b)).toBeGreaterThan(0.6);
  }, 60_000);

  it('finds a better bound for new documents with --refine, and more so with more steps', () => {
    const run = started({ decoder }, 3);
    train(run, 4);
    const bounds = [0, 5, 40].map((refine) => {
      const model = createVae(withDefaults(vaeSettings, { hidden: 7, decoder, refine }), run.dims);
      const state = allocateState(model, run.dims, run.D);
      for (const [name, array] of Object.entries(run.state.params)) state.params[name]!.set(array);
      model.derive(state);
      return total(evaluated({ ...run, model, state }, 0, run.D).terms);
    });
    expect(bounds[1]).toBeGreaterThan(bounds[0]!);
    expect(bounds[2]).toBeGreaterThan(bounds[1]!);
  });

  it('has one topic that takes all, and a bound without KL, for K = 1', () => {
    const run = started({ decoder }, 1);
    train(run, 2);
    const { terms, variance } = evaluated(run, 0, run.D);
    expect(terms[1]! + terms[2]!).toBeCloseTo(0, 9);
    expect(variance![0]).toBeLessThan(1e-20);
    expect(run.state.posterior['theta']![0]).toBeCloseTo(1, 12);
  });
});

describe('evaluation', () => {
  it('estimates the bound with the standard error that it states', () => {
    const run = started({ samples: 10 }, 3);
    train(run, 3);
    const { terms, variance } = evaluated(run, 0, run.D);
    const exact = createVae(withDefaults(vaeSettings, { hidden: 7, samples: 4000 }), run.dims);
    const fine = evaluated({ ...run, model: exact }, 0, run.D);
    expect(fine.variance![0]).toBeLessThan(0.005 * variance![0]!);
    const error = Math.sqrt(variance![0]! + fine.variance![0]!);
    expect(Math.abs(total(terms) - total(fine.terms))).toBeLessThan(4 * error);
    expect(Math.abs(total(terms) - total(fine.terms))).toBeGreaterThan(error / 100);
  });

  it('needs nothing but the parameters, so that a loaded model evaluates to the same bits', () => {
    const run = started({}, 3);
    train(run, 3);
    const state = allocateState(run.model, run.dims, run.D);
    for (const [name, array] of Object.entries(run.state.params)) state.params[name]!.set(array);
    run.model.derive(state);
    expect(evaluated({ ...run, state }, 0, run.D).terms).toEqual(evaluated(run, 0, run.D).terms);
    expect(run.model.readings['probability']!(state)).toEqual(run.model.readings['probability']!(run.state));
  });

  it('gives shares of topics that weigh documents by their tokens and sum to 1', () => {
    const run = started({}, 3);
    train(run, 2);
    clear(run.sums);
    run.model.eStep(run.data, 0, run.D, run.state, run.sums, 'cold');
    const shares = run.model.shares(run.sums.statistics);
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    let first = 0;
    for (let d = 0; d < run.D; d++) if (d % 20 !== 19) first += run.state.posterior['theta']![d * 3]!;
    expect(shares[0]).toBeCloseTo(first / (run.D - 3), 12);
  });
});

describe('training', () => {
  it('is a function of the state: a warm E-step repeated gives the same bits, the next step other noise', () => {
    const run = started({}, 3);
    const once = () => {
      clear(run.sums);
      run.model.eStep(run.data, 0, 20, run.state, run.sums, 'warm');
      return [...run.sums.terms];
    };
    const first = once();
    expect(once()).toEqual(first);
    run.state.derived['optimiser']![0]!++;
    expect(once()).not.toEqual(first);
  });

  it('weighs the KL term from 0 during --warm-up', () => {
    const gradients = [0, 5].map((warmUp) => {
      const run = started({ 'warm-up': warmUp, dropout: 0 }, 3);
      run.model.eStep(run.data, 0, 20, run.state, run.sums, 'warm');
      return [...run.sums.statistics['encoderShift']!];
    });
    // At step 0 of a warm-up only the words pull, so the log variances are not held by the prior.
    expect(gradients[0]).not.toEqual(gradients[1]);
  });

  it('stops on held-out documents and returns to the best parameters', async () => {
    const run = started({ rate: 0.05, batch: 20 }, 3, planted(40));
    const held = planted(40, 77);
    const state = withDocuments(run.model, run.dims, run.state, 40);
    const data = run.model.prepare(held, state);
    const score = objectiveOf(run.model, data, [0, 40], state);
    const watch = watchHeldOut(run.model, run.state, score, { from: 1, patience: 3 });
    const seen: number[] = [];
    let stop: string | null = null;
    for await (const iteration of fitModel(run.model, run.data, cutEvenly(40, 20), run.state, run.sums, {
      iterations: 500,
      tolerance: 0,
      softIterations: 0,
      watch,
    })) {
      seen.push(iteration.heldOut!);
      expect(iteration.heldOutError).toBeGreaterThan(0);
      stop = iteration.stop;
    }
    expect(stop).toBe('held-out');
    const again = total(await infer(run.model, data, [0, 40], state));
    expect(again).toBe(Math.max(...seen));
  }, 60_000);

  it.each([
    ['weight1', 'the first hidden layer'],
    ['weight2', 'the second hidden layer'],
    ['weight3', 'the encoder'],
    ['beta', 'the decoder'],
  ])('stops at NaN in %s and names the batch and %s', (name, layer) => {
    const run = started({}, 3);
    run.state.params[name]!.fill(Number.NaN);
    const step = () => run.model.eStep(run.data, 20, 40, run.state, run.sums, 'warm');
    expect(step).toThrow(NumericalError);
    expect(step).toThrow(layer);
    expect(step).toThrow('[20, 40)');
  });
});
