import { expect, test } from 'vitest';
import { cutBlocks } from '../../src/em/blocks.js';
import { type FitOptions, fit, type Iteration } from '../../src/em/fit.js';
import type { Model } from '../../src/em/model.js';
import { allocateState, allocateSums } from '../../src/em/state.js';
import { NumericalError } from '../../src/errors.js';

/**
 * A toy with two terms: `gap` = −(x − 1)²·D, which each M-step quarters by halving the way of x to 1, and `level`.
 * `level` gives its value at the start of the E-step of an iteration (from 1), and after it.
 */
function toy(level: (iteration: number) => [before: number, after: number] = () => [-1, -1]): Model<null> {
  let iteration = 0;
  return {
    name: 'toy',
    objective: 'elbo',
    terms: ['gap', 'level'],
    params: { x: [1] },
    derived: {},
    posterior: { q: [1] },
    statistics: { documents: [1] },
    derive() {},
    globalTerms() {
      iteration++;
    },
    eStep(_data, from, to, state, sums) {
      const gap = -(to - from) * (state.params['x']![0]! - 1) ** 2;
      const [before, after] = from === 0 ? level(iteration) : [0, 0];
      sums.terms[0]! += gap;
      sums.terms[1]! += after;
      sums.statistics!['documents']![0]! += to - from;
      state.posterior['q']!.fill(iteration, from, to);
      return gap + before;
    },
    mStep(state) {
      state.params['x']![0]! = (state.params['x']![0]! + 1) / 2;
    },
  };
}

const DIMS = { V: 1, K: 1 };

async function fitted(model: Model<null>, options: Partial<FitOptions> = {}, blocks = [0, 3, 5]): Promise<Iteration[]> {
  const found: Iteration[] = [];
  const state = allocateState(model, DIMS, 5);
  const all = { iterations: 50, tolerance: 1e-6, softIterations: 0, ...options };
  for await (const iteration of fit(model, null, blocks, state, allocateSums(model, DIMS), all)) found.push(iteration);
  return found;
}

test('a fit stops once an iteration raises the objective by less than the tolerance', async () => {
  const found = await fitted(toy());
  const changes = found.map(({ change }) => change);
  expect(found.at(-1)!.stop).toBe('converged');
  expect(changes[0]).toBeNull();
  expect(changes.at(-1)!).toBeLessThan(1e-6);
  for (const change of changes.slice(1, -1)) expect(change!).toBeGreaterThanOrEqual(1e-6);
  expect(found.slice(0, -1).every(({ stop }) => stop === null)).toBe(true);
});

test('a fit stops at its iterations, and while soft it does not converge', async () => {
  const short = await fitted(toy(), { iterations: 4 });
  expect(short.map(({ iteration, stop }) => [iteration, stop])).toEqual([
    [1, null],
    [2, null],
    [3, null],
    [4, 'iterations'],
  ]);
  const soft = await fitted(toy(), { softIterations: 40 });
  expect(soft.at(-1)).toMatchObject({ iteration: 41, stop: 'converged' });
});

test('an iteration is seen after its E-step and before the M-step', async () => {
  const model = toy();
  const state = allocateState(model, DIMS, 5);
  const sums = allocateSums(model, DIMS);
  const options = { iterations: 3, tolerance: 0, softIterations: 0 };
  const seen: number[][] = [];
  for await (const { iteration, objective, terms } of fit(model, null, [0, 2, 5], state, sums, options)) {
    seen.push([iteration, state.params['x']![0]!, state.posterior['q']![4]!, sums.statistics['documents']![0]!]);
    expect(objective).toBe(terms[0]! + terms[1]!);
    expect(terms[0]).toBe(-5 * (state.params['x']![0]! - 1) ** 2);
  }
  expect(seen).toEqual([
    [1, 0, 1, 5],
    [2, 0.5, 2, 5],
    [3, 0.75, 3, 5],
  ]);
});

test('a fall of the objective names the step and the term that fell most', async () => {
  const inMStep = toy((iteration) => (iteration < 3 ? [-1, -1] : [-9, -9]));
  await expect(fitted(inMStep)).rejects.toThrow(
    /^the elbo of toy fell from -2\.25 to -9\.3125 in the M-step of iteration 2; the term that fell most is level, from -1 to -9$/,
  );
  const inEStep = toy((iteration) => (iteration < 3 ? [-1, -1] : [-1, -9]));
  const error = await fitted(inEStep).catch((error) => error);
  expect(error).toBeInstanceOf(NumericalError);
  expect(error.message).toContain('in the E-step of iteration 3; the term that fell most is level');
});

test('with the incremental schedule a fall names the iteration, and the last one ends with an M-step', async () => {
  const model = toy();
  let iteration = 0;
  const incremental: Model<null> = {
    ...model,
    schedule: 'incremental',
    expectedTerms({ params }, _statistics, terms) {
      iteration++;
      terms[0] = -5 * (params['x']![0]! - 1) ** 2;
      terms[1] = iteration < 3 ? -1 : -9;
    },
  };
  const state = allocateState(model, DIMS, 5);
  const seen: number[][] = [];
  const options = { iterations: 50, tolerance: 0, softIterations: 0 };
  const run = async () => {
    for await (const { objective } of fit(incremental, null, [0, 3, 5], state, allocateSums(model, DIMS), options))
      seen.push([objective, state.params['x']![0]!]);
  };
  await expect(run()).rejects.toThrow(
    /^the elbo of toy fell from .* in the steps of iteration 3; the term that fell most is level, from -1 to -9$/,
  );
  // one M-step in the first pass, one after each of two blocks in the second
  expect(seen).toEqual([
    [-1 - 5 / 4, 1 / 2],
    [-1 - 5 / 64, 7 / 8],
  ]);
});

test('a fall within rounding is none', async () => {
  const rounding = toy((iteration) => [-1e6, -1e6 - (iteration >= 40 ? 1e-6 : 0)]);
  expect((await fitted(rounding, { tolerance: -1, iterations: 45 })).at(-1)!.stop).toBe('iterations');
});

test('an objective that is not a number stops the fit and shows its terms', async () => {
  const broken = toy((iteration) => (iteration < 2 ? [-1, -1] : [Number.NaN, Number.NaN]));
  await expect(fitted(broken)).rejects.toThrow(/^elbo of toy is NaN at iteration 2: gap -1\.25, level NaN$/);
});

test('blocks are cut by the data: each but the last holds about the size asked for', () => {
  const rowStart = Uint32Array.of(0, 3, 3, 10, 11, 12, 30);
  expect(cutBlocks(rowStart, 5)).toEqual([0, 3, 6]);
  expect(cutBlocks(rowStart, 1)).toEqual([0, 1, 3, 4, 5, 6]);
  expect(cutBlocks(rowStart)).toEqual([0, 6]);
  expect(cutBlocks(Uint32Array.of(0))).toEqual([0]);
});
