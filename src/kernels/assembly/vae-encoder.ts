// Twins of the encoder's layers in models/vae-encoder.ts, in f64. Rows of hidden units and of outputs are padded to H4 and
// O4, multiples of 4, with weights of 0; the rows of documents to a multiple of 4 in number. Pointers are bytes; no bounds
// are checked here.

import { multiply } from './matrix';
import { clear, copy } from './rows';
import { expOfNegative, log2x } from './special';

/**
 * Documents [from, to) of a batch, whose entries are [start[b], start[b + 1]) of `term` and `value`: writes the hidden
 * layers after softplus and their slopes, the second times `mask`, and its product with weight3 into `code`. `mask` to
 * `slope2` are one row of H4 a document, `code` of O4.
 */
export function encoderForward(
  from: u32,
  to: u32,
  H4: u32,
  O4: u32,
  start: usize,
  term: usize,
  value: usize,
  weight1: usize,
  bias1: usize,
  weight2: usize,
  bias2: usize,
  weight3: usize,
  mask: usize,
  hidden1: usize,
  slope1: usize,
  hidden2: usize,
  slope2: usize,
  code: usize,
): void {
  const bytes = <usize>H4 << 3;
  const outBytes = <usize>O4 << 3;
  for (let b = <usize>from; b < to; b++) {
    const row = hidden1 + b * bytes;
    copy(row, bias1, bytes);
    addRows(load<u32>(start + (b << 2)), load<u32>(start + (b << 2), 4), term, value, weight1, row, bytes);
    softplus(row, slope1 + b * bytes, bytes);
  }
  multiply(from, to, H4, H4, hidden1, bytes, 8, weight2, bytes, hidden2, bytes);
  for (let b = <usize>from; b < to; b++) {
    const row = hidden2 + b * bytes;
    const slope = slope2 + b * bytes;
    const kept = mask + b * bytes;
    for (let h: usize = 0; h < bytes; h += 16) v128.store(row + h, f64x2.add(v128.load(row + h), v128.load(bias2 + h)));
    softplus(row, slope, bytes);
    times(row, kept, bytes);
    times(slope, kept, bytes);
  }
  multiply(from, to, O4, H4, hidden2, bytes, 8, weight3, outBytes, code, outBytes);
}

/**
 * Documents [from, to) of a batch, after encoderForward: ∂ of the inputs of both softplus, from ∂code. `across2` and
 * `across3` are the weights transposed, H4×H4 and O4×H4.
 */
export function encoderBackward(
  from: u32,
  to: u32,
  H4: u32,
  O4: u32,
  gCode: usize,
  across3: usize,
  slope2: usize,
  gHidden2: usize,
  across2: usize,
  slope1: usize,
  gHidden1: usize,
): void {
  const bytes = <usize>H4 << 3;
  multiply(from, to, H4, O4, gCode, <usize>O4 << 3, 8, across3, bytes, gHidden2, bytes);
  for (let b = <usize>from; b < to; b++) times(gHidden2 + b * bytes, slope2 + b * bytes, bytes);
  multiply(from, to, H4, H4, gHidden2, bytes, 8, across2, bytes, gHidden1, bytes);
  for (let b = <usize>from; b < to; b++) times(gHidden1 + b * bytes, slope1 + b * bytes, bytes);
}

/** Rows [from, to) of ∂weight2 and ∂weight3, those of these hidden units, over B documents. */
export function encoderUnits(
  from: u32,
  to: u32,
  B: u32,
  H4: u32,
  O4: u32,
  hidden1: usize,
  gHidden2: usize,
  gWeight2: usize,
  hidden2: usize,
  gCode: usize,
  gWeight3: usize,
): void {
  const bytes = <usize>H4 << 3;
  const outBytes = <usize>O4 << 3;
  multiply(from, to, H4, B, hidden1, 8, bytes, gHidden2, bytes, gWeight2, bytes);
  multiply(from, to, O4, B, hidden2, 8, bytes, gCode, outBytes, gWeight3, outBytes);
}

/** Rows [from, to) of ∂weight1, those of these terms, whose entries are [start[w], start[w + 1]) of `document` and `value`. */
export function encoderTerms(
  from: u32,
  to: u32,
  H4: u32,
  start: usize,
  document: usize,
  value: usize,
  gHidden1: usize,
  gWeight1: usize,
): void {
  const bytes = <usize>H4 << 3;
  for (let w = <usize>from; w < to; w++) {
    const row = gWeight1 + w * bytes;
    clear(row, bytes);
    addRows(load<u32>(start + (w << 2)), load<u32>(start + (w << 2), 4), document, value, gHidden1, row, bytes);
  }
}

/** Adds to a sum the rows that entries [from, to) name, each times its value; four at a time. */
function addRows(from: u32, to: u32, name: usize, value: usize, rows: usize, sum: usize, bytes: usize): void {
  let i = <usize>from;
  for (; i + 4 <= to; i += 4) {
    const at = name + (i << 2);
    const row0 = rows + <usize>load<u32>(at) * bytes;
    const row1 = rows + <usize>load<u32>(at, 4) * bytes;
    const row2 = rows + <usize>load<u32>(at, 8) * bytes;
    const row3 = rows + <usize>load<u32>(at, 12) * bytes;
    const x0 = v128.load64_splat(value + (i << 3));
    const x1 = v128.load64_splat(value + (i << 3), 8);
    const x2 = v128.load64_splat(value + (i << 3), 16);
    const x3 = v128.load64_splat(value + (i << 3), 24);
    for (let h: usize = 0; h < bytes; h += 16) {
      const low = f64x2.add(f64x2.mul(x0, v128.load(row0 + h)), f64x2.mul(x1, v128.load(row1 + h)));
      const high = f64x2.add(f64x2.mul(x2, v128.load(row2 + h)), f64x2.mul(x3, v128.load(row3 + h)));
      v128.store(sum + h, f64x2.add(v128.load(sum + h), f64x2.add(low, high)));
    }
  }
  for (; i < to; i++) {
    const row = rows + <usize>load<u32>(name + (i << 2)) * bytes;
    const x = v128.load64_splat(value + (i << 3));
    for (let h: usize = 0; h < bytes; h += 16) {
      v128.store(sum + h, f64x2.add(v128.load(sum + h), f64x2.mul(x, v128.load(row + h))));
    }
  }
}

/** x ← log(1 + e^x), and its derivative 1 / (1 + e^−x); of t = e^−|x|, log(1 + t) = log u + (what u = 1 + t lost) / u. */
function softplus(x: usize, slope: usize, bytes: usize): void {
  const one = f64x2.splat(1);
  const zero = f64x2.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const at = v128.load(x + i);
    const t = expOfNegative(f64x2.neg(f64x2.abs(at)));
    const u = f64x2.add(one, t);
    const inverse = f64x2.div(one, u);
    const lost = f64x2.mul(f64x2.sub(t, f64x2.sub(u, one)), inverse);
    v128.store(x + i, f64x2.add(f64x2.max(at, zero), f64x2.add(log2x(u), lost)));
    v128.store(slope + i, f64x2.mul(v128.bitselect(one, t, f64x2.ge(at, zero)), inverse));
  }
}

/** x ← x y. */
function times(x: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(x + i, f64x2.mul(v128.load(x + i), v128.load(y + i)));
}
