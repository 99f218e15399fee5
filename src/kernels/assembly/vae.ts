// Twins of the product decoder's loops over terms in models/vae-decoders.ts, in f64. Rows of K and of C numbers are padded
// to K4 and C4, multiples of 4. Pointers are bytes; no bounds are checked here.

import { multiply } from './matrix';
import { expOfNegative, sum2x } from './special';

/** What is added to a variance before its root is taken, as in models/vae-layers.ts. */
const EPSILON: f64 = 1e-5;

/**
 * Logits of terms [from, to): the rows of beta (V×K4) times theta (K×C4), normalised over the columns if `normalise`, plus
 * the shift. `real` (C4) is 1 for each column that there is, else 0.
 *
 * Writes logits (V×C4), of normalised rows mean and variance (V), and for the softmax most_c = max_w logit_wc and
 * sum_c = Σ_w e^(logit_wc − most_c) over these terms (C4 each).
 */
export function vaeLogits(
  from: u32,
  to: u32,
  K: u32,
  K4: u32,
  C: u32,
  C4: u32,
  normalise: bool,
  beta: usize,
  theta: usize,
  shift: usize,
  real: usize,
  logits: usize,
  mean: usize,
  variance: usize,
  most: usize,
  sum: usize,
): void {
  const bytes = <usize>C4 << 3;
  multiply(from, to, C4, K, beta, <usize>K4 << 3, 8, theta, bytes, logits, bytes);
  for (let c: usize = 0; c < bytes; c += 16) v128.store(most + c, f64x2.splat(-Infinity));
  memory.fill(sum, 0, bytes);
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    let inverse: f64 = 1;
    let m: f64 = 0;
    if (normalise) {
      let total = f64x2.splat(0);
      for (let c: usize = 0; c < bytes; c += 16) total = f64x2.add(total, v128.load(row + c));
      m = sum2x(total) / C;
      const centre = f64x2.splat(m);
      let squares = f64x2.splat(0);
      for (let c: usize = 0; c < bytes; c += 16) {
        const y = f64x2.mul(v128.load(real + c), f64x2.sub(v128.load(row + c), centre));
        squares = f64x2.add(squares, f64x2.mul(y, y));
      }
      const v = sum2x(squares) / C;
      store<f64>(mean + (w << 3), m);
      store<f64>(variance + (w << 3), v);
      inverse = 1 / sqrt(v + EPSILON);
    }
    const centre = f64x2.splat(m);
    const scale = f64x2.splat(inverse);
    const add = v128.load64_splat(shift + (w << 3));
    for (let c: usize = 0; c < bytes; c += 16) {
      const logit = f64x2.add(f64x2.mul(f64x2.sub(v128.load(row + c), centre), scale), add);
      v128.store(row + c, logit);
      v128.store(most + c, f64x2.max(v128.load(most + c), logit));
    }
  }
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    for (let c: usize = 0; c < bytes; c += 16) {
      const e = expOfNegative(f64x2.sub(v128.load(row + c), v128.load(most + c)));
      v128.store(sum + c, f64x2.add(v128.load(sum + c), e));
    }
  }
}

/**
 * Gradients of terms [from, to), after vaeLogits, from `gradient` (V×C4), which holds the counts: it becomes
 * n_wc − length_c p_wc and, if `normalise`, goes back through the normalisation.
 *
 * Reads logSum and length (C4; ∞ and 0 where there is no column), thetaColumns (C×K4). Writes gShift (V), gBeta (V×K4) and
 * these terms' part of ∂theta (K4×C4).
 */
export function vaeGradients(
  from: u32,
  to: u32,
  K4: u32,
  C: u32,
  C4: u32,
  normalise: bool,
  beta: usize,
  thetaColumns: usize,
  shift: usize,
  real: usize,
  logits: usize,
  variance: usize,
  logSum: usize,
  length: usize,
  gradient: usize,
  gShift: usize,
  gBeta: usize,
  gTheta: usize,
): void {
  const bytes = <usize>C4 << 3;
  const betaBytes = <usize>K4 << 3;
  for (let w = <usize>from; w < to; w++) {
    const row = logits + w * bytes;
    const g = gradient + w * bytes;
    const add = v128.load64_splat(shift + (w << 3));
    let sum = f64x2.splat(0);
    let along = f64x2.splat(0);
    for (let c: usize = 0; c < bytes; c += 16) {
      const logit = v128.load(row + c);
      const p = expOfNegative(f64x2.sub(logit, v128.load(logSum + c)));
      const x = f64x2.sub(v128.load(g + c), f64x2.mul(v128.load(length + c), p));
      v128.store(g + c, x);
      sum = f64x2.add(sum, x);
      along = f64x2.add(along, f64x2.mul(x, f64x2.sub(logit, add)));
    }
    const total = sum2x(sum);
    store<f64>(gShift + (w << 3), total);
    if (!normalise) continue;
    const m = f64x2.splat(total / C);
    const a = f64x2.splat(sum2x(along) / C);
    const inverse = f64x2.splat(1 / sqrt(load<f64>(variance + (w << 3)) + EPSILON));
    for (let c: usize = 0; c < bytes; c += 16) {
      const y = f64x2.sub(v128.load(row + c), add);
      const x = f64x2.sub(f64x2.sub(v128.load(g + c), m), f64x2.mul(y, a));
      v128.store(g + c, f64x2.mul(v128.load(real + c), f64x2.mul(x, inverse)));
    }
  }
  multiply(from, to, K4, C, gradient, bytes, 8, thetaColumns, betaBytes, gBeta, betaBytes);
  const first = <usize>from;
  multiply(0, K4, C4, to - from, beta + first * betaBytes, 8, betaBytes, gradient + first * bytes, bytes, gTheta, bytes);
}
