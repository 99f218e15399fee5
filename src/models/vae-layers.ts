/**
 * Layers of the variational autoencoder: each a forward function, which writes `out`, and a backward one, which takes
 * ∂/∂out and *adds* ∂/∂weights and writes (or, where it says so, adds) ∂/∂in. Arrays are row-major; B rows are documents,
 * except in the decoder, whose arrays are V×C with a term's C columns (documents or samples) contiguous, so that the
 * inner loops run over columns and the normalisation of a term reads one row. Plain loops over numbers, which the kernels
 * are checked against.
 */
import type { SparseRows } from '../kernels/vae-encoder.js';
import { exp, expm1, log1p } from '../math/special.js';

/** out_b = bias + Σ_w x_bw weight_w over the document's own terms; `weight` V×H, `out` B×H. */
export function sparseForward(
  { rowStart, term, value }: SparseRows,
  rows: Uint32Array,
  B: number,
  weight: Float64Array,
  bias: Float64Array,
  out: Float64Array,
): void {
  const H = bias.length;
  for (let b = 0, o = 0; b < B; b++, o += H) {
    for (let h = 0; h < H; h++) out[o + h] = bias[h]!;
    for (let i = rowStart[rows[b]!]!; i < rowStart[rows[b]! + 1]!; i++) {
      const x = value[i]!;
      const row = term[i]! * H;
      for (let h = 0; h < H; h++) out[o + h]! += x * weight[row + h]!;
    }
  }
}

/** Adds ∂weight and ∂bias of {@link sparseForward}. */
export function sparseBackward(
  { rowStart, term, value }: SparseRows,
  rows: Uint32Array,
  B: number,
  gOut: Float64Array,
  gWeight: Float64Array,
  gBias: Float64Array,
): void {
  const H = gBias.length;
  for (let b = 0, o = 0; b < B; b++, o += H) {
    for (let h = 0; h < H; h++) gBias[h]! += gOut[o + h]!;
    for (let i = rowStart[rows[b]!]!; i < rowStart[rows[b]! + 1]!; i++) {
      const x = value[i]!;
      const row = term[i]! * H;
      for (let h = 0; h < H; h++) gWeight[row + h]! += x * gOut[o + h]!;
    }
  }
}

/** out = bias + in · weight; `input` B×I, `weight` I×O, `out` B×O; no bias where it is null. */
export function denseForward(
  input: Float64Array,
  B: number,
  I: number,
  O: number,
  weight: Float64Array,
  bias: Float64Array | null,
  out: Float64Array,
): void {
  for (let b = 0; b < B; b++) {
    const o = b * O;
    for (let j = 0; j < O; j++) out[o + j] = bias === null ? 0 : bias[j]!;
    for (let i = 0; i < I; i++) {
      const x = input[b * I + i]!;
      for (let j = 0, w = i * O; j < O; j++, w++) out[o + j]! += x * weight[w]!;
    }
  }
}

/** Adds ∂weight and ∂bias, writes ∂input of {@link denseForward}. */
export function denseBackward(
  input: Float64Array,
  B: number,
  I: number,
  O: number,
  weight: Float64Array,
  gOut: Float64Array,
  gWeight: Float64Array,
  gBias: Float64Array | null,
  gInput: Float64Array,
): void {
  for (let b = 0; b < B; b++) {
    const o = b * O;
    if (gBias !== null) for (let j = 0; j < O; j++) gBias[j]! += gOut[o + j]!;
    for (let i = 0; i < I; i++) {
      const x = input[b * I + i]!;
      let sum = 0;
      for (let j = 0, w = i * O; j < O; j++, w++) {
        const g = gOut[o + j]!;
        gWeight[w]! += x * g;
        sum += g * weight[w]!;
      }
      gInput[b * I + i] = sum;
    }
  }
}

/** x ← log(1 + e^x). */
export function softplusForward(x: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) x[i] = Math.max(x[i]!, 0) + log1p(exp(-Math.abs(x[i]!)));
}

/** g ← ∂in, from what came out: the derivative is 1 − e^−out. */
export function softplusBackward(out: Float64Array, length: number, g: Float64Array): void {
  for (let i = 0; i < length; i++) g[i]! *= -expm1(-out[i]!);
}

/** Added to a variance before its root is taken; the value of PyTorch. */
export const EPSILON = 1e-5;

/** x ← (x − mean) / sd of each column over B rows, without shift or scale; writes `mean` and `variance` (of the B). */
export function normaliseColumns(
  x: Float64Array,
  B: number,
  C: number,
  mean: Float64Array,
  variance: Float64Array,
): void {
  for (let c = 0; c < C; c++) {
    let sum = 0;
    for (let i = c; i < B * C; i += C) sum += x[i]!;
    const m = sum / B;
    let squares = 0;
    for (let i = c; i < B * C; i += C) {
      x[i]! -= m;
      squares += x[i]! * x[i]!;
    }
    mean[c] = m;
    variance[c] = squares / B;
    const inverse = 1 / Math.sqrt(squares / B + EPSILON);
    for (let i = c; i < B * C; i += C) x[i]! *= inverse;
  }
}

/** g ← ∂in of {@link normaliseColumns}, x being what came out. */
export function normaliseColumnsBackward(
  x: Float64Array,
  B: number,
  C: number,
  variance: Float64Array,
  g: Float64Array,
): void {
  for (let c = 0; c < C; c++) {
    let sum = 0;
    let along = 0;
    for (let i = c; i < B * C; i += C) {
      sum += g[i]!;
      along += g[i]! * x[i]!;
    }
    sum /= B;
    along /= B;
    const inverse = 1 / Math.sqrt(variance[c]! + EPSILON);
    for (let i = c; i < B * C; i += C) g[i] = (g[i]! - sum - x[i]! * along) * inverse;
  }
}

/** As {@link normaliseColumns}, of each of R rows over its C columns. */
export function normaliseRows(x: Float64Array, R: number, C: number, mean: Float64Array, variance: Float64Array): void {
  for (let r = 0; r < R; r++) {
    const [from, to] = [r * C, r * C + C];
    let sum = 0;
    for (let i = from; i < to; i++) sum += x[i]!;
    const m = sum / C;
    let squares = 0;
    for (let i = from; i < to; i++) {
      const y = x[i]! - m;
      squares += y * y;
    }
    mean[r] = m;
    variance[r] = squares / C;
    const inverse = 1 / Math.sqrt(squares / C + EPSILON);
    for (let i = from; i < to; i++) x[i] = (x[i]! - m) * inverse;
  }
}

/** g ← ∂in of {@link normaliseRows}, x being what came out. */
export function normaliseRowsBackward(
  x: Float64Array,
  R: number,
  C: number,
  variance: Float64Array,
  g: Float64Array,
): void {
  for (let r = 0; r < R; r++) {
    const [from, to] = [r * C, r * C + C];
    let sum = 0;
    let along = 0;
    for (let i = from; i < to; i++) {
      sum += g[i]!;
      along += g[i]! * x[i]!;
    }
    sum /= C;
    along /= C;
    const inverse = 1 / Math.sqrt(variance[r]! + EPSILON);
    for (let i = from; i < to; i++) g[i] = (g[i]! - sum - x[i]! * along) * inverse;
  }
}

/** out ← softmax of each of C columns of `x` R×C, which may be the same array; `most` and `sum` are room for C numbers:
 * what came out is exp(x − most) / sum. */
export function softmaxColumns(
  x: Float64Array,
  R: number,
  C: number,
  most: Float64Array,
  sum: Float64Array,
  out: Float64Array,
): void {
  for (let c = 0; c < C; c++) {
    most[c] = Number.NEGATIVE_INFINITY;
    sum[c] = 0;
  }
  for (let r = 0, i = 0; r < R; r++) for (let c = 0; c < C; c++, i++) if (x[i]! > most[c]!) most[c] = x[i]!;
  for (let r = 0, i = 0; r < R; r++) {
    for (let c = 0; c < C; c++, i++) {
      const e = exp(x[i]! - most[c]!);
      out[i] = e;
      sum[c]! += e;
    }
  }
  for (let r = 0, i = 0; r < R; r++) for (let c = 0; c < C; c++, i++) out[i]! /= sum[c]!;
}

/** g ← ∂in of {@link softmaxColumns}, p being what came out; `along` is room for C numbers. */
export function softmaxColumnsBackward(
  p: Float64Array,
  R: number,
  C: number,
  along: Float64Array,
  g: Float64Array,
): void {
  along.fill(0, 0, C);
  for (let r = 0, i = 0; r < R; r++) for (let c = 0; c < C; c++, i++) along[c]! += p[i]! * g[i]!;
  for (let r = 0, i = 0; r < R; r++) for (let c = 0; c < C; c++, i++) g[i] = p[i]! * (g[i]! - along[c]!);
}

/** out_wc = Σ_k beta_wk theta_kc; `beta` V×K, `theta` K×C, `out` V×C. The V K C multiplications of a fit are here. */
export function mixForward(
  beta: Float64Array,
  theta: Float64Array,
  V: number,
  K: number,
  C: number,
  out: Float64Array,
): void {
  out.fill(0, 0, V * C);
  const even = V - (V % 2);
  const fours = K - (K % 4);
  // Two terms by four topics at a time: six loads and two stores for eight products.
  for (let w = 0; w < even; w += 2) {
    const o = w * C;
    const p = o + C;
    const x = w * K;
    const y = x + K;
    for (let k = 0; k < fours; k += 4) {
      const [x0, x1, x2, x3] = [beta[x + k]!, beta[x + k + 1]!, beta[x + k + 2]!, beta[x + k + 3]!];
      const [y0, y1, y2, y3] = [beta[y + k]!, beta[y + k + 1]!, beta[y + k + 2]!, beta[y + k + 3]!];
      const t0 = k * C;
      const t1 = t0 + C;
      const t2 = t1 + C;
      const t3 = t2 + C;
      for (let c = 0; c < C; c++) {
        const a0 = theta[t0 + c]!;
        const a1 = theta[t1 + c]!;
        const a2 = theta[t2 + c]!;
        const a3 = theta[t3 + c]!;
        out[o + c]! += x0 * a0 + x1 * a1 + x2 * a2 + x3 * a3;
        out[p + c]! += y0 * a0 + y1 * a1 + y2 * a2 + y3 * a3;
      }
    }
    for (let k = fours; k < K; k++) {
      const x0 = beta[x + k]!;
      const y0 = beta[y + k]!;
      for (let c = 0, t = k * C; c < C; c++, t++) {
        out[o + c]! += x0 * theta[t]!;
        out[p + c]! += y0 * theta[t]!;
      }
    }
  }
  for (let w = even; w < V; w++) {
    for (let k = 0; k < K; k++) {
      const x0 = beta[w * K + k]!;
      for (let c = 0, t = k * C, o = w * C; c < C; c++, t++, o++) out[o]! += x0 * theta[t]!;
    }
  }
}

/** Adds ∂beta, unless it is null, and ∂theta of {@link mixForward}. */
export function mixBackward(
  beta: Float64Array,
  theta: Float64Array,
  V: number,
  K: number,
  C: number,
  gOut: Float64Array,
  gBeta: Float64Array | null,
  gTheta: Float64Array,
): void {
  const evenV = V - (V % 2);
  const evenK = K - (K % 2);
  // Two terms by two topics at a time: six loads and two stores for eight products.
  for (let w = 0; w < evenV; w += 2) {
    const o = w * C;
    const p = o + C;
    for (let k = 0; k < evenK; k += 2) {
      const x = w * K + k;
      const y = x + K;
      const x0 = beta[x]!;
      const x1 = beta[x + 1]!;
      const y0 = beta[y]!;
      const y1 = beta[y + 1]!;
      let sx0 = 0;
      let sx1 = 0;
      let sy0 = 0;
      let sy1 = 0;
      const t0 = k * C;
      const t1 = t0 + C;
      for (let c = 0; c < C; c++) {
        const g = gOut[o + c]!;
        const h = gOut[p + c]!;
        const a0 = theta[t0 + c]!;
        const a1 = theta[t1 + c]!;
        sx0 += g * a0;
        sx1 += g * a1;
        sy0 += h * a0;
        sy1 += h * a1;
        gTheta[t0 + c]! += g * x0 + h * y0;
        gTheta[t1 + c]! += g * x1 + h * y1;
      }
      if (gBeta !== null) {
        gBeta[x]! += sx0;
        gBeta[x + 1]! += sx1;
        gBeta[y]! += sy0;
        gBeta[y + 1]! += sy1;
      }
    }
    if (evenK < K) {
      mixBackwardOne(beta, theta, w, evenK, K, C, gOut, gBeta, gTheta);
      mixBackwardOne(beta, theta, w + 1, evenK, K, C, gOut, gBeta, gTheta);
    }
  }
  if (evenV < V) for (let k = 0; k < K; k++) mixBackwardOne(beta, theta, evenV, k, K, C, gOut, gBeta, gTheta);
}

/** One term and topic of {@link mixBackward}. */
function mixBackwardOne(
  beta: Float64Array,
  theta: Float64Array,
  w: number,
  k: number,
  K: number,
  C: number,
  gOut: Float64Array,
  gBeta: Float64Array | null,
  gTheta: Float64Array,
): void {
  const x = beta[w * K + k]!;
  let sum = 0;
  for (let c = 0, t = k * C, o = w * C; c < C; c++, t++, o++) {
    sum += gOut[o]! * theta[t]!;
    gTheta[t]! += gOut[o]! * x;
  }
  if (gBeta !== null) gBeta[w * K + k]! += sum;
}
