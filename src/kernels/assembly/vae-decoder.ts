// Twins of the product decoder's loops over terms in models/vae-decoders.ts, in f64. Rows of K and of C numbers are padded
// to K4 and C4, multiples of 4. The counts of term w are entries [start[w], start[w + 1]) of `column` and `count`. Pointers
// are bytes; no bounds are checked here.

import { multiply } from './matrix';
import { clear } from './rows';
import { expOfNegative, sum2x } from './special';

/** What is added to a variance before its root is taken, as in models/vae-layers.ts. */
const EPSILON: f64 = 1e-5;

/**
 * Logits of terms [from, to): the rows of beta (V×K) times theta (K×C4), normalised, plus the shift. Mean and variance (V)
 * are those of the columns, which are written, if `ownMoments`; else given. `real` (C4) is 1 for each column that there is,
 * else 0.
 *
 * Writes the logits without the shift (V×C4), three rows of C4 over these terms: most_c = max_w logit_wc,
 * sum_c = Σ_w e^(logit_wc − most_c) and Σ_w count_wc logit_wc; and the summands of sum_c (V×C4).
 */
export function decoderLogits(
  from: u32,
  to: u32,
  K: u32,
  C: u32,
  C4: u32,
  ownMoments: bool,
  beta: usize,
  theta: usize,
  shift: usize,
  real: usize,
  start: usize,
  column: usize,
  count: usize,
  logits: usize,
  exponentials: usize,
  mean: usize,
  variance: usize,
  most: usize,
): void {
  const bytes = <usize>C4 << 3;
  const sum = most + bytes;
  const words = sum + bytes;
  multiply(from, to, C4, K, beta, <usize>K << 3, 8, theta, bytes, logits, bytes);
  for (let c: usize = 0; c < bytes; c += 16) v128.store(most + c, f64x2.splat(-Infinity));
  clear(sum, 2 * bytes);
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    if (ownMoments) findMoments(row, bytes, C, real, mean + (w << 3), variance + (w << 3));
    const centre = v128.load64_splat(mean + (w << 3));
    const inverse = f64x2.splat(1 / sqrt(load<f64>(variance + (w << 3)) + EPSILON));
    const add = v128.load64_splat(shift + (w << 3));
    for (let c: usize = 0; c < bytes; c += 16) {
      const y = f64x2.mul(f64x2.sub(v128.load(row + c), centre), inverse);
      v128.store(row + c, y);
      v128.store(most + c, f64x2.max(v128.load(most + c), f64x2.add(y, add)));
    }
    const entries = load<u32>(start + (w << 2), 4);
    for (let i = <usize>load<u32>(start + (w << 2)); i < entries; i++) {
      const c = <usize>load<u32>(column + (i << 2)) << 3;
      const logit = load<f64>(row + c) + load<f64>(shift + (w << 3));
      store<f64>(words + c, load<f64>(words + c) + load<f64>(count + (i << 3)) * logit);
    }
  }
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    const out = exponentials + w * bytes;
    const add = v128.load64_splat(shift + (w << 3));
    for (let c: usize = 0; c < bytes; c += 16) {
      const e = expOfNegative(f64x2.sub(f64x2.add(v128.load(row + c), add), v128.load(most + c)));
      v128.store(out + c, e);
      v128.store(sum + c, f64x2.add(v128.load(sum + c), e));
    }
  }
}

/** Mean and variance of a row. */
function findMoments(row: usize, bytes: usize, C: u32, real: usize, mean: usize, variance: usize): void {
  let total = f64x2.splat(0);
  for (let c: usize = 0; c < bytes; c += 16) total = f64x2.add(total, v128.load(row + c));
  const m = sum2x(total) / C;
  const centre = f64x2.splat(m);
  let squares = f64x2.splat(0);
  for (let c: usize = 0; c < bytes; c += 16) {
    const y = f64x2.mul(v128.load(real + c), f64x2.sub(v128.load(row + c), centre));
    squares = f64x2.add(squares, f64x2.mul(y, y));
  }
  store<f64>(mean, m);
  store<f64>(variance, sum2x(squares) / C);
}

/**
 * Gradients of terms [from, to), after decoderLogits, whose summands e_wc in `gradient` (V×C4) become count_wc − scale_c e_wc
 * and go back through the normalisation. `scale` (C4) is the column's length over the sum of its e_wc, for
 * e_wc of these terms.
 *
 * Reads thetaColumns (C×K4). Writes gShift (V), gBeta (V×K4) and these terms' part of ∂theta (K4×C4).
 */
export function decoderGradients(
  from: u32,
  to: u32,
  K: u32,
  K4: u32,
  C: u32,
  C4: u32,
  ownMoments: bool,
  beta: usize,
  thetaColumns: usize,
  start: usize,
  column: usize,
  count: usize,
  logits: usize,
  gradient: usize,
  variance: usize,
  scale: usize,
  gShift: usize,
  gBeta: usize,
  gTheta: usize,
): void {
  const bytes = <usize>C4 << 3;
  const wide = <usize>K4 << 3;
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    const g = gradient + w * bytes;
    let sum = f64x2.splat(0);
    let along = f64x2.splat(0);
    for (let c: usize = 0; c < bytes; c += 16) {
      const x = f64x2.mul(v128.load(scale + c), v128.load(g + c));
      v128.store(g + c, f64x2.neg(x));
      sum = f64x2.sub(sum, x);
      along = f64x2.sub(along, f64x2.mul(x, v128.load(row + c)));
    }
    let total = sum2x(sum);
    let slope = sum2x(along);
    const entries = load<u32>(start + (w << 2), 4);
    for (let i = <usize>load<u32>(start + (w << 2)); i < entries; i++) {
      const c = <usize>load<u32>(column + (i << 2)) << 3;
      const n = load<f64>(count + (i << 3));
      store<f64>(g + c, load<f64>(g + c) + n);
      total += n;
      slope += n * load<f64>(row + c);
    }
    store<f64>(gShift + (w << 3), total);
    const m = f64x2.splat(ownMoments ? total / C : 0);
    const a = f64x2.splat(ownMoments ? slope / C : 0);
    const inverse = f64x2.splat(1 / sqrt(load<f64>(variance + (w << 3)) + EPSILON));
    for (let c: usize = 0; c < bytes; c += 16) {
      const x = f64x2.sub(f64x2.sub(v128.load(g + c), m), f64x2.mul(v128.load(row + c), a));
      v128.store(g + c, f64x2.mul(x, inverse));
    }
  }
  multiply(from, to, K4, C, gradient, bytes, 8, thetaColumns, wide, gBeta, wide);
  const first = <usize>from;
  const next = <usize>K << 3;
  multiply(0, K4, C4, to - from, beta + first * next, 8, next, gradient + first * bytes, bytes, gTheta, bytes);
}

/** Numbers [from, to) of the sum of `count` parts, `length` numbers from one to the next; the first becomes the sum. */
export function decoderJoin(from: u32, to: u32, parts: usize, length: u32, count: u32): void {
  for (let i = <usize>from << 3; i < <usize>to << 3; i += 16) {
    let sum = v128.load(parts + i);
    for (let part: u32 = 1; part < count; part++) sum = f64x2.add(sum, v128.load(parts + i + ((<usize>part * length) << 3)));
    v128.store(parts + i, sum);
  }
}
