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
import { createDenseKernel } from '../kernels/dense.js';
import { log1p } from '../math/special.js';
import * as plainLayers from './vae-layers.js';
import {
  EPSILON,
  normaliseColumns,
  normaliseColumnsBackward,
  type SparseRows,
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

/** Documents at work: the first B of `documents`, numbers of rows of `input`. */
export interface Batch {
  readonly input: SparseRows;
  readonly documents: Uint32Array;
  readonly B: number;
}

/** Refuses numbers of a layer that are not finite. */
export type Check = (layer: string, values: Float64Array, length: number) => void;

export interface Encoder {
  /** What gradients move. */
  readonly learned: Shapes;
  /** The running statistics, and what `backward` adds of the batch's to the sums. */
  readonly running: Shapes;
  /** Makes room for B documents; to be called again where they are more. */
  room(B: number): void;
  /** Writes `code`. */
  train(batch: Batch, params: Arrays, mask: Float64Array, code: Float64Array, check: Check): void;
  evaluate(batch: Batch, params: Arrays, code: Float64Array): void;
  /** Adds gradients to `sums` after `train`, from ∂code in `gCode`; both `code` and `gCode` are spent. */
  backward(
    batch: Batch,
    params: Arrays,
    mask: Float64Array,
    code: Float64Array,
    gCode: Float64Array,
    sums: Arrays,
    check: Check,
  ): void;
  /** Moves the running statistics by `rate` towards those of `count` documents in `sums`. */
  finish(state: State, sums: Arrays, count: number, rate: number): void;
}

export function createEncoder(K: number, H: number, precise: boolean): Encoder {
  const K2 = 2 * K;
  const { denseForward, denseBackward } = precise ? plainLayers : createDenseKernel();
  let hidden1: Float64Array;
  let hidden2: Float64Array;
  let gHidden1: Float64Array;
  let gHidden2: Float64Array;
  const batchMean = new Float64Array(K2);
  const batchVariance = new Float64Array(K2);

  /** `hidden1`, `hidden2` and the unnormalised `code`; dropout where there is a mask. */
  function forward({ input, documents, B }: Batch, params: Arrays, mask: Float64Array | null, code: Float64Array) {
    sparseForward(input, documents, B, params['weight1']!, params['bias1']!, hidden1);
    softplusForward(hidden1, B * H);
    denseForward(hidden1, B, H, H, params['weight2']!, params['bias2']!, hidden2);
    softplusForward(hidden2, B * H);
    if (mask !== null) for (let i = 0; i < B * H; i++) gHidden2[i] = hidden2[i]! * mask[i]!;
    denseForward(mask !== null ? gHidden2 : hidden2, B, H, K2, params['weight3']!, null, code);
  }

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
    room(B) {
      [hidden1, gHidden1] = [new Float64Array(B * H), new Float64Array(B * H)];
      [hidden2, gHidden2] = [new Float64Array(B * H), new Float64Array(B * H)];
    },
    train(batch, params, mask, code, check) {
      const { B } = batch;
      forward(batch, params, mask, code);
      check('the first hidden layer', hidden1, B * H);
      check('the second hidden layer', hidden2, B * H);
      normaliseColumns(code, B, K2, batchMean, batchVariance);
      shiftCode(B, params['encoderShift']!, code);
    },
    evaluate(batch, params, code) {
      const { B } = batch;
      forward(batch, params, null, code);
      for (let b = 0, i = 0; b < B; b++)
        for (let j = 0; j < K2; j++, i++)
          code[i] = (code[i]! - params['encoderMean']![j]!) / Math.sqrt(params['encoderVariance']![j]! + EPSILON);
      shiftCode(B, params['encoderShift']!, code);
    },
    backward({ input, documents, B }, params, mask, code, gCode, sums, check) {
      for (let b = 0, i = 0; b < B; b++) for (let j = 0; j < K2; j++, i++) sums['encoderShift']![j]! += gCode[i]!;
      const shift = params['encoderShift']!;
      for (let b = 0, i = 0; b < B; b++) for (let j = 0; j < K2; j++, i++) code[i]! -= shift[j]!;
      normaliseColumnsBackward(code, B, K2, batchVariance, gCode);
      for (let i = 0; i < B * H; i++) gHidden1[i] = hidden2[i]! * mask[i]!;
      denseBackward(gHidden1, B, H, K2, params['weight3']!, gCode, sums['weight3']!, null, gHidden2);
      for (let i = 0; i < B * H; i++) gHidden2[i]! *= mask[i]!;
      softplusBackward(hidden2, B * H, gHidden2);
      denseBackward(hidden1, B, H, H, params['weight2']!, gHidden2, sums['weight2']!, sums['bias2']!, gHidden1);
      softplusBackward(hidden1, B * H, gHidden1);
      check('the gradient of the first hidden layer', gHidden1, B * H);
      sparseBackward(input, documents, B, gHidden1, sums['weight1']!, sums['bias1']!);
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
