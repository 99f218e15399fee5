import { describe, expect, it } from 'vitest';
import { random, randomFromState } from '../../src/math/random.js';
import { digamma, lgamma, trigamma } from '../../src/math/special.js';

const words = (...state: number[]) => Int32Array.from(state);
const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw);

function moments(values: number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1) };
}

/** Pearson's statistic, as standard deviations from its mean under the hypothesis. */
function chiSquare(counts: number[], expected: number[]): number {
  const statistic = counts.reduce((sum, n, i) => sum + (n - expected[i]!) ** 2 / expected[i]!, 0);
  return (statistic - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1));
}

describe('xoshiro128**', () => {
  it('gives the numbers of the C program from state 1, 2, 3, 4', () => {
    const { next } = randomFromState(words(1, 2, 3, 4));
    expect(draws(12, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804, 337829053,
      2142557243,
    ]);
    for (let i = 12; i < 1000000; i++) next();
    expect(next()).toBe(3175353485);
  });

  it('gives the published numbers of an independent test (edorfaus/xoshiro-6502)', () => {
    const { next } = randomFromState(words(0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0));
    expect(draws(4, next)).toEqual([0xf1391922, 0x6fe53806, 0xa5be2840, 0xf510ee70]);
  });
});

describe('seeds and streams', () => {
  it('give the draws they have always given', () => {
    const r = random(2024);
    const golden = [
      draws(4, r.next),
      draws(2, r.uniform),
      draws(3, () => r.integer(1000)),
      draws(3, r.normal),
      [r.gamma(0.3), r.gamma(5), r.logGamma(1e-3)],
      [r.poisson(3), r.poisson(300)],
      draws(3, random(2024, 1).next),
      draws(3, random(2 ** 53 - 1, 2 ** 53 - 1).next),
    ];
    expect(golden).toEqual([
      [2721413003, 1852479046, 2038456960, 2634630902],
      [0.34072390973719546, 0.6250370730891353],
      [217, 763, 975],
      [-0.6312676598847091, -0.6835117095806923, 0.047163529586119586],
      [0.088410728709746, 4.37968578291039, -2391.9696199732193],
      [2, 277],
      [1066475710, 1724562960, 3982407807],
      [1944207738, 989149654, 599447198],
    ]);
  });

  it('are the same when the same and different when any differs', () => {
    const first = (seed: number, stream?: number) => draws(4, random(seed, stream).next).join();
    expect(first(5)).toBe(first(5, 0));
    expect(first(5, 3)).toBe(first(5, 3));
    const all = new Set<string>();
    for (let seed = 0; seed < 40; seed++) for (let stream = 0; stream < 40; stream++) all.add(first(seed, stream));
    expect(all.size).toBe(1600);
  });

  it('are unlike each other in neighbouring streams', () => {
    const [a, b] = [random(1, 0), random(1, 1)];
    const product = moments(draws(20000, () => (a.uniform() - 0.5) * (b.uniform() - 0.5)));
    expect(Math.abs(product.mean) / Math.sqrt(product.variance / 20000)).toBeLessThan(4);
  });

  it.each([-1, 0.5, NaN, 2 ** 53])('refuse %s', (seed) => {
    expect(() => random(seed)).toThrow(`random seed is ${seed}; expected an integer from 0 to 2^53 - 1`);
    expect(() => random(1, seed)).toThrow('random stream');
  });
});

describe('draws', () => {
  it('uniform fills [0, 1) evenly, in both its halves of bits', () => {
    const r = random(11);
    const [coarse, fine] = [new Array<number>(64).fill(0), new Array<number>(64).fill(0)];
    for (let i = 0; i < 64000; i++) {
      const u = r.uniform();
      expect(u >= 0 && u < 1).toBe(true);
      coarse[Math.floor(u * 64)]!++;
      fine[(u * 2 ** 53) % 64]!++;
    }
    for (const counts of [coarse, fine])
      expect(
        Math.abs(
          chiSquare(
            counts,
            counts.map(() => 1000),
          ),
        ),
      ).toBeLessThan(4);
  });

  it('integer is even and without bias at a bound that does not divide 2^32', () => {
    const r = random(12);
    const counts = new Array<number>(3).fill(0);
    const bound = 3 * 2 ** 30;
    for (let i = 0; i < 30000; i++) counts[Math.floor(r.integer(bound) / 2 ** 30)]!++;
    expect(Math.abs(chiSquare(counts, [10000, 10000, 10000]))).toBeLessThan(4);
    expect(draws(20, () => r.integer(1))).toEqual(new Array(20).fill(0));
    expect(() => r.integer(0)).toThrow(RangeError);
  });

  it('normal has the moments and the tails of the normal distribution', () => {
    const values = draws(100000, random(13).normal);
    const { mean, variance } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(100000));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / 100000));
    const beyond = values.filter((x) => Math.abs(x) > 1.959963984540054).length;
    expect(Math.abs(beyond - 5000)).toBeLessThan(4 * Math.sqrt(100000 * 0.05 * 0.95));
  });

  it.each([0.01, 0.1, 0.5, 1, 1.5, 10, 100])('gamma of shape %d has its mean, variance and mean logarithm', (shape) => {
    const r = random(14);
    const count = 100000;
    const { mean, variance } = moments(draws(count, () => r.gamma(shape)));
    expect(Math.abs(mean - shape)).toBeLessThan(4 * Math.sqrt(shape / count));
    const ofVariance = Math.sqrt((2 * shape ** 2 + 6 * shape) / count);
    expect(Math.abs(variance - shape)).toBeLessThan(4 * ofVariance);
    const logs = moments(draws(count, () => r.logGamma(shape)));
    expect(Math.abs(logs.mean - digamma(shape))).toBeLessThan(4 * Math.sqrt(trigamma(shape) / count));
    expect(Math.abs(logs.variance / trigamma(shape) - 1)).toBeLessThan(0.04);
  });

  it('logGamma stays finite where gamma underflows', () => {
    const r = random(15);
    for (const shape of [1e-3, 1e-10, 1e-300])
      expect(draws(100, () => r.logGamma(shape)).every(Number.isFinite)).toBe(true);
    expect(r.logGamma(0)).toBe(-Infinity);
    expect(r.logGamma(-1)).toBeNaN();
  });

  it('dirichlet has its means and variances', () => {
    const r = random(16);
    const alpha = [0.2, 1, 3.8];
    const rows = draws(50000, () => 0).map(() => {
      const out = new Float64Array(3);
      r.dirichlet(alpha, out);
      return out;
    });
    for (const [k, a] of alpha.entries()) {
      const { mean, variance } = moments(rows.map((row) => row[k]!));
      const want = (a * (5 - a)) / (25 * 6);
      expect(Math.abs(mean - a / 5)).toBeLessThan(4 * Math.sqrt(want / 50000));
      expect(Math.abs(variance / want - 1)).toBeLessThan(0.05);
    }
  });

  it.each([1e-2, 1e-5, 1e-100, 1e-308, 5e-324, 1e10])('dirichlet of alpha %d adds up to 1', (a) => {
    const r = random(17);
    const out = new Float64Array(4);
    const most = new Array<number>(4).fill(0);
    for (let i = 0; i < 400; i++) {
      r.dirichlet([a, a, a, a], out);
      expect(Math.abs(out.reduce((sum, x) => sum + x, 0) - 1)).toBeLessThan(1e-15);
      expect(out.every((x) => x >= 0)).toBe(true);
      most[out.indexOf(Math.max(...out))]!++;
    }
    expect(Math.abs(chiSquare(most, [100, 100, 100, 100]))).toBeLessThan(4);
  });

  it('dirichlet gives a component of alpha 0 nothing', () => {
    const out = new Float64Array(3);
    random(18).dirichlet(Float64Array.of(0, 1, 1), out);
    expect(out[0]).toBe(0);
    expect(() => random(18).dirichlet([0, 0], out)).toThrow(RangeError);
  });

  it.each([0.5, 4, 9.9, 10, 30, 1000])('poisson of mean %d has its probabilities', (mean) => {
    const r = random(19);
    const count = 40000;
    const low = Math.max(0, Math.floor(mean - 3 * Math.sqrt(mean)));
    const high = Math.ceil(mean + 3 * Math.sqrt(mean));
    const p = Array.from({ length: high - low + 1 }, (_, i) =>
      Math.exp((low + i) * Math.log(mean) - mean - lgamma(low + i + 1)),
    );
    const counts = new Array<number>(p.length + 1).fill(0);
    for (let i = 0; i < count; i++) {
      const k = r.poisson(mean);
      counts[k >= low && k <= high ? k - low : p.length]!++;
    }
    const rest = 1 - p.reduce((sum, x) => sum + x, 0);
    expect(
      Math.abs(
        chiSquare(
          counts,
          [...p, rest].map((x) => x * count),
        ),
      ),
    ).toBeLessThan(4);
  });

  it('poisson of mean 0 is 0', () => {
    expect(draws(5, () => random(20).poisson(0))).toEqual([0, 0, 0, 0, 0]);
  });

  it('choose follows the weights within its range and never takes a zero weight', () => {
    const r = random(21);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 30000; i++) counts[r.choose([9, 1, 0, 2, 3, 9], 1, 5)]!++;
    expect([counts[0], counts[2], counts[5]]).toEqual([0, 0, 0]);
    expect(Math.abs(chiSquare([counts[1]!, counts[3]!, counts[4]!], [5000, 10000, 15000]))).toBeLessThan(4);
    expect(() => r.choose([0, 0])).toThrow('weights of total 0');
    expect(() => r.choose([1, NaN])).toThrow(RangeError);
  });

  it('shuffle makes every order of three equally likely and keeps the elements', () => {
    const r = random(22);
    const counts = new Map<string, number>();
    for (let i = 0; i < 12000; i++) {
      const array = ['a', 'b', 'c'];
      r.shuffle(array);
      counts.set(array.join(''), (counts.get(array.join('')) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    expect(Math.abs(chiSquare([...counts.values()], new Array(6).fill(2000)))).toBeLessThan(4);
  });
});
