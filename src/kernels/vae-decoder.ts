import type { Corpus } from '../corpus/corpus.js';
import { exp, log } from '../math/special.js';
import { entriesByTerm } from './batch.js';
import { kernelMemory } from './memory.js';
import { addRows, copyRows, roundUp4 } from './rows.js';
import { cutEvenly, tasksOf } from './tasks.js';

/** Documents side by side: S columns each, those of `documents[b]` from b S on. */
export interface Columns {
  readonly corpus: Corpus;
  readonly documents: Uint32Array;
  readonly B: number;
  readonly S: number;
}

/** Of each term's logits over columns, V. */
export interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** The product decoder's work over all terms by WebAssembly SIMD, in f64. */
export interface DecoderKernel {
  /**
   * Log probability of each column's tokens into `words`: beta (V×K) times theta (K×C), each term normalised by its moments,
   * plus its shift, is a logit. Without `moments` they are those of the columns. Returns them, valid until the next call.
   */
  decode(
    columns: Columns,
    beta: Float64Array,
    theta: Float64Array,
    shift: Float64Array,
    moments: Moments | null,
    words: Float64Array,
  ): Moments;
  /** Gradients of the sum of `words` after `decode`. Writes ∂theta; adds ∂beta and ∂shift, unless they are null. */
  gradients(gTheta: Float64Array, gBeta: Float64Array | null, gShift: Float64Array | null): void;
}

/** Terms of a task at least: fewer make for more parts of ∂theta to be added, more do not fit into the cache. */
const TERMS = 128;
const MOST_TASKS = 128;
/** Numbers of ∂theta of a task that joins its parts, at least. */
const NUMBERS = 2048;

export function createDecoderKernel({ V, K }: { V: number; K: number }, threads: number): DecoderKernel {
  const memory = kernelMemory(threads);
  const [V4, K4] = [roundUp4(V), roundUp4(K)];
  const cuts = cutEvenly(0, V, TERMS, MOST_TASKS);
  const tasks = cuts.length - 1;
  let room = { columns: 0, entries: 0 };
  let at!: ReturnType<typeof layOut>;
  let [C, C4, ownMoments] = [0, 0, false];

  function layOut(columns: number, entries: number) {
    room = { columns, entries };
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
      // of each task: maxima, then the scale of its gradient; sums of exponentials; Σ count logit
      parts: 2 * tasks * 3 * columns,
      real: 2 * columns,
      start: V + 1,
      column: entries,
      count: 2 * entries,
    });
  }

  /** Log probabilities from the tasks' parts, in their order; turns their maxima into what `decoderGradients` scales by. */
  function joinParts(length: Float64Array, words: Float64Array): void {
    const parts = memory.f64(at.parts, tasks * 3 * C4);
    for (let c = 0; c < C4; c++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = c; i < parts.length; i += 3 * C4) largest = Math.max(largest, parts[i]!);
      let total = 0;
      let sum = 0;
      for (let i = c; i < parts.length; i += 3 * C4) {
        parts[i] = exp(parts[i]! - largest);
        total += parts[i + C4]! * parts[i]!;
        sum += parts[i + 2 * C4]!;
      }
      const n = c < C ? length[c]! : 0;
      for (let i = c; i < parts.length; i += 3 * C4) parts[i]! *= n / total;
      if (c < C) words[c] = sum - n * (largest + log(total));
    }
  }

  return {
    decode({ corpus, documents, B, S }, beta, theta, shift, moments, words) {
      [C, C4, ownMoments] = [B * S, roundUp4(B * S), moments === null];
      const entries = entriesByTerm(corpus, corpus.count, documents, B, S, V);
      const { length } = entries.column;
      if (C4 > room.columns || length > room.entries)
        at = layOut(Math.max(C4, room.columns), Math.max(2 * length, room.entries));
      memory.u32(at.start, V + 1).set(entries.start);
      memory.u32(at.column, length).set(entries.column);
      memory.f64(at.count, length).set(entries.value);
      memory.f64(at.beta, V * K).set(beta);
      memory.f64(at.shift, V).set(shift);
      const rows = memory.f64(at.theta, K * C4);
      const across = memory.f64(at.thetaColumns, C4 * K4);
      for (let k = 0; k < K; k++) {
        for (let c = 0; c < C; c++) rows[k * C4 + c] = across[c * K4 + k] = theta[k * C + c]!;
        rows.fill(0, k * C4 + C, k * C4 + C4);
      }
      memory.f64(at.real, C4).fill(0).fill(1, 0, C);
      const [mean, variance] = [memory.f64(at.mean, V), memory.f64(at.variance, V)];
      if (moments !== null) {
        mean.set(moments.mean);
        variance.set(moments.variance);
      }
      memory.run(
        'decoderLogits',
        tasksOf(cuts, (from, to, task) => [
          ...[from, to, K, C, C4, Number(ownMoments)],
          ...[at.beta, at.theta, at.shift, at.real, at.start, at.column, at.count],
          ...[at.logits, at.gradient, at.mean, at.variance, at.parts + 24 * task * C4],
        ]),
      );
      const lengths = new Float64Array(C);
      for (let i = 0; i < length; i++) lengths[entries.column[i]!]! += entries.value[i]!;
      joinParts(lengths, words);
      return { mean, variance };
    },
    gradients(gTheta, gBeta, gShift) {
      memory.run(
        'decoderGradients',
        tasksOf(cuts, (from, to, task) => [
          ...[from, to, K, K4, C, C4, Number(ownMoments)],
          ...[at.beta, at.thetaColumns, at.start, at.column, at.count, at.logits, at.gradient, at.variance],
          ...[at.parts + 24 * task * C4, at.gShift, at.gBeta, at.gTheta + 8 * task * K4 * C4],
        ]),
      );
      const size = K4 * C4;
      memory.run(
        'decoderJoin',
        tasksOf(cutEvenly(0, size, NUMBERS, MOST_TASKS), (from, to) => [from, to, at.gTheta, size, tasks]),
      );
      copyRows(memory.f64(at.gTheta, size), C4, gTheta, C, K);
      if (gBeta !== null) addRows(memory.f64(at.gBeta, V * K4), K4, gBeta, K, V);
      if (gShift !== null) addRows(memory.f64(at.gShift, V), V, gShift, V, 1);
    },
  };
}
