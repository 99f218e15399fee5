// Twins of the inner loops of models/plsa.ts and models/mixture.ts, in f64. Rows of K numbers are padded to an even
// number of them, and as long as `bytes` says. Pointers are bytes; no bounds are checked here.

import { clear, copy } from './rows';
import { expOfNegative, log2x, sum2x } from './special';

/** A proportion below this counts as 0: see models/plsa.ts. */
const LEAST: f64 = 1e-250;

/** Adds a row, times its weight, to a sum. */
// @ts-ignore: decorator
@inline
function add(sum: usize, row: usize, weight: f64, bytes: usize): void {
  const w = f64x2.splat(weight);
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(sum + k, f64x2.add(v128.load(sum + k), f64x2.mul(w, v128.load(row + k))));
  }
}

/** Adds four rows, each times its weight, one after the other: the sum is what four calls of `add` make it. */
// @ts-ignore: decorator
@inline
function addFour(
  sum: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  weight0: f64,
  weight1: f64,
  weight2: f64,
  weight3: f64,
  bytes: usize,
): void {
  const w0 = f64x2.splat(weight0);
  const w1 = f64x2.splat(weight1);
  const w2 = f64x2.splat(weight2);
  const w3 = f64x2.splat(weight3);
  for (let k: usize = 0; k < bytes; k += 16) {
    let s = f64x2.add(v128.load(sum + k), f64x2.mul(w0, v128.load(row0 + k)));
    s = f64x2.add(s, f64x2.mul(w1, v128.load(row1 + k)));
    s = f64x2.add(s, f64x2.mul(w2, v128.load(row2 + k)));
    v128.store(sum + k, f64x2.add(s, f64x2.mul(w3, v128.load(row3 + k))));
  }
}

/** Logarithms of rows [from, to), of positive numbers but where they are padded. */
export function multinomialLogs(from: u32, to: u32, bytes: usize, rows: usize, logs: usize): void {
  const end = <usize>to * bytes;
  for (let k = <usize>from * bytes; k < end; k += 16) v128.store(logs + k, log2x(v128.load(rows + k)));
}

/** s_i = Σ_k θ_k β_ik of each entry of a document, ratio_i = n_i / s_i, and acc_k = Σ_i ratio_i β_ik. */
function weigh(
  entries: u32,
  term: usize,
  count: usize,
  beta: usize,
  theta: usize,
  acc: usize,
  ratio: usize,
  bytes: usize,
): void {
  clear(acc, bytes);
  let i: u32 = 0;
  for (; i + 4 <= entries; i += 4) {
    const terms = term + (<usize>i << 2);
    const b0 = beta + <usize>load<u32>(terms) * bytes;
    const b1 = beta + <usize>load<u32>(terms, 4) * bytes;
    const b2 = beta + <usize>load<u32>(terms, 8) * bytes;
    const b3 = beta + <usize>load<u32>(terms, 12) * bytes;
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const t = v128.load(theta + k);
      s0 = f64x2.add(s0, f64x2.mul(t, v128.load(b0 + k)));
      s1 = f64x2.add(s1, f64x2.mul(t, v128.load(b1 + k)));
      s2 = f64x2.add(s2, f64x2.mul(t, v128.load(b2 + k)));
      s3 = f64x2.add(s3, f64x2.mul(t, v128.load(b3 + k)));
    }
    const at = <usize>i << 3;
    const r0 = load<f64>(count + at) / sum2x(s0);
    const r1 = load<f64>(count + at, 8) / sum2x(s1);
    const r2 = load<f64>(count + at, 16) / sum2x(s2);
    const r3 = load<f64>(count + at, 24) / sum2x(s3);
    store<f64>(ratio + at, r0);
    store<f64>(ratio + at, r1, 8);
    store<f64>(ratio + at, r2, 16);
    store<f64>(ratio + at, r3, 24);
    addFour(acc, b0, b1, b2, b3, r0, r1, r2, r3, bytes);
  }
  for (; i < entries; i++) {
    const b = beta + <usize>load<u32>(term + (<usize>i << 2)) * bytes;
    let s = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) s = f64x2.add(s, f64x2.mul(v128.load(theta + k), v128.load(b + k)));
    const r = load<f64>(count + (<usize>i << 3)) / sum2x(s);
    store<f64>(ratio + (<usize>i << 3), r);
    add(acc, b, r, bytes);
  }
}

/** Σ_i n_i ln s_i, where ratio_i = n_i / s_i. */
function logLikelihood(entries: u32, count: usize, ratio: usize): f64 {
  let sums = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 2 <= entries; i += 2) {
    const n = v128.load(count + (<usize>i << 3));
    sums = f64x2.add(sums, f64x2.mul(n, log2x(f64x2.div(n, v128.load(ratio + (<usize>i << 3))))));
  }
  if (i === entries) return sum2x(sums);
  const n = load<f64>(count + (<usize>i << 3));
  return sum2x(sums) + n * f64x2.extract_lane(log2x(f64x2.splat(n / load<f64>(ratio + (<usize>i << 3)))), 0);
}

/**
 * pLSA, documents [from, to): `rounds` at most of  φ_dw ∝ θ_d β_w,  θ_d = Σ_w n_dw φ_dw / N_d,  until one moves no more
 * than `tolerance` of a document's tokens, then φ at what θ has become.
 *
 * Reads rowStart, term, count (f64), beta (V×K); improves theta (D×K), 0 where it is padded. Leaves ratio (entries,
 * n / Σ_k θ_k β_wk), and of each document two f64 in `found`: Σ_w n_dw ln Σ_k θ_dk β_wk, and Σ_wk n_dw φ_dwk ln θ_dk.
 * `acc` is room for K.
 */
export function plsaDocuments(
  from: u32,
  to: u32,
  bytes: usize,
  rounds: u32,
  tolerance: f64,
  rowStart: usize,
  term: usize,
  count: usize,
  beta: usize,
  theta: usize,
  ratio: usize,
  acc: usize,
  found: usize,
): void {
  const least = f64x2.splat(LEAST);
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 3);
    const ratios = ratio + (<usize>first << 3);
    const t = theta + <usize>d * bytes;
    let tokens: f64 = 0;
    for (let i: u32 = 0; i < entries; i++) tokens += load<f64>(counts + (<usize>i << 3));
    const length = f64x2.splat(tokens);
    for (let round: u32 = 0; round < rounds; round++) {
      weigh(entries, terms, counts, beta, t, acc, ratios, bytes);
      let moved = f64x2.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        const old = v128.load(t + k);
        const share = f64x2.div(f64x2.mul(old, v128.load(acc + k)), length);
        const improved = v128.and(share, f64x2.gt(share, least));
        moved = f64x2.add(moved, f64x2.abs(f64x2.sub(improved, old)));
        v128.store(t + k, improved);
      }
      if (sum2x(moved) <= tolerance) break;
    }
    weigh(entries, terms, counts, beta, t, acc, ratios, bytes);
    let assignments = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = v128.load(t + k);
      assignments = f64x2.add(assignments, f64x2.mul(f64x2.mul(x, v128.load(acc + k)), log2x(x)));
    }
    store<f64>(found + (<usize>d << 4), logLikelihood(entries, counts, ratios));
    store<f64>(found + (<usize>d << 4), sum2x(assignments), 8);
  }
}

/**
 * Mixture, documents [from, to): r_dk ∝ exp(log θ_k + Σ_w n_dw log β_wk) into responsibility (D×K), and of each document
 * three f64 in `found`: E[log p(w | z, β)], E[log p(z | θ)], and the entropy of r_d.
 *
 * Reads rowStart, term, count (f64), logTheta (K; where it is padded, so low that r is 0) and logBeta (V×K). `joint` is
 * room for K.
 */
export function mixtureDocuments(
  from: u32,
  to: u32,
  bytes: usize,
  rowStart: usize,
  term: usize,
  count: usize,
  logTheta: usize,
  logBeta: usize,
  responsibility: usize,
  joint: usize,
  found: usize,
): void {
  for (let d = from; d < to; d++) {
    let i = load<u32>(rowStart + (<usize>d << 2));
    const last = load<u32>(rowStart + (<usize>d << 2), 4);
    if (i === last) continue;
    copy(joint, logTheta, bytes);
    for (; i + 4 <= last; i += 4) {
      const terms = term + (<usize>i << 2);
      const n = count + (<usize>i << 3);
      addFour(
        joint,
        logBeta + <usize>load<u32>(terms) * bytes,
        logBeta + <usize>load<u32>(terms, 4) * bytes,
        logBeta + <usize>load<u32>(terms, 8) * bytes,
        logBeta + <usize>load<u32>(terms, 12) * bytes,
        load<f64>(n),
        load<f64>(n, 8),
        load<f64>(n, 16),
        load<f64>(n, 24),
        bytes,
      );
    }
    for (; i < last; i++) {
      const row = logBeta + <usize>load<u32>(term + (<usize>i << 2)) * bytes;
      add(joint, row, load<f64>(count + (<usize>i << 3)), bytes);
    }
    let highest = v128.load(joint);
    for (let k: usize = 16; k < bytes; k += 16) highest = f64x2.max(highest, v128.load(joint + k));
    const most = max(f64x2.extract_lane(highest, 0), f64x2.extract_lane(highest, 1));
    const r = responsibility + <usize>d * bytes;
    let sums = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = expOfNegative(f64x2.sub(v128.load(joint + k), f64x2.splat(most)));
      v128.store(r + k, x);
      sums = f64x2.add(sums, x);
    }
    const sum = f64x2.splat(sum2x(sums));
    const logSum = f64x2.add(f64x2.splat(most), log2x(sum));
    let words = f64x2.splat(0);
    let assignments = f64x2.splat(0);
    let entropy = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = f64x2.div(v128.load(r + k), sum);
      const j = v128.load(joint + k);
      const l = v128.load(logTheta + k);
      v128.store(r + k, x);
      words = f64x2.add(words, f64x2.mul(x, f64x2.sub(j, l)));
      assignments = f64x2.add(assignments, f64x2.mul(x, l));
      entropy = f64x2.add(entropy, f64x2.mul(x, f64x2.sub(logSum, j)));
    }
    const out = found + 24 * <usize>d;
    store<f64>(out, sum2x(words));
    store<f64>(out, sum2x(assignments), 8);
    store<f64>(out, sum2x(entropy), 16);
  }
}

/**
 * S_w = Σ_d weight_dw row_d of terms [from, to), documents in order. Where `beta` (V×K) is not 0, S_w is that times β_w,
 * and Σ_k S_wk ln β_wk of each term is left in `found` (f64).
 *
 * The entries of term w are [columnStart[w], columnStart[w + 1]) of columnEntry, places in weight (f64), and
 * columnDocument; rows (D×K), logBeta and statistics (V×K). Terms without entries are left as they are.
 */
export function multinomialTerms(
  from: u32,
  to: u32,
  bytes: usize,
  columnStart: usize,
  columnEntry: usize,
  columnDocument: usize,
  weight: usize,
  rows: usize,
  beta: usize,
  logBeta: usize,
  statistics: usize,
  found: usize,
): void {
  for (let w = from; w < to; w++) {
    let e = load<u32>(columnStart + (<usize>w << 2));
    const end = load<u32>(columnStart + (<usize>w << 2), 4);
    if (e === end) continue;
    const out = statistics + <usize>w * bytes;
    clear(out, bytes);
    for (; e + 4 <= end; e += 4) {
      const entry = columnEntry + (<usize>e << 2);
      const document = columnDocument + (<usize>e << 2);
      addFour(
        out,
        rows + <usize>load<u32>(document) * bytes,
        rows + <usize>load<u32>(document, 4) * bytes,
        rows + <usize>load<u32>(document, 8) * bytes,
        rows + <usize>load<u32>(document, 12) * bytes,
        load<f64>(weight + (<usize>load<u32>(entry) << 3)),
        load<f64>(weight + (<usize>load<u32>(entry, 4) << 3)),
        load<f64>(weight + (<usize>load<u32>(entry, 8) << 3)),
        load<f64>(weight + (<usize>load<u32>(entry, 12) << 3)),
        bytes,
      );
    }
    for (; e < end; e++) {
      const row = rows + <usize>load<u32>(columnDocument + (<usize>e << 2)) * bytes;
      add(out, row, load<f64>(weight + (<usize>load<u32>(columnEntry + (<usize>e << 2)) << 3)), bytes);
    }
    if (beta === 0) continue;
    const b = beta + <usize>w * bytes;
    const l = logBeta + <usize>w * bytes;
    let words = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const s = f64x2.mul(v128.load(out + k), v128.load(b + k));
      v128.store(out + k, s);
      words = f64x2.add(words, f64x2.mul(s, v128.load(l + k)));
    }
    store<f64>(found + (<usize>w << 3), sum2x(words));
  }
}
