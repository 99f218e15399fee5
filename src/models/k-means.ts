import type { Random } from '../math/random.js';

/** Rounds at most: a start need not be the optimum. */
const ROUNDS = 30;

/**
 * Clusters points by k-means from k-means++ seeds: each seed is a point drawn with probability proportional to its
 * squared distance from the seeds before. A cluster left without points keeps its centre.
 *
 * @param present numbers of the points that there are, at least K
 * @param scale what each coordinate is multiplied by first, P
 * @returns the cluster of each present point
 * @see Arthur & Vassilvitskii 2007, k-means++: the advantages of careful seeding
 */
export function kMeans(
  values: Float64Array,
  present: Uint32Array,
  P: number,
  K: number,
  scale: Float64Array,
  random: Random,
): Uint32Array {
  const N = present.length;
  const centres = new Float64Array(K * P);
  const cluster = new Uint32Array(N);
  const nearest = new Float64Array(N).fill(Number.POSITIVE_INFINITY);
  const distance = (d: number, k: number): number => {
    let sum = 0;
    for (let p = 0; p < P; p++) {
      const x = (values[d * P + p]! - centres[k * P + p]!) * scale[p]!;
      sum += x * x;
    }
    return sum;
  };
  for (let k = 0; k < K; k++) {
    const seed = k > 0 && nearest.some((x) => x > 0) ? random.choose(nearest) : random.integer(N);
    centres.set(values.subarray(present[seed]! * P, (present[seed]! + 1) * P), k * P);
    for (let i = 0; i < N; i++) {
      const x = distance(present[i]!, k);
      if (!(x < nearest[i]!)) continue;
      nearest[i] = x;
      cluster[i] = k;
    }
  }
  const counts = new Float64Array(K);
  const sums = new Float64Array(K * P);
  for (let round = 0; round < ROUNDS; round++) {
    counts.fill(0);
    sums.fill(0);
    for (let i = 0; i < N; i++) {
      const k = cluster[i]!;
      counts[k]! += 1;
      for (let p = 0; p < P; p++) sums[k * P + p]! += values[present[i]! * P + p]!;
    }
    for (let i = 0; i < sums.length; i++) {
      const n = counts[Math.floor(i / P)]!;
      if (n > 0) centres[i] = sums[i]! / n;
    }
    let moved = false;
    for (let i = 0; i < N; i++) {
      let best = cluster[i]!;
      let least = distance(present[i]!, best);
      for (let k = 0; k < K; k++) {
        const x = distance(present[i]!, k);
        if (x < least) [best, least] = [k, x];
      }
      if (best !== cluster[i]) moved = true;
      cluster[i] = best;
    }
    if (!moved) break;
  }
  return cluster;
}
