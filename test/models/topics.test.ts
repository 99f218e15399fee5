import { describe, expect, it } from 'vitest';
import { expectLogTopics, PLUG_IN, READ_OUTS, readOut } from '../../src/models/topics.js';

/** Two topics of three terms with prior 0.5: V×K. */
const lambda = Float64Array.of(1, 0.5, 2, 0.5, 3, 9.5);

/** E[log β] of two topics of V terms. */
function logBetaOf(lambda: Float64Array, V: number): Float64Array {
  const logBeta = new Float64Array(2 * V);
  expectLogTopics(lambda, logBeta, V, 2);
  return logBeta;
}

function topic(by: (typeof READ_OUTS)[number], k: number): number[] {
  return Array.from(readOut(lambda, logBetaOf(lambda, 3), 0.5, by, 3, 2).filter((_, i) => i % 2 === k));
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

  it('by exp(E[log β]): ψ(2) − ψ(1) is 1, ψ(3) − ψ(2) is ½', () => {
    expectClose(topic('exp-log', 0), shares([1, Math.exp(1), Math.exp(1.5)]));
  });

  it.each(READ_OUTS)('with the sum 1 by %s, also where a posterior is next to none', (by) => {
    const rare = Float64Array.of(1e-9, 1e-9, 5, 1e-9);
    const sparse = readOut(rare, logBetaOf(rare, 2), 1e-9, by, 2, 2);
    expect(sparse.every((p) => p >= 0)).toBe(true);
    expectClose([sparse[0]! + sparse[2]!, sparse[1]! + sparse[3]!], [1, 1]);
  });
});
