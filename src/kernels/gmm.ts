import { kernelMemory } from './memory.js';
import { copyRows, roundUp4 } from './rows.js';
import { cutEvenly, tasksOf } from './tasks.js';

/** The mixture as the E-step reads it: arrays of models/gmm.ts by their names there. */
export interface Components {
  /** K×P. */
  readonly mean: Float64Array;
  /** Blocks of models/gaussian.ts: one, or one for each component. */
  readonly factor: Float64Array;
  /** One for each block. */
  readonly degrees: Float64Array;
  /** K. */
  readonly constant: Float64Array;
  /** K. */
  readonly logWeight: Float64Array;
}

/** The E-step of Gaussian mixtures by WebAssembly SIMD, in f64: the twin of the loops of models/gmm.ts. */
export interface GmmKernel {
  /** Takes the components for the E-steps that follow. */
  setComponents(components: Components): void;
  /** Responsibilities of points [from, to) of `values` (D×P); what it returns is valid until the next call. */
  points(
    values: Float64Array,
    from: number,
    to: number,
  ): {
    /** A row of K for each point. Rows set to 0 are no part of the statistics. */
    readonly responsibility: Float64Array;
    /**
     * Four numbers a point: m = max_k log joint_k, Σ_k e^(log joint_k − m), E[log p(x | z)] and E[log π_z].
     */
    readonly found: Float64Array;
  };
  /** Adds the same points' counts (K), sums of r δ (K×P) and of r δ δᵀ (blocks) about the means. */
  statistics(from: number, to: number, count: Float64Array, first: Float64Array, second: Float64Array): void;
}

/** Points of one tile of the kernels. */
const TILE = 64;
/** Tasks at most, each of which has room of its own for differences from a mean. */
const MOST_TASKS = 64;

/** @param size numbers of a covariance: P² if dense, P if diagonal, or one */
export function createGmmKernel(
  { P, K, size, tied }: { P: number; K: number; size: number; tied: boolean },
  threads: number,
): GmmKernel {
  const memory = kernelMemory(threads);
  const P4 = roundUp4(P);
  const dense = size > P;
  const factorSize = dense ? P4 * P4 : P4;
  const factors = tied ? 1 : K;
  let laidOut: Float64Array | undefined;
  let at!: ReturnType<typeof layOut>;
  let components!: Components;
  let componentsChanged = true;

  function layOut(values: Float64Array) {
    const D = values.length / P;
    // twice the numbers, of 4 bytes, that `layOut` counts
    const pointers = memory.layOut({
      values: 2 * D * P4,
      responsibility: 2 * D * K,
      found: 2 * D * 4,
      mean: 2 * K * P4,
      factor: 2 * factors * factorSize,
      degrees: 2 * K,
      constant: 2 * K,
      logWeight: 2 * K,
      count: 2 * K,
      first: 2 * K * P4,
      second: 2 * K * factorSize,
      delta: 2 * MOST_TASKS * TILE * P4,
      weighted: 2 * MOST_TASKS * TILE * P4,
      squares: 2 * MOST_TASKS * TILE * 2,
      joint: 2 * MOST_TASKS * TILE * K,
    });
    copyRows(values, P, memory.f64(pointers.values, D * P4), P4, D);
    laidOut = values;
    componentsChanged = true;
    return pointers;
  }

  function writeComponents({ mean, factor, degrees, constant, logWeight }: Components): void {
    copyRows(mean, P, memory.f64(at.mean, K * P4), P4, K);
    const roots = memory.f64(at.factor, factors * factorSize);
    for (let b = 0; b < factors; b++) {
      const to = b * factorSize;
      if (dense) {
        // transposed: the kernel goes down columns
        for (let i = 0; i < P; i++) for (let j = 0; j <= i; j++) roots[to + j * P4 + i] = factor[b * size + i * P + j]!;
      } else {
        for (let p = 0; p < P; p++) roots[to + p] = factor[b * size + (size === 1 ? 0 : p)]!;
      }
    }
    const degree = memory.f64(at.degrees, K);
    for (let k = 0; k < K; k++) degree[k] = degrees[tied ? 0 : k]!;
    memory.f64(at.constant, K).set(constant);
    memory.f64(at.logWeight, K).set(logWeight);
  }

  return {
    setComponents(next) {
      components = next;
      componentsChanged = true;
    },
    points(values, from, to) {
      if (values !== laidOut) at = layOut(values);
      if (componentsChanged) writeComponents(components);
      componentsChanged = false;
      const { mean, factor, degrees, constant, logWeight, responsibility, found } = at;
      memory.run(
        'gmmPoints',
        tasksOf(cutEvenly(from, to, TILE, MOST_TASKS), (first, end, task) => [
          ...[first, end, P4, K, Number(dense), at.values, mean, factor, tied ? 0 : 8 * factorSize],
          ...[degrees, constant, logWeight, responsibility, found],
          ...[at.delta + 8 * task * TILE * P4, at.squares + 16 * task * TILE, at.joint + 8 * task * TILE * K],
        ]),
      );
      return {
        responsibility: memory.f64(responsibility + 8 * from * K, (to - from) * K),
        found: memory.f64(found + 32 * from, (to - from) * 4),
      };
    },
    statistics(from, to, count, first, second) {
      const counts = memory.f64(at.count, K);
      const firsts = memory.f64(at.first, K * P4);
      // Σ r δ is nearly 0 at a maximum: continued, not added to, it does not depend on blocks
      counts.set(count);
      copyRows(first, P, firsts, P4, K);
      memory.run(
        'gmmStatistics',
        tasksOf(cutEvenly(0, K, 1, MOST_TASKS), (k, end, task) => [
          ...[k, end, from, to, P4, K, Number(dense), at.values, at.mean, at.responsibility],
          ...[at.count, at.first, at.second],
          ...[at.delta + 8 * task * TILE * P4, at.weighted + 8 * task * TILE * P4, at.squares + 16 * task * TILE],
        ]),
      );
      count.set(counts);
      copyRows(firsts, P4, first, P, K);
      const seconds = memory.f64(at.second, K * factorSize);
      for (let k = 0; k < K; k++) {
        const block = tied ? 0 : k * size;
        const own = k * factorSize;
        if (dense) {
          for (let i = 0; i < P; i++)
            for (let j = 0; j <= i; j++) second[block + i * P + j]! += seconds[own + i * P4 + j]!;
        } else {
          for (let p = 0; p < P; p++) second[block + (size === 1 ? 0 : p)]! += seconds[own + p]!;
        }
      }
    },
  };
}
