/**
 * The encoder of the variational autoencoder: what it reads of a document's counts, and (μ, log σ²) of the document,
 *
 *     h1 = softplus(x W1 + b1),  h2 = softplus(h1 W2 + b2),  (μ, log σ²) = BN(h2 W3) + c,
 *
 * as a row of `code`, B×2K. In training BN has the statistics of the batch and h2 is dropped out by `mask`, B×H; in
 * evaluation BN has the running statistics.
 */
import type { Corpus } from '../corpus/corpus.js';
import type { Arrays, Shapes, State } from '../em/model.js';
import { type Batch, createEncoderKernel, type EncoderLayers, type SparseRows } from '../kernels/vae-encoder.js';
import { log1p } from '../math/special.js';
import {
  denseBackward,
  denseForward,
  EPSILON,
  normaliseColumns,
  normaliseColumnsBackward,
  softplusBackward,
  softplusForward,
  sparseBackward,
  sparseForward,
} from './vae-layers.js';

/** Bound of |log σ²|, far beyond what any fit needs: σ² of 1e±13. */
export const LOG_VARIANCE_LIMIT = 30;

/**
 * Euclidean length of a document as the encoder reads it, that of 25 terms once each. AVITM reads the counts as they
 * are; then a document of thousands of tokens leaves the range in which the encoder was trained, and its KL explodes.
 */
const INPUT_LENGTH = 5;

/** Refuses numbers of a layer that are not finite. */
export type Check = (layer: string, values: Float64Array, length: number) => void;

export interface Encoder {
  /** What gradients move. */
  readonly learned: Shapes;
  /** The running statistics, and what `backward` adds of the batch's to the sums. */
  readonly running: Shapes;
  /** Writes `code`. */
  train(batch: Batch, params: Arrays, mask: Float64Array, code: Float64Array, check: Check): void;
  evaluate(batch: Batch, params: Arrays, code: Float64Array): void;
  /** Adds gradients to `sums` after `train`, from ∂code in `gCode`; both `code` and `gCode` are spent. */
  backward(batch: Batch, params: Arrays, code: Float64Array, gCode: Float64Array, sums: Arrays, check: Check): void;
  /** Moves the running statistics by `rate` towards those of `count` documents in `sums`. */
  finish(state: State, sums: Arrays, count: number, rate: number): void;
}

/** {@link EncoderLayers} by plain loops. */
export function plainEncoderLayers(H: number, O: number): EncoderLayers {
  let capacity = 0;
  let mask: Float64Array | null;
  let hidden1: Float64Array;
  let hidden2: Float64Array;
  let dropped: Float64Array;
  let gHidden1: Float64Array;
  let gHidden2: Float64Array;
  return {
    forward({ input, documents, B }, weights, given, code) {
      if (B > capacity) {
        capacity = B;
        [hidden1, gHidden1] = [new Float64Array(B * H), new Float64Array(B * H)];
        [hidden2, gHidden2, dropped] = [new Float64Array(B * H), new Float64Array(B * H), new Float64Array(B * H)];
      }
      mask = given;
      sparseForward(input, documents, B, weights['weight1']!, weights['bias1']!, hidden1);
      softplusForward(hidden1, B * H);
      denseForward(hidden1, B, H, H, weights['weight2']!, weights['bias2']!, hidden2);
      softplusForward(hidden2, B * H);
      for (let i = 0; i < B * H; i++) dropped[i] = mask === null ? hidden2[i]! : hidden2[i]! * mask[i]!;
      denseForward(dropped, B, H, O, weights['weight3']!, null, code);
      return { hidden1: hidden1.subarray(0, B * H), hidden2: dropped.subarray(0, B * H) };
    },
    backward({ input, documents, B }, weights, gCode, sums) {
      denseBackward(dropped, B, H, O, weights['weight3']!, gCode, sums['weight3']!, null, gHidden2);
      if (mask !== null) for (let i = 0; i < B * H; i++) gHidden2[i]! *= mask[i]!;
      softplusBackward(hidden2, B * H, gHidden2);
      denseBackward(hidden1, B, H, H, weights['weight2']!, gHidden2, sums['weight2']!, sums['bias2']!, gHidden1);
      softplusBackward(hidden1, B * H, gHidden1);
      sparseBackward(input, documents, B, gHidden1, sums['weight1']!, sums['bias1']!);
      return gHidden1.subarray(0, B * H);
    },
  };
}

export function createEncoder(V: number, K: number, H: number, threads: number, precise: boolean): Encoder {
  const K2 = 2 * K;
  let created: EncoderLayers | undefined;
  const layers = (): EncoderLayers =>
    (created ??= precise ? plainEncoderLayers(H, K2) : createEncoderKernel(V, H, K2, threads));
  const batchMean = new Float64Array(K2);
  const batchVariance = new Float64Array(K2);

  /** Adds the shift to the normalised `code`, and keeps log σ² within bounds. */
  function shiftCode(B: number, shift: Float64Array, code: Float64Array): void {
    for (let b = 0; b < B; b++) {
      const at = b * K2;
      for (let k = 0; k < K; k++) {
        code[at + k]! += shift[k]!;
        const logVariance = code[at + K + k]! + shift[K + k]!;
        code[at + K + k] = Math.min(LOG_VARIANCE_LIMIT, Math.max(-LOG_VARIANCE_LIMIT, logVariance));
      }
    }
  }

  return {
    learned: {
      weight1: ['V', H],
      bias1: [H],
      weight2: [H, H],
      bias2: [H],
      weight3: [H, K2],
      encoderShift: [K2],
    },
    running: { encoderMean: [K2], encoderVariance: [K2] },
    train(batch, params, mask, code, check) {
      const { B } = batch;
      const { hidden1, hidden2 } = layers().forward(batch, params, mask, code);
      check('the first hidden layer', hidden1, hidden1.length);
      check('the second hidden layer', hidden2, hidden2.length);
      normaliseColumns(code, B, K2, batchMean, batchVariance);
      shiftCode(B, params['encoderShift']!, code);
    },
    evaluate(batch, params, code) {
      const { B } = batch;
      layers().forward(batch, params, null, code);
      for (let b = 0, i = 0; b < B; b++)
        for (let j = 0; j < K2; j++, i++)
          code[i] = (code[i]! - params['encoderMean']![j]!) / Math.sqrt(params['encoderVariance']![j]! + EPSILON);
      shiftCode(B, params['encoderShift']!, code);
    },
    backward(batch, params, code, gCode, sums, check) {
      const { B } = batch;
      const [shift, gShift] = [params['encoderShift']!, sums['encoderShift']!];
      for (let b = 0, i = 0; b < B; b++) {
        for (let j = 0; j < K2; j++, i++) {
          gShift[j]! += gCode[i]!;
          code[i]! -= shift[j]!;
        }
      }
      normaliseColumnsBackward(code, B, K2, batchVariance, gCode);
      const gHidden1 = layers().backward(batch, params, gCode, sums);
      check('the gradient of the first hidden layer', gHidden1, gHidden1.length);
      for (let j = 0; j < K2; j++) {
        sums['encoderMean']![j]! += B * batchMean[j]!;
        sums['encoderVariance']![j]! += B * batchVariance[j]!;
      }
    },
    finish({ params }, sums, count, rate) {
      for (const name of ['encoderMean', 'encoderVariance'] as const)
        for (let j = 0; j < K2; j++) params[name]![j]! += rate * (sums[name]![j]! / count - params[name]![j]!);
    },
  };
}

/** log(1 + n) of each entry, each document scaled to INPUT_LENGTH: no document is too long for the encoder. */
export function inputOf({ rowStart, term, count }: Corpus): SparseRows {
  const value = new Float64Array(count.length);
  for (let d = 0; d + 1 < rowStart.length; d++) {
    let squares = 0;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      value[i] = log1p(count[i]!);
      squares += value[i]! * value[i]!;
    }
    const scale = INPUT_LENGTH / Math.sqrt(squares);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) value[i]! *= scale;
  }
  return { rowStart, term, value };
}
