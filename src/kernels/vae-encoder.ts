import { entriesByTerm } from './batch.js';
import { kernelMemory } from './memory.js';
import { addRows, copyRows, roundUp4 } from './rows.js';
import { cutEvenly, tasksOf } from './tasks.js';

/** Rows of a sparse matrix, and which of them are meant. */
export interface SparseRows {
  readonly rowStart: Uint32Array;
  readonly term: Uint32Array;
  /** One number an entry. */
  readonly value: Float64Array;
}

/** Documents at work: the first B of `documents`, numbers of rows of `input`. */
export interface Batch {
  readonly input: SparseRows;
  readonly documents: Uint32Array;
  readonly B: number;
}

type Weights = Readonly<Record<string, Float64Array>>;

/** The layers of the encoder before its batch normalisation. */
export interface EncoderLayers {
  /**
   * Writes code = h2 W3 (B×2K) with h1 = softplus(x W1 + b1), h2 = softplus(h1 W2 + b2), h2 times `mask` (B×H) unless it is
   * null. What it returns, h1 and h2, padded or not, is valid until the next call.
   */
  forward(
    batch: Batch,
    weights: Weights,
    mask: Float64Array | null,
    code: Float64Array,
  ): { readonly hidden1: Float64Array; readonly hidden2: Float64Array };
  /** Adds the weights' gradients to `sums` after `forward` of the same; returns ∂ of the input of the first softplus. */
  backward(batch: Batch, weights: Weights, gCode: Float64Array, sums: Weights): Float64Array;
}

/** Documents, hidden units and terms of a task at least. */
const DOCUMENTS = 16;
const UNITS = 16;
const TERMS = 128;
const MOST_TASKS = 128;

/** {@link EncoderLayers} by WebAssembly SIMD, in f64; O outputs. */
export function createEncoderKernel(V: number, H: number, O: number, threads: number): EncoderLayers {
  const memory = kernelMemory(threads);
  const [H4, O4] = [roundUp4(H), roundUp4(O)];
  let room = { documents: 0, entries: 0 };
  let at!: ReturnType<typeof layOut>;

  function layOut(documents: number, entries: number) {
    room = { documents, entries };
    const [hidden, out] = [2 * documents * H4, 2 * documents * O4];
    // twice the numbers, of 4 bytes, that `layOut` counts
    return memory.layOut({
      weight1: 2 * V * H4,
      gWeight1: 2 * V * H4,
      bias1: 2 * H4,
      weight2: 2 * H4 * H4,
      across2: 2 * H4 * H4,
      gWeight2: 2 * H4 * H4,
      bias2: 2 * H4,
      weight3: 2 * H4 * O4,
      across3: 2 * O4 * H4,
      gWeight3: 2 * H4 * O4,
      mask: hidden,
      hidden1: hidden,
      slope1: hidden,
      gHidden1: hidden,
      hidden2: hidden,
      slope2: hidden,
      gHidden2: hidden,
      code: out,
      gCode: out,
      start: documents + 1,
      term: entries,
      value: 2 * entries,
      termStart: V + 1,
      document: entries,
      termValue: 2 * entries,
    });
  }

  function writeDocuments({ input, documents, B }: Batch): void {
    const { rowStart, term, value } = input;
    let entries = 0;
    for (let b = 0; b < B; b++) entries += rowStart[documents[b]! + 1]! - rowStart[documents[b]!]!;
    const B4 = roundUp4(B);
    if (B4 > room.documents || entries > room.entries)
      at = layOut(Math.max(B4, room.documents), Math.max(2 * entries, room.entries));
    const start = memory.u32(at.start, B + 1);
    const terms = memory.u32(at.term, entries);
    const values = memory.f64(at.value, entries);
    for (let b = 0, end = 0; b < B; b++) {
      const [from, to] = [rowStart[documents[b]!]!, rowStart[documents[b]! + 1]!];
      terms.set(term.subarray(from, to), end);
      values.set(value.subarray(from, to), end);
      end += to - from;
      start[b + 1] = end;
    }
  }

  /** Writes the transpose of `rows` by `columns` numbers, its rows `width` wide. */
  function writeAcross(weight: Float64Array, rows: number, columns: number, to: number, width: number): void {
    const across = memory.f64(to, columns * width);
    for (let i = 0, w = 0; i < rows; i++) for (let j = 0; j < columns; j++, w++) across[j * width + i] = weight[w]!;
  }

  return {
    forward(batch, weights, mask, code) {
      const { B } = batch;
      writeDocuments(batch);
      copyRows(weights['weight1']!, H, memory.f64(at.weight1, V * H4), H4, V);
      memory.f64(at.bias1, H).set(weights['bias1']!);
      copyRows(weights['weight2']!, H, memory.f64(at.weight2, H * H4), H4, H);
      memory.f64(at.bias2, H).set(weights['bias2']!);
      copyRows(weights['weight3']!, O, memory.f64(at.weight3, H * O4), O4, H);
      if (mask === null) memory.f64(at.mask, B * H4).fill(1);
      else copyRows(mask, H, memory.f64(at.mask, B * H4), H4, B);
      memory.run(
        'encoderForward',
        tasksOf(cutEvenly(0, B, DOCUMENTS, MOST_TASKS), (from, to) => [
          ...[from, to, H4, O4, at.start, at.term, at.value],
          ...[at.weight1, at.bias1, at.weight2, at.bias2, at.weight3, at.mask],
          ...[at.hidden1, at.slope1, at.hidden2, at.slope2, at.code],
        ]),
      );
      copyRows(memory.f64(at.code, B * O4), O4, code, O, B);
      return { hidden1: memory.f64(at.hidden1, B * H4), hidden2: memory.f64(at.hidden2, B * H4) };
    },
    backward({ input, documents, B }, weights, gCode, sums) {
      copyRows(gCode, O, memory.f64(at.gCode, B * O4), O4, B);
      writeAcross(weights['weight2']!, H, H, at.across2, H4);
      writeAcross(weights['weight3']!, H, O, at.across3, H4);
      memory.run(
        'encoderBackward',
        tasksOf(cutEvenly(0, B, DOCUMENTS, MOST_TASKS), (from, to) => [
          ...[from, to, H4, O4, at.gCode, at.across3, at.slope2, at.gHidden2, at.across2, at.slope1, at.gHidden1],
        ]),
      );
      memory.run(
        'encoderUnits',
        tasksOf(cutEvenly(0, H4, UNITS, MOST_TASKS), (from, to) => [
          ...[from, to, B, H4, O4, at.hidden1, at.gHidden2, at.gWeight2, at.hidden2, at.gCode, at.gWeight3],
        ]),
      );
      const entries = entriesByTerm(input, input.value, documents, B, 1, V);
      const { length } = entries.column;
      memory.u32(at.termStart, V + 1).set(entries.start);
      memory.u32(at.document, length).set(entries.column);
      memory.f64(at.termValue, length).set(entries.value);
      memory.run(
        'encoderTerms',
        tasksOf(cutEvenly(0, V, TERMS, MOST_TASKS), (from, to) => [
          ...[from, to, H4, at.termStart, at.document, at.termValue, at.gHidden1, at.gWeight1],
        ]),
      );
      addRows(memory.f64(at.gWeight1, V * H4), H4, sums['weight1']!, H, V);
      addRows(memory.f64(at.gWeight2, H * H4), H4, sums['weight2']!, H, H);
      addRows(memory.f64(at.gWeight3, H * O4), O4, sums['weight3']!, O, H);
      const [gHidden1, gHidden2] = [memory.f64(at.gHidden1, B * H4), memory.f64(at.gHidden2, B * H4)];
      for (let b = 0; b < B; b++) {
        addRows(gHidden1.subarray(b * H4), H4, sums['bias1']!, H, 1);
        addRows(gHidden2.subarray(b * H4), H4, sums['bias2']!, H, 1);
      }
      return gHidden1;
    },
  };
}
