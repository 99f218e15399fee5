import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as special from '../../src/math/special.js';

const { exp, log, log1p, expm1, pow, digamma, expDigamma, trigamma, lgamma, logSumExp } = special;

/** Made by test/fixtures/make/special.py: arguments, then correctly rounded values. */
const tables: Record<string, (number | string)[][]> = JSON.parse(
  readFileSync(new URL('../fixtures/special.json', import.meta.url), 'utf8'),
);

/** [arguments, value] of one column of a table, ±∞ read from its name. */
function table(name: string, column = -1, count = 1): [number[], number][] {
  return tables[name]!.map((row) => [row.slice(0, count).map(Number), Number(row.at(column))]);
}

/** The distance to the next larger double of a finite number. */
function ulp(value: number): number {
  const double = Float64Array.of(Math.abs(value));
  new BigInt64Array(double.buffer)[0]! += 1n;
  return double[0]! - Math.abs(value);
}

type Scale = (want: number, x: number) => number;

/** The largest |f(x) − want| / scale of a table, with where it is; a wrong ∞ or NaN counts as ∞. */
function worst(
  f: (...xs: number[]) => number,
  points: [number[], number][],
  scale: Scale,
): { error: number; at: number[] } {
  let result = { error: 0, at: [] as number[] };
  for (const [xs, want] of points) {
    const got = f(...xs);
    const error = Object.is(got, want) || got === want ? 0 : Math.abs(got - want) / scale(want, xs[0]!);
    if (!(error <= result.error)) result = { error: Number.isNaN(error) ? Infinity : error, at: xs };
  }
  return result;
}

const relative: Scale = (want) => Math.abs(want);
/** Relative, but absolute where the value is below 1, that is about a zero. */
const aboutZeros: Scale = (want) => Math.max(1, Math.abs(want));

const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
const moderate = fc.double({ min: -300, max: 300, noNaN: true });

function near(got: number, want: number, tolerance: number): void {
  expect(Math.abs(got - want), `${got} against ${want}`).toBeLessThanOrEqual(tolerance);
}

describe('elementary functions', () => {
  it.each([
    ['exp', exp, 1],
    ['log', log, 1],
    ['log1p', log1p, 2],
    ['expm1', expm1, 2],
  ] as const)('%s agrees with the table to %3$s ulp', (name, f, ulps) => {
    expect(tables[name]!.length).toBeGreaterThan(150);
    expect(worst(f, table(name), ulp).error).toBeLessThanOrEqual(ulps);
  });

  it('pow agrees with the table to 2.2e-16 (1 + |y log x|)', () => {
    for (const [[x, y], want] of table('pow', -1, 2)) {
      near(pow(x!, y!), want, 2.2e-16 * (1 + Math.abs(y! * Math.log(x!))) * want);
    }
  });

  it('exp ends at infinity, zero and the subnormal numbers', () => {
    expect(exp(709.782712893384)).toBeLessThan(Infinity);
    expect(exp(709.7827128933841)).toBe(Infinity);
    expect(exp(Infinity)).toBe(Infinity);
    expect(exp(-745.1332191019411)).toBe(5e-324);
    expect(exp(-745.1332191019413)).toBe(0);
    expect(exp(-Infinity)).toBe(0);
    expect(exp(Number.NaN)).toBeNaN();
    expect([exp(0), exp(-0), exp(1e-300)]).toEqual([1, 1, 1]);
  });

  it('log takes zero to minus infinity, a negative number to NaN and 1 to 0', () => {
    expect([log(0), log(-0), log(Infinity), log(1)]).toEqual([-Infinity, -Infinity, Infinity, 0]);
    expect(log(-1e-300)).toBeNaN();
    expect(log(-Infinity)).toBeNaN();
    expect(log(Number.NaN)).toBeNaN();
  });

  it('log1p and expm1 keep their limits and their tiny arguments', () => {
    expect([log1p(-1), log1p(Infinity), log1p(1e-300), log1p(0)]).toEqual([-Infinity, Infinity, 1e-300, 0]);
    expect(log1p(-1.1)).toBeNaN();
    expect([expm1(-Infinity), expm1(-1e5), expm1(Infinity), expm1(1e-300), expm1(0)]).toEqual([
      -1,
      -1,
      Infinity,
      1e-300,
      0,
    ]);
    expect(expm1(Number.NaN)).toBeNaN();
  });

  it('pow is exact at exponents 0 and 1 and takes 0 to 0 or infinity', () => {
    expect([pow(7, 0), pow(0, 0), pow(1.1, 1), pow(1, -300), pow(0, 2), pow(0, -2)]).toEqual([
      1,
      1,
      1.1,
      1,
      0,
      Infinity,
    ]);
  });

  it('exp undoes log to the rounding of the logarithm', () => {
    fc.assert(fc.property(moderate, (y) => near(log(exp(y)), y, 3e-16 * Math.max(1, Math.abs(y)))));
  });

  it('exp and log are monotone between neighbouring doubles at the seams of their reduction', () => {
    for (let k = -60; k <= 60; k++) {
      const seam = (k + 0.5) * Math.LN2;
      const step = ulp(seam);
      for (let i = -20; i < 20; i++) {
        expect(exp(seam + (i + 1) * step)).toBeGreaterThanOrEqual(exp(seam + i * step));
        const x = Math.SQRT1_2 * 2 ** k;
        expect(log(x + (i + 1) * ulp(x))).toBeGreaterThanOrEqual(log(x + i * ulp(x)));
      }
    }
  });

  it('gives the same bits as on the day it was written', () => {
    const bits = new DataView(new ArrayBuffer(8));
    let hash = 0;
    const take = (value: number) => {
      bits.setFloat64(0, value);
      hash = (Math.imul(hash ^ bits.getInt32(0), 0x01000193) + bits.getInt32(4)) | 0;
    };
    for (let i = 1; i <= 5000; i++) {
      const x = (i * i) / 4096;
      for (const f of [log, digamma, expDigamma, trigamma, lgamma, log1p]) take(f(x));
      take(exp(i / 8 - 300));
      take(expm1(i / 512 - 4));
    }
    expect(hash).toBe(100344503);
  });
});

describe('gamma functions', () => {
  const gamma = (column: number) => table('gamma', column);

  it('digamma agrees with the table to 1.5e-15, absolutely where it is below 1', () => {
    expect(worst(digamma, gamma(1), aboutZeros).error).toBeLessThanOrEqual(1.5e-15);
  });

  it('digamma agrees with the table to 1e-14 relative away from its zero', () => {
    const points = gamma(1).filter(([[x]]) => Math.abs(x! - 1.46163) > 0.1);
    expect(points.length).toBeGreaterThan(500);
    expect(worst(digamma, points, relative).error).toBeLessThanOrEqual(1e-14);
  });

  it('trigamma agrees with the table to 8e-16 relative', () => {
    expect(worst(trigamma, gamma(2), relative).error).toBeLessThanOrEqual(8e-16);
  });

  it('lgamma agrees with the table to 1e-15 relative, at its zeros as well', () => {
    expect(worst(lgamma, gamma(3), relative).error).toBeLessThanOrEqual(1e-15);
  });

  it('expDigamma agrees with the table to 1.5e-15 relative from 1 up and 5e-16 (3 + 1/x) below', () => {
    const scale: Scale = (want, x) => Math.max(Number.MIN_VALUE * 2 ** 52, want * (x < 1 ? (3 + 1 / x) / 3 : 1));
    expect(worst(expDigamma, gamma(4), scale).error).toBeLessThanOrEqual(1.5e-15);
  });

  it('digamma(x + 1) = digamma(x) + 1/x', () => {
    fc.assert(fc.property(positive, (x) => near(digamma(x + 1), digamma(x) + 1 / x, 5e-15 * (1 + 1 / x))));
  });

  it('trigamma(x + 1) = trigamma(x) - 1/x^2', () => {
    fc.assert(
      fc.property(positive, (x) => near(trigamma(x + 1), trigamma(x) - 1 / (x * x), 3e-15 * (1 + 1 / (x * x)))),
    );
  });

  it('lgamma(x + 1) = lgamma(x) + log x', () => {
    fc.assert(
      fc.property(positive, (x) =>
        near(lgamma(x + 1), lgamma(x) + log(x), 2e-15 * (1 + Math.abs(lgamma(x)) + log(1 + x))),
      ),
    );
  });

  it('lgamma(2x) follows from lgamma(x) and lgamma(x + 1/2) by Legendre duplication', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const want = (2 * x - 1) * Math.LN2 - 0.5 * Math.log(Math.PI) + lgamma(x) + lgamma(x + 0.5);
        near(lgamma(2 * x), want, 5e-15 * (2 + Math.abs(lgamma(2 * x)) + 2 * x));
      }),
    );
  });

  it('expDigamma is the exponential of digamma', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const want = exp(digamma(x));
        near(expDigamma(x), want, 1e-15 * want * (5 + Math.abs(digamma(x))) + 1e-300);
      }),
    );
  });

  it('has its limits at 0, at infinity, and NaN below 0', () => {
    const at = (x: number) => [digamma(x), expDigamma(x), trigamma(x), lgamma(x)];
    expect(at(0)).toEqual([-Infinity, 0, Infinity, Infinity]);
    expect(at(Infinity)).toEqual([Infinity, Infinity, 0, Infinity]);
    expect(at(-0.5)).toEqual([NaN, NaN, NaN, NaN]);
    expect(at(Number.NaN)).toEqual([NaN, NaN, NaN, NaN]);
    expect(expDigamma(1e-4)).toBe(0);
    expect([lgamma(1), lgamma(2)].map(Math.abs)).toEqual([0, 0]);
  });
});

describe('logSumExp', () => {
  it('does not overflow or underflow', () => {
    near(logSumExp([1000, 1000]), 1000 + Math.LN2, 1e-12);
    near(logSumExp([-1000, -1000, -1000]), -1000 + Math.log(3), 1e-12);
  });

  it('shifts with its values', () => {
    const values = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, moderate, (v, by) => near(logSumExp(v.map((x) => x + by)), logSumExp(v) + by, 1e-12)),
    );
  });

  it('sums only the range it is given', () => {
    near(logSumExp([50, 1, 2, 50], 1, 3), Math.log(Math.E + Math.E ** 2), 1e-14);
  });

  it('is minus infinity of nothing and of minus infinities, infinity of an infinity, and NaN of a NaN', () => {
    expect(logSumExp([])).toBe(-Infinity);
    expect(logSumExp([-Infinity, -Infinity])).toBe(-Infinity);
    expect(logSumExp([1, Infinity])).toBe(Infinity);
    expect(logSumExp([1, NaN, 2])).toBeNaN();
  });
});
