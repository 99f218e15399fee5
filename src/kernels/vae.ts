import { exp, log } from '../math/special.js';
import { kernelMemory } from './memory.js';
import { copyRows, roundUp4 } from './rows.js';
import { cutEvenly, tasksOf } from './tasks.js';

/** The product decoder's work over all terms by WebAssembly SIMD, in f64; arrays are valid until the next call. */
export interface DecoderKernel {
  /** Logits of C columns: beta (V×K) times theta (K×C), each term normalised over the columns if asked, plus its shift. */
  logits(
    beta: Float64Array,
    theta: Float64Array,
    shift: Float64Array,
    C: number,
    normalise: boolean,
  ): {
    /** V rows of `width` numbers, of which C count. */
    readonly logits: Float64Array;
    /** As many, of zeros: where the counts go before `gradients`. */
    readonly counts: Float64Array;
    readonly width: number;
    /** log Σ_w e^logit, C. */
    readonly logSum: Float64Array;
    /** Of each term over the columns, V. */
    readonly mean: Float64Array;
    readonly variance: Float64Array;
  };
  /**
   * Gradients of Σ_wc counts_wc log softmax_w(logits)_c after `logits`; `length` is the sum of the counts of each column.
   * Writes ∂theta; adds ∂beta and ∂shift, unless they are null.
   */
  gradients(length: Float64Array, gTheta: Float64Array, gBeta: Float64Array | null, gShift: Float64Array | null): void;
}

/** Terms of a task at least: fewer make for more parts of ∂theta to be added, more do not fit into the cache. */
const TERMS = 128;
const MOST_TASKS = 128;

export function createDecoderKernel({ V, K }: { V: number; K: number }, threads: number): DecoderKernel {
  const memory = kernelMemory(threads);
  const [V4, K4] = [roundUp4(V), roundUp4(K)];
  const cuts = cutEvenly(0, V, TERMS, MOST_TASKS);
  const tasks = cuts.length - 1;
  let room = 0;
  let at!: ReturnType<typeof layOut>;
  let [C, C4, normalise] = [0, 0, false];

  function layOut(columns: number) {
    room = columns;
    // twice the numbers, of 4 bytes, that `layOut` counts
    return memory.layOut({
      beta: 2 * V4 * K4,
      gBeta: 2 * V4 * K4,
      shift: 2 * V,
      gShift: 2 * V,
      mean: 2 * V,
      variance: 2 * V,
      logits: 2 * V4 * columns,
      gradient: 2 * V4 * columns,
      theta: 2 * K * columns,
      thetaColumns: 2 * columns * K4,
      gTheta: 2 * tasks * K4 * columns,
      most: 2 * tasks * columns,
      sum: 2 * tasks * columns,
      real: 2 * columns,
      logSum: 2 * columns,
      length: 2 * columns,
    });
  }

  /** log Σ_w e^logit of each column from the tasks' maxima and sums, in their order. */
  function joinSums(): Float64Array {
    const most = memory.f64(at.most, tasks * C4);
    const sum = memory.f64(at.sum, tasks * C4);
    const logSum = memory.f64(at.logSum, C4).fill(Number.POSITIVE_INFINITY);
    for (let c = 0; c < C; c++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = c; i < most.length; i += C4) largest = Math.max(largest, most[i]!);
      let total = 0;
      for (let i = c; i < sum.length; i += C4) total += sum[i]! * exp(most[i]! - largest);
      logSum[c] = largest + log(total);
    }
    return logSum.subarray(0, C);
  }

  return {
    logits(beta, theta, shift, columns, normalised) {
      [C, C4, normalise] = [columns, roundUp4(columns), normalised];
      if (C4 > room) at = layOut(C4);
      copyRows(beta, K, memory.f64(at.beta, V4 * K4), K4, V);
      memory.f64(at.shift, V).set(shift);
      const rows = memory.f64(at.theta, K * C4).fill(0);
      copyRows(theta, C, rows, C4, K);
      const across = memory.f64(at.thetaColumns, C4 * K4).fill(0);
      for (let k = 0; k < K; k++) for (let c = 0; c < C; c++) across[c * K4 + k] = theta[k * C + c]!;
      memory.f64(at.real, C4).fill(0).fill(1, 0, C);
      memory.run(
        'vaeLogits',
        tasksOf(cuts, (from, to, task) => [
          ...[from, to, K, K4, C, C4, Number(normalise)],
          ...[at.beta, at.theta, at.shift, at.real, at.logits, at.mean, at.variance],
          ...[at.most + 8 * task * C4, at.sum + 8 * task * C4],
        ]),
      );
      return {
        logits: memory.f64(at.logits, V * C4),
        counts: memory.f64(at.gradient, V * C4).fill(0),
        width: C4,
        logSum: joinSums(),
        mean: memory.f64(at.mean, V),
        variance: memory.f64(at.variance, V),
      };
    },
    gradients(length, gTheta, gBeta, gShift) {
      memory.f64(at.length, C4).fill(0).set(length.subarray(0, C));
      memory.run(
        'vaeGradients',
        tasksOf(cuts, (from, to, task) => [
          ...[from, to, K4, C, C4, Number(normalise)],
          ...[at.beta, at.thetaColumns, at.shift, at.real, at.logits, at.variance, at.logSum, at.length],
          ...[at.gradient, at.gShift, at.gBeta, at.gTheta + 8 * task * K4 * C4],
        ]),
      );
      const parts = memory.f64(at.gTheta, tasks * K4 * C4);
      gTheta.fill(0, 0, K * C);
      for (let task = 0; task < tasks; task++)
        for (let k = 0; k < K; k++)
          for (let c = 0, i = (task * K4 + k) * C4; c < C; c++, i++) gTheta[k * C + c]! += parts[i]!;
      if (gBeta !== null) {
        const found = memory.f64(at.gBeta, V * K4);
        for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) gBeta[i]! += found[w * K4 + k]!;
      }
      if (gShift !== null) {
        const found = memory.f64(at.gShift, V);
        for (let w = 0; w < V; w++) gShift[w]! += found[w]!;
      }
    },
  };
}
