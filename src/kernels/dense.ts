import { type KernelMemory, kernelMemory } from './memory.js';
import { copyRows, roundUp4 } from './rows.js';

/** The dense layers of models/vae-layers.ts by WebAssembly SIMD, in f64. */
export interface DenseKernel {
  /** out = bias + in · weight; `input` B×I, `weight` I×O, `out` B×O; no bias where it is null. */
  denseForward(
    input: Float64Array,
    B: number,
    I: number,
    O: number,
    weight: Float64Array,
    bias: Float64Array | null,
    out: Float64Array,
  ): void;
  /** Adds ∂weight and ∂bias, writes ∂input. */
  denseBackward(
    input: Float64Array,
    B: number,
    I: number,
    O: number,
    weight: Float64Array,
    gOut: Float64Array,
    gWeight: Float64Array,
    gBias: Float64Array | null,
    gInput: Float64Array,
  ): void;
}

export function createDenseKernel(): DenseKernel {
  let memory!: KernelMemory;
  let room = 0;
  let [a, b, c] = [0, 0, 0];

  /** Makes room for three matrices of `size` numbers. */
  function reserve(size: number): void {
    if (size <= room) return;
    // A layer of 64 documents is less work than waking a thread.
    memory ??= kernelMemory(1);
    room = size;
    ({ a, b, c } = memory.layOut({ a: 2 * size, b: 2 * size, c: 2 * size }));
  }

  /** C = A B, C of `rows` by `columns`, B of `inner` rows of `columns` padded; A's elements lie so many numbers apart. */
  function multiply(rows: number, columns: number, inner: number, aRow: number, aColumn: number): Float64Array {
    const width = roundUp4(columns);
    memory.run('multiply', [[0, roundUp4(rows), width, inner, a, 8 * aRow, 8 * aColumn, b, 8 * width, c, 8 * width]]);
    return memory.f64(c, rows * width);
  }

  return {
    denseForward(input, B, I, O, weight, bias, out) {
      const O4 = roundUp4(O);
      reserve(Math.max(roundUp4(B) * Math.max(I, O4), I * O4));
      memory.f64(a, B * I).set(input.subarray(0, B * I));
      copyRows(weight, O, memory.f64(b, I * O4), O4, I);
      const product = multiply(B, O, I, I, 1);
      for (let row = 0, o = 0; row < B; row++)
        for (let j = 0; j < O; j++, o++) out[o] = product[row * O4 + j]! + (bias === null ? 0 : bias[j]!);
    },
    denseBackward(input, B, I, O, weight, gOut, gWeight, gBias, gInput) {
      const [I4, O4] = [roundUp4(I), roundUp4(O)];
      reserve(Math.max(roundUp4(B) * Math.max(I4, O4), I4 * O4));
      // ∂weight = inᵀ ∂out
      copyRows(input, I, memory.f64(a, B * I4), I4, B);
      copyRows(gOut, O, memory.f64(b, B * O4), O4, B);
      const gradient = multiply(I, O, B, 1, I4);
      for (let i = 0, w = 0; i < I; i++) for (let j = 0; j < O; j++, w++) gWeight[w]! += gradient[i * O4 + j]!;
      // ∂in = ∂out weightᵀ
      memory.f64(a, B * O).set(gOut.subarray(0, B * O));
      const transposed = memory.f64(b, O * I4);
      for (let i = 0, w = 0; i < I; i++) for (let j = 0; j < O; j++, w++) transposed[j * I4 + i] = weight[w]!;
      copyRows(multiply(B, I, O, O, 1), I4, gInput, I, B);
      if (gBias === null) return;
      for (let row = 0, o = 0; row < B; row++) for (let j = 0; j < O; j++, o++) gBias[j]! += gOut[o]!;
    },
  };
}
