import { exp, lgamma, log } from './special.js';

/** A source of random numbers. Each draw moves it on; the same seed and stream give the same draws everywhere. */
export type Random = {
  /** 32 random bits, as an integer from 0. */
  next(): number;
  /** A multiple of 2^−53 in [0, 1). */
  uniform(): number;
  /** An integer in [0, n), without bias; 1 ≤ n ≤ 2^32. */
  integer(n: number): number;
  /** Mean 0, variance 1. */
  normal(): number;
  /** Mean and variance `shape`. Underflows to 0 where the shape is tiny: there use {@link Random.logGamma}. */
  gamma(shape: number): number;
  /** The logarithm of a gamma variable, finite for every shape from 1e-306 up; −∞ for shape 0. */
  logGamma(shape: number): number;
  /** Writes proportions drawn from Dir(alpha); they add up to 1 within rounding whatever alpha. `out` is another array. */
  dirichlet(alpha: ArrayLike<number>, out: Float64Array): void;
  /** A count of mean and variance `mean`. */
  poisson(mean: number): number;
  /** An i in [from, to) with probability proportional to weights[i]. @throws RangeError if no weight is positive. */
  choose(weights: ArrayLike<number>, from?: number, to?: number): number;
  /** Puts the elements into random order, every order being equally likely. */
  shuffle<T>(array: { readonly length: number; [index: number]: T }): void;
};

/**
 * The generator xoshiro128** with its state taken from SplitMix64; `seed` and `stream` are integers in [0, 2^53). The
 * streams of one seed are as unlike each other as those of different seeds. Not for secrets.
 *
 * @see Blackman, Vigna, "Scrambled linear pseudorandom number generators" (2021) and prng.di.unimi.it; both
 * generators from memory, xoshiro128** tested against C.
 */
export function random(seed: number, stream = 0): Random {
  for (const [name, value] of Object.entries({ seed, stream })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`random ${name} is ${value}; expected an integer from 0 to 2^53 - 1`);
    }
  }
  const start = mix64(mix64(BigInt(seed) + GOLDEN) + BigInt(stream));
  const [low, high] = [mix64(start + GOLDEN), mix64(start + 2n * GOLDEN)];
  return randomFromState(Int32Array.of(Number(low & M32), Number(low >> 32n), Number(high & M32), Number(high >> 32n)));
}

const M32 = 0xffffffffn;
/** 2^64 / φ, odd: what SplitMix64 adds to its state at each step. */
const GOLDEN = 0x9e3779b97f4a7c15n;

/** The output function of SplitMix64. */
function mix64(state: bigint): bigint {
  let z = BigInt.asUintN(64, state);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** The generator over four words of state, not all 0, which it keeps and changes. */
export function randomFromState(s: Int32Array): Random {
  const spare = Float64Array.of(NaN);

  function next(): number {
    const five = Math.imul(s[1], 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  function uniform(): number {
    const high = next() >>> 5;
    return (high * 67108864 + (next() >>> 6)) * 1.1102230246251565e-16;
  }

  function integer(n: number): number {
    if (!(n >= 1 && n <= 4294967296)) throw new RangeError(`random integer below ${n}; expected 1 to 2^32`);
    const end = 4294967296 - (4294967296 % n);
    for (;;) {
      const x = next();
      if (x < end) return x % n;
    }
  }

  /** Marsaglia's polar method, which makes two at a time. */
  function normal(): number {
    const kept = spare[0];
    spare[0] = NaN;
    if (!Number.isNaN(kept)) return kept;
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * log(square)) / square);
      spare[0] = y * scale;
      return x * scale;
    }
  }

  /** Marsaglia, Tsang, "A simple method for generating gamma variables" (2000), for shape ≥ 1. */
  function gammaFromOne(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const root = 1 + c * x;
      if (root <= 0) continue;
      const v = root * root * root;
      if (log(1 - uniform()) < 0.5 * x * x + d * (1 - v + log(v))) return d * v;
    }
  }

  /** Below 1 by Γ(shape + 1) · u^(1/shape), same paper, section 6. */
  function logGamma(shape: number): number {
    if (shape >= 1) return log(gammaFromOne(shape));
    if (!(shape > 0)) return shape === 0 ? -Infinity : NaN;
    return log(gammaFromOne(shape + 1)) + log(1 - uniform()) / shape;
  }

  function gamma(shape: number): number {
    return shape >= 1 ? gammaFromOne(shape) : exp(logGamma(shape));
  }

  function dirichlet(alpha: ArrayLike<number>, out: Float64Array): void {
    const K = alpha.length;
    let most = -Infinity;
    for (let k = 0; k < K; k++) {
      out[k] = logGamma(alpha[k]);
      if (out[k] > most) most = out[k];
    }
    if (most === -Infinity) {
      // Beyond what logarithms can tell apart; the limit of a vanishing alpha is one component with all the mass.
      for (let k = 0; k < K; k++) out[k] = alpha[k] * 8.452712498170644e270;
      const only = choose(out, 0, K);
      for (let k = 0; k < K; k++) out[k] = k === only ? 1 : 0;
      return;
    }
    let total = 0;
    for (let k = 0; k < K; k++) {
      out[k] = exp(out[k] - most);
      total += out[k];
    }
    for (let k = 0; k < K; k++) out[k] /= total;
  }

  /**
   * Below 10 by multiplying uniforms (Knuth), above by transformed rejection: PTRS of Hörmann, "The transformed
   * rejection method for generating Poisson random variables" (1993), from memory.
   */
  function poisson(mean: number): number {
    if (!(mean >= 0 && mean <= 1e15)) throw new RangeError(`random Poisson mean is ${mean}; expected 0 to 1e15`);
    if (mean < 10) {
      const floor = exp(-mean);
      let k = 0;
      for (let product = 1 - uniform(); product > floor; product *= 1 - uniform()) k++;
      return k;
    }
    const b = 0.931 + 2.53 * Math.sqrt(mean);
    const a = -0.059 + 0.02483 * b;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const surely = 0.9277 - 3.6224 / (b - 2);
    const logMean = log(mean);
    for (;;) {
      const u = uniform() - 0.5;
      const v = 1 - uniform();
      const us = 0.5 - Math.abs(u);
      if (us === 0) continue;
      const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= surely) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (log((v * inverseAlpha) / (a / (us * us) + b)) <= k * logMean - mean - lgamma(k + 1)) return k;
    }
  }

  function choose(weights: ArrayLike<number>, from = 0, to = weights.length): number {
    let total = 0;
    for (let i = from; i < to; i++) total += weights[i];
    if (!(total > 0 && total < Infinity)) {
      throw new RangeError(`random choice among weights of total ${total}; expected a positive, finite one`);
    }
    let left = uniform() * total;
    let last = from;
    for (let i = from; i < to; i++) {
      if (!(weights[i] > 0)) continue;
      last = i;
      left -= weights[i];
      if (left < 0) return i;
    }
    return last;
  }

  function shuffle<T>(array: { readonly length: number; [index: number]: T }): void {
    for (let i = array.length - 1; i > 0; i--) {
      const j = integer(i + 1);
      const moved = array[i];
      array[i] = array[j];
      array[j] = moved;
    }
  }

  return { next, uniform, integer, normal, gamma, logGamma, dirichlet, poisson, choose, shuffle };
}
