import { expect, test } from 'vitest';
import { patienceFor, watchHeldOut } from '../../src/em/held-out.js';
import type { Model, State } from '../../src/em/model.js';
import { NumericalError } from '../../src/errors.js';

/** A fit whose parameter is the number of its iteration, watched with these scores. */
function watched(scores: readonly number[], patience: Parameters<typeof watchHeldOut>[3]) {
  const state: State = { params: { x: new Float64Array(1) }, derived: {}, posterior: { q: new Float64Array(1) } };
  let derived = 0;
  const model = { name: 'toy', derive: () => derived++ } as unknown as Model<null>;
  let next = 0;
  const watch = watchHeldOut(model, state, async () => ({ score: scores[next++]!, error: null }), patience);
  const see = async (iteration: number) => {
    state.params['x']![0] = iteration;
    state.posterior['q']![0] = -iteration;
    const { isPast } = await watch.see(iteration);
    if (!isPast) watch.keep();
    return isPast;
  };
  return { watch, see, state, timesDerived: () => derived };
}

test('a fit is past its best after so many iterations without a rise, and returns to it', async () => {
  const { watch, see, state, timesDerived } = watched([1, 3, 2, 2.9, 0], { from: 1, patience: 2 });
  expect([await see(1), await see(2), await see(3), await see(4)]).toEqual([false, false, false, true]);
  expect(watch.restore()).toBe(2);
  expect([state.params['x']![0], state.posterior['q']![0], timesDerived()]).toEqual([2, -2, 1]);
});

test('a fit that ends at its best stays as it is', async () => {
  const { watch, see, state, timesDerived } = watched([1, 2, 3, 3.1], { from: 1, patience: 1, gain: 0.5 });
  expect([await see(1), await see(2), await see(3), await see(4)]).toEqual([false, false, false, true]);
  expect(watch.restore()).toBe(4);
  expect([state.params['x']![0], state.posterior['q']![0], timesDerived()]).toEqual([4, -4, 0]);
});

test('scores before the first that counts are forgotten', async () => {
  const { watch, see } = watched([9, 1, 2], { from: 2, patience: 5 });
  for (const iteration of [1, 2, 3]) await see(iteration);
  expect(watch.restore()).toBe(3);
});

test('a rise smaller than the gain is not waited for, but kept', async () => {
  const { watch, see } = watched([1, 1.5, 1.6], { from: 5, patience: 5, gain: 0.2 });
  expect([await see(5), await see(10), await see(15)]).toEqual([false, false, true]);
  expect(watch.restore()).toBe(15);
});

test('a score of few tokens is waited for longer, thrice as long at most', () => {
  const waits = (tokens: number) => patienceFor({ from: 3, patience: 4, enoughFor: 1000 }, tokens).patience;
  expect([5000, 1000, 999, 400, 334, 3].map(waits)).toEqual([4, 4, 8, 12, 12, 12]);
  for (const tokens of [0, 1])
    expect(patienceFor({ from: 1, patience: 5, gain: 0.1 }, tokens)).toEqual({ from: 1, patience: 5, gain: 0.1 });
});

test('what follows a stage is waited for with its own patience, from the best so far', async () => {
  for (const [scores, isPast] of [
    [
      [10.1, 10.3],
      [false, false],
    ],
    [
      [9.9, 10.1],
      [false, true],
    ],
  ] as const) {
    const { watch, see } = watched([10, ...scores], { from: 5, patience: 5 });
    await see(5);
    watch.renew(5, { patience: 2, gain: 0.2 });
    expect([await see(6), await see(7)]).toEqual(isPast);
    expect(watch.restore()).toBe(7);
  }
});

test('a score that is not a number ends the fit', async () => {
  await expect(watched([Number.NaN], { from: 1, patience: 1 }).see(1)).rejects.toThrow(NumericalError);
});
