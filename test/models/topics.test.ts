import { describe, expect, it } from 'vitest';
import { expectLogTopics, PLUG_IN, READ_OUTS, type ReadOut, writeReadOut } from '../../src/models/topics.js';

/** Two topics of three terms with prior 0.5: V×K. */
const lambda = Float64Array.of(1, 0.5, 2, 0.5, 3, 9.5);

/** E[log β] of two topics of V terms. */
function logBetaOf(lambda: Float64Array, V: number): Float64Array {
  const logBeta = new Float64Array(2 * V);
  expectLogTopics(lambda, logBeta, V, 2);
  return logBeta;
}

/** Two topics of V terms as points, V×K in rows of `width`. */
function read(lambda: Float64Array, eta: number, by: ReadOut, width = 2, least = 0): Float64Array {
  const V = lambda.length / 2;
  const rows = new Float64Array(V * width);
  writeReadOut({ lambda, logBeta: logBetaOf(lambda, V), eta }, by, { V, K: 2 }, rows, width, least);
  return rows;
}

function topic(by: ReadOut, k: number): number[] {
  return Array.from(read(lambda, 0.5, by).filter((_, i) => i % 2 === k));
}

function shares(weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  found.forEach((p, w) => {
    expect(p).toBeCloseTo(expected[w]!, 13);
  });
}

describe('topics of Dir(λ) are read', () => {
  it('by the posterior mean: λ over its sum', () => {
    expectClose(topic('mean', 0), shares([1, 2, 3]));
  });

  it('by the plug-in: expected counts λ − η with a smoothing of their own', () => {
    expectClose(topic('plug-in', 0), shares([0.5 + PLUG_IN, 1.5 + PLUG_IN, 2.5 + PLUG_IN]));
    expectClose(topic('plug-in', 1), shares([PLUG_IN, PLUG_IN, 9 + PLUG_IN]));
  });

  it('by the plug-in: λ − ½ where η is above ½, as after passes that learned what is above', () => {
    const found = Array.from(read(lambda, 0.51, 'plug-in').filter((_, i) => i % 2 === 0));
    expectClose(found, shares([0.5, 1.5, 2.5]));
  });

  it('by exp(E[log β]): ψ(2) − ψ(1) is 1, ψ(3) − ψ(2) is ½', () => {
    expectClose(topic('exp-log', 0), shares([1, Math.exp(1), Math.exp(1.5)]));
  });

  it.each(READ_OUTS)('with the sum 1 by %s, also where a posterior is next to none', (by) => {
    const rare = Float64Array.of(1e-9, 1e-9, 5, 1e-9);
    const sparse = read(rare, 1e-9, by);
    expect(sparse.every((p) => p >= 0)).toBe(true);
    expectClose([sparse[0]! + sparse[2]!, sparse[1]! + sparse[3]!], [1, 1]);
  });

  it.each(READ_OUTS)('into wider rows, with no less than asked, by %s', (by) => {
    const rows = read(lambda, 0.5, by);
    const most = (at: number) => Math.max(rows[at]!, 0.1);
    expect([...read(lambda, 0.5, by, 3, 0.1)]).toEqual([most(0), most(1), 0, most(2), most(3), 0, most(4), most(5), 0]);
  });
});
