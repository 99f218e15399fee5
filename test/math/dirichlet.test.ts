import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expectLog,
  GREATEST_PRIOR,
  kl,
  klSymmetric,
  LEAST_PRIOR,
  learnPrior,
  learnSymmetricPrior,
  logNormaliser,
} from '../../src/math/dirichlet.js';
import { digamma, exp, lgamma, log } from '../../src/math/special.js';

const parameter = fc.double({ min: -5, max: 6, noNaN: true }).map(exp);
const parameters = fc.array(parameter, { minLength: 2, maxLength: 12 }).map((a) => Float64Array.from(a));
const pair = fc
  .array(fc.tuple(parameter, parameter), { minLength: 2, maxLength: 12 })
  .map((a) => [Float64Array.from(a, ([q]) => q), Float64Array.from(a, ([, p]) => p)] as const);

function expectedLog(alpha: ArrayLike<number>): Float64Array {
  const out = new Float64Array(alpha.length);
  expectLog(Float64Array.from(alpha), 0, alpha.length, out, 0);
  return out;
}

function objective(alpha: Float64Array, meanLog: Float64Array): number {
  return alpha.reduce((sum, a, k) => sum + (a - 1) * meanLog[k]!, logNormaliser(alpha, 0, alpha.length));
}

/** The size of the terms an objective is made of, whose rounding it carries. */
function rounding(alpha: Float64Array, meanLog: Float64Array): number {
  const total = alpha.reduce((sum, a) => sum + a, 0);
  const terms = alpha.reduce((sum, a, k) => sum + Math.abs(lgamma(a)) + Math.abs((a - 1) * meanLog[k]!), 1);
  return 1e-14 * (terms + Math.abs(lgamma(total)));
}

describe('expectLog', () => {
  it('writes digamma(gamma_k) - digamma(sum) at its offsets and nowhere else', () => {
    const out = new Float64Array(4).fill(9);
    expectLog(Float64Array.of(7, 1, 2, 3, 7), 1, 3, out, 1);
    expect([...out]).toEqual([9, digamma(1) - digamma(6), digamma(2) - digamma(6), digamma(3) - digamma(6)]);
  });

  it('is the gradient of minus the log normaliser', () => {
    fc.assert(
      fc.property(parameters, (a) => {
        const meanLog = expectedLog(a);
        const h = 1e-5 * a[0]!;
        const [up, down] = [a.slice(), a.slice()];
        up[0]! += h;
        down[0]! -= h;
        const slope = (logNormaliser(down, 0, a.length) - logNormaliser(up, 0, a.length)) / (2 * h);
        const scale = Math.abs(meanLog[0]!) + (1 + Math.abs(logNormaliser(a, 0, a.length))) / a[0]!;
        expect(Math.abs(slope - meanLog[0]!)).toBeLessThan(1e-6 * scale);
      }),
    );
  });
});

describe('logNormaliser', () => {
  it('is log (K - 1)! for the uniform Dirichlet, at any offset', () => {
    expect(logNormaliser(Float64Array.of(5, 1, 1, 1, 1, 5), 1, 4)).toBeCloseTo(Math.log(6), 14);
  });

  it('is minus the log of the beta function for two components', () => {
    expect(logNormaliser(Float64Array.of(2.5, 1.5), 0, 2)).toBeCloseTo(-Math.log(Math.PI / 16), 13);
  });
});

describe('kl', () => {
  const textbook = (q: Float64Array, p: Float64Array) => {
    const meanLog = expectedLog(q);
    const K = q.length;
    return q.reduce((sum, a, k) => sum + (a - p[k]!) * meanLog[k]!, logNormaliser(q, 0, K) - logNormaliser(p, 0, K));
  };

  it('agrees with E_q[log q] - E_q[log p]', () => {
    fc.assert(
      fc.property(pair, ([q, p]) => {
        const tolerance = rounding(q, expectedLog(q)) + rounding(p, expectedLog(q));
        expect(Math.abs(kl(q, 0, p, 0, q.length) - textbook(q, p))).toBeLessThan(tolerance);
      }),
    );
  });

  it('agrees with the integral for two beta distributions', () => {
    const [q, p] = [Float64Array.of(3, 4), Float64Array.of(2, 6)];
    const density = (a: Float64Array, x: number) =>
      exp(logNormaliser(a, 0, 2)) * x ** (a[0]! - 1) * (1 - x) ** (a[1]! - 1);
    let integral = 0;
    const steps = 20000;
    for (let i = 0; i < steps; i++) {
      const x = (i + 0.5) / steps;
      integral += (density(q, x) * Math.log(density(q, x) / density(p, x))) / steps;
    }
    expect(kl(q, 0, p, 0, 2)).toBeCloseTo(integral, 7);
  });

  it('is never below zero beyond rounding', () => {
    fc.assert(
      fc.property(pair, ([q, p]) => {
        expect(kl(q, 0, p, 0, q.length)).toBeGreaterThan(-rounding(q, expectedLog(q)) - rounding(p, expectedLog(q)));
      }),
    );
  });

  it('is exactly zero at equality and above zero elsewhere', () => {
    fc.assert(fc.property(parameters, (q) => void expect(kl(q, 0, q.slice(), 0, q.length)).toBe(0)));
    expect(kl(Float64Array.of(1, 1), 0, Float64Array.of(1, 1.001), 0, 2)).toBeGreaterThan(1e-8);
  });

  it('reads at its offsets', () => {
    const [q, p] = [Float64Array.of(9, 1, 2), Float64Array.of(9, 9, 3, 4)];
    expect(kl(q, 1, p, 2, 2)).toBe(kl(Float64Array.of(1, 2), 0, Float64Array.of(3, 4), 0, 2));
  });

  it('agrees with its symmetric variant', () => {
    fc.assert(
      fc.property(parameters, parameter, (q, a) => {
        const p = new Float64Array(q.length).fill(a);
        const padded = Float64Array.of(1, ...q, 1);
        expect(klSymmetric(padded, 1, q.length, a)).toBe(kl(q, 0, p, 0, q.length));
      }),
    );
  });
});

describe('learnPrior', () => {
  it.each([
    ['moderate', [0.5, 2, 3]],
    ['uneven', [0.01, 0.3, 40, 5, 0.1]],
    ['small', [0.001, 0.002, 0.02]],
    ['large', [300, 200, 100, 150]],
  ])('recovers a %s prior from its exact expectation', (_, truth) => {
    for (const start of [0.01, 1, 50]) {
      const alpha = new Float64Array(truth.length).fill(start);
      learnPrior(alpha, expectedLog(truth), 10);
      for (const [k, a] of truth.entries()) expect(Math.abs(alpha[k]! / a - 1)).toBeLessThan(1e-5);
    }
  });

  it('ends where finite differences of the objective vanish', () => {
    const meanLog = Float64Array.of(-1.2, -3, -0.9, -8);
    const alpha = new Float64Array(4).fill(1);
    learnPrior(alpha, meanLog, 3);
    for (let k = 0; k < 4; k++) {
      const h = 1e-4 * alpha[k]!;
      const [up, down] = [alpha.slice(), alpha.slice()];
      up[k]! += h;
      down[k]! -= h;
      expect(Math.abs((objective(up, meanLog) - objective(down, meanLog)) / (2 * h)) * alpha[k]!).toBeLessThan(1e-6);
      expect(objective(up, meanLog)).toBeLessThan(objective(alpha, meanLog));
      expect(objective(down, meanLog)).toBeLessThan(objective(alpha, meanLog));
    }
  });

  it('never lowers the objective, and stays finite and in bounds, whatever the means', () => {
    const case_ = fc.array(fc.tuple(parameter, fc.double({ min: -12, max: 12, noNaN: true })), {
      minLength: 2,
      maxLength: 10,
    });
    fc.assert(
      fc.property(case_, (rows) => {
        const given = Float64Array.from(rows, ([a]) => a);
        const meanLog = Float64Array.from(rows, ([, m]) => -exp(m));
        const alpha = given.slice();
        learnPrior(alpha, meanLog, 2);
        const slack = rounding(given, meanLog) + rounding(alpha, meanLog);
        expect(objective(alpha, meanLog)).toBeGreaterThanOrEqual(objective(given, meanLog) - slack);
        for (const a of alpha) expect(a >= LEAST_PRIOR && a <= GREATEST_PRIOR).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the same optimum from every start', () => {
    fc.assert(
      fc.property(parameters, parameters, (truth, starts) => {
        const alpha = truth.map((_, k) => starts[k % starts.length]!);
        learnPrior(alpha, expectedLog(truth), 1);
        expect(objective(alpha, expectedLog(truth))).toBeGreaterThanOrEqual(
          objective(truth, expectedLog(truth)) - 1e-10 - 10 * rounding(truth, expectedLog(truth)),
        );
      }),
    );
  });

  it('goes to the lower bound under extremely negative means, minus infinity among them', () => {
    const alpha = Float64Array.of(1, 1, 1);
    learnPrior(alpha, Float64Array.of(-1e300, -Infinity, -1), 5);
    expect([...alpha.slice(0, 2)]).toEqual([LEAST_PRIOR, LEAST_PRIOR]);
    expect(alpha[2]! >= LEAST_PRIOR && alpha[2]! <= GREATEST_PRIOR).toBe(true);
  });

  it('still finds the optimum of the others while a bound holds one', () => {
    const means = [-1e9, -1.2, -0.9, -3];
    const alpha = Float64Array.of(3, 1, 1, 1);
    learnPrior(alpha, Float64Array.from(means), 5);
    const total = alpha.reduce((sum, a) => sum + a, 0);
    expect(alpha[0]).toBe(LEAST_PRIOR);
    for (const k of [1, 2, 3]) expect(Math.abs(digamma(total) - digamma(alpha[k]!) + means[k]!)).toBeLessThan(1e-6);
  });

  it('grows evenly when every draw is uniform', () => {
    const alpha = Float64Array.of(1, 1, 1, 1);
    learnPrior(alpha, new Float64Array(4).fill(-Math.log(4)), 5);
    expect(new Set(alpha).size).toBe(1);
    expect(alpha[0]).toBeGreaterThan(1e3);
    expect(alpha[0]).toBeLessThanOrEqual(GREATEST_PRIOR);
  });

  it('leaves a single component and an empty sample alone', () => {
    const one = Float64Array.of(0.3);
    learnPrior(one, Float64Array.of(-2), 5);
    expect([...one]).toEqual([0.3]);
    const two = Float64Array.of(0.3, 0.4);
    learnPrior(two, Float64Array.of(-2, -1), 0);
    expect([...two]).toEqual([0.3, 0.4]);
  });
});

describe('learnSymmetricPrior', () => {
  const at = (a: number, K: number, mean: number) => lgamma(K * a) - K * lgamma(a) + (a - 1) * mean;

  it('recovers a prior from its exact expectation', () => {
    for (const K of [2, 10, 5000]) {
      for (const truth of [0.002, 0.1, 1, 30]) {
        const mean = K * (digamma(truth) - digamma(K * truth));
        for (const start of [1e-4, 1, 100]) {
          expect(Math.abs(learnSymmetricPrior(start, K, mean, 7) / truth - 1)).toBeLessThan(1e-5);
        }
      }
    }
  });

  it('never lowers the objective, and stays in bounds, whatever the mean', () => {
    fc.assert(
      fc.property(
        parameter,
        fc.integer({ min: 2, max: 1000 }),
        fc.double({ min: -5, max: 18, noNaN: true }),
        (a, K, m) => {
          const found = learnSymmetricPrior(a, K, -exp(m), 3);
          expect(found >= LEAST_PRIOR && found <= GREATEST_PRIOR).toBe(true);
          const size = Math.abs(lgamma(K * found)) + K * Math.abs(lgamma(found)) + exp(m) * (found + a);
          expect(at(found, K, -exp(m))).toBeGreaterThanOrEqual(at(a, K, -exp(m)) - 1e-14 * size);
        },
      ),
    );
  });

  it('agrees with the vector learner on equal means', () => {
    const alpha = new Float64Array(6).fill(0.7);
    learnPrior(alpha, new Float64Array(6).fill(-3), 1);
    expect(learnSymmetricPrior(5, 6, -18, 1)).toBeCloseTo(alpha[0]!, 6);
  });

  it('goes to its bounds at the extremes and leaves what it cannot learn', () => {
    expect(learnSymmetricPrior(1, 5, -Infinity, 1)).toBe(LEAST_PRIOR);
    expect(learnSymmetricPrior(1, 5, -5 * log(5) + 1, 1)).toBe(GREATEST_PRIOR);
    expect(learnSymmetricPrior(0.3, 1, -5, 1)).toBe(0.3);
    expect(learnSymmetricPrior(0.3, 5, -20, 0)).toBe(0.3);
  });
});
