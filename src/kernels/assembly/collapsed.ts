// Twins of the inner loops of models/lda-collapsed-steps.ts but for the visit of a document, in f32. Rows of K numbers are
// padded with zeros to K4, a multiple of 4. Pointers are bytes; no bounds are checked here.
import { ENTRY, PARTS, PLACES, PRIOR, TOPICS } from './collapsed-documents';
import { weigh } from './lda';
import { clear, dot, sumOf } from './rows';
import { log2x, promote } from './special';

/**
 * Withdraws a block from the topics, rows [from, to) of the block: S_w −= S_bw, S_bw = 0 (it is 0 while there is
 * noise, in the very first visit), and from what is left
 * β_w = (S_w + noise · frequency_w · some 1 + η) ⊙ scale and spread_w = Σ_k α_k β_wk (V).
 *
 * Row j is term terms[j], and rowOf (V) says so the other way round. S, beta are V×K4; own (S_b) has a row for each term of
 * the block; scale and alpha are K4.
 */
export function collapsedTopics(
  from: u32,
  to: u32,
  K4: u32,
  eta: f32,
  noise: f32,
  seed: u32,
  terms: usize,
  frequency: usize,
  topics: usize,
  own: usize,
  beta: usize,
  scale: usize,
  alpha: usize,
  spread: usize,
  rowOf: usize,
): void {
  const bytes = <usize>K4 << 2;
  const prior = f32x4.splat(eta);
  const zero = f32x4.splat(0);
  for (let j = from; j < to; j++) {
    const w = <usize>load<u32>(terms + (<usize>j << 2));
    const row = w * bytes;
    const o = own + <usize>j * bytes;
    const share = f32x4.splat(noise * load<f32>(frequency + (w << 2)));
    let sum = zero;
    for (let k: usize = 0; k < bytes; k += 16) {
      let left = v128.load(topics + row + k);
      if (noise > 0) {
        left = f32x4.add(left, f32x4.mul(share, noiseAt(seed, <u32>((row + k) >> 2))));
      } else {
        // what is left of a withdrawn count may be rounding below 0
        left = f32x4.pmax(f32x4.sub(left, v128.load(o + k)), zero);
        v128.store(topics + row + k, left);
        v128.store(o + k, zero);
      }
      const b = f32x4.mul(f32x4.add(left, prior), v128.load(scale + k));
      v128.store(beta + row + k, b);
      sum = f32x4.add(sum, f32x4.mul(v128.load(alpha + k), b));
    }
    store<f32>(spread + (w << 2), sumOf(sum));
    store<u32>(rowOf + (w << 2), j);
  }
}

/** The noise of four numbers of the first topics from the i-th on, from [½, 1½): see models/lda-collapsed-steps.ts. */
// @ts-ignore: decorator
@inline
function noiseAt(seed: u32, i: u32): v128 {
  const at = i32x4.add(i32x4.splat(<i32>i), i32x4(0, 1, 2, 3));
  let x = v128.xor(i32x4.splat(<i32>seed), i32x4.mul(at, i32x4.splat(<i32>0x9e3779b1)));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(<i32>0x85ebca6b));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 13)), i32x4.splat(<i32>0xc2b2ae35));
  x = i32x4.shr_u(v128.xor(x, i32x4.shr_u(x, 16)), 8);
  return f32x4.add(f32x4.splat(0.5), f32x4.mul(f32x4.convert_i32x4_s(x), f32x4.splat(5.9604644775390625e-8)));
}

/**
 * Orders so many entries of a chunk by the rows of their terms in the block, those of a row as they come: writes the place of
 * each, and where those of row j lie, [start[j], start[j + 1]); start has rows + 2 numbers.
 */
export function collapsedPlaces(
  entries: u32,
  rows: u32,
  term: usize,
  rowOf: usize,
  start: usize,
  place: usize,
): void {
  const end = <usize>entries << 2;
  memory.fill(start, 0, (<usize>rows + 2) << 2);
  for (let e: usize = 0; e < end; e += 4) {
    const s = startOf(term + e, rowOf, start);
    store<u32>(s, load<u32>(s, 8) + 1, 8);
  }
  const last = start + (<usize>rows << 2);
  for (let s = start; s <= last; s += 4) store<u32>(s, load<u32>(s, 4) + load<u32>(s), 4);
  // where the next of a row goes is, in the end, where the row after it begins
  for (let e: usize = 0; e < end; e += 4) {
    const s = startOf(term + e, rowOf, start);
    const next = load<u32>(s, 4);
    store<u32>(s, next + 1, 4);
    store<u32>(place + e, next);
  }
}

// @ts-ignore: decorator
@inline
function startOf(term: usize, rowOf: usize, start: usize): usize {
  return start + (<usize>load<u32>(rowOf + (<usize>load<u32>(term) << 2)) << 2);
}

/**
 * Adds the parts that a chunk of documents leaves of its terms, rows [from, to) of the block, in the order of their entries:
 * those of topics to S_b, those of the prior to `prior`. The entries of row j are [start[j], start[j + 1]) of `left`.
 */
export function collapsedTerms(
  from: u32,
  to: u32,
  K4: u32,
  start: usize,
  left: usize,
  own: usize,
  prior: usize,
): void {
  for (let j = <usize>from; j < <usize>to; j++) {
    const end = left + <usize>load<u32>(start + (j << 2), 4) * ENTRY;
    const o = own + j * (<usize>K4 << 2);
    let ofPrior = load<f32>(prior + (j << 2));
    for (let e = left + <usize>load<u32>(start + (j << 2)) * ENTRY; e < end; e += ENTRY) {
      ofPrior += load<f32>(e, PRIOR);
      const parts = <usize>load<u32>(e, PARTS);
      const places = <usize>load<u32>(e, PLACES);
      const topics = <usize>load<u32>(e, TOPICS) << 2;
      for (let i: usize = 0; i < topics; i += 4) {
        const k = o + <usize>load<u32>(places + i);
        store<f32>(k, load<f32>(k) + load<f32>(parts + i));
      }
    }
    store<f32>(prior + (j << 2), ofPrior);
  }
}

/**
 * Makes tokens of the parts that a block's documents left, rows [from, to) of the block: S_bw = (S_bw + prior_w α) ⊙ β_w,
 * and S_w += S_bw. Leaves prior 0, and Σ_w S_bw of these rows in total (K4, f64).
 */
export function collapsedTokens(
  from: u32,
  to: u32,
  K4: u32,
  terms: usize,
  topics: usize,
  own: usize,
  beta: usize,
  alpha: usize,
  prior: usize,
  total: usize,
): void {
  const bytes = <usize>K4 << 2;
  clear(total, 2 * bytes);
  for (let j = from; j < to; j++) {
    const row = <usize>load<u32>(terms + (<usize>j << 2)) * bytes;
    const o = own + <usize>j * bytes;
    const p = prior + (<usize>j << 2);
    const ofPrior = f32x4.splat(load<f32>(p));
    store<f32>(p, 0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const parts = f32x4.add(v128.load(o + k), f32x4.mul(ofPrior, v128.load(alpha + k)));
      const x = f32x4.mul(parts, v128.load(beta + row + k));
      v128.store(o + k, x);
      v128.store(topics + row + k, f32x4.add(v128.load(topics + row + k), x));
    }
    for (let k: usize = 0; k < bytes; k += 8) {
      v128.store(total + 2 * k, f64x2.add(v128.load(total + 2 * k), promote(o + k)));
    }
  }
}

/** β_w = (S_w + η) ⊙ scale of terms [from, to), V×K4. */
export function collapsedPoints(
  from: u32,
  to: u32,
  K4: u32,
  eta: f32,
  topics: usize,
  beta: usize,
  scale: usize,
): void {
  const bytes = <usize>K4 << 2;
  const prior = f32x4.splat(eta);
  for (let row = <usize>from * bytes; row < <usize>to * bytes; row += bytes) {
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = f32x4.add(v128.load(topics + row + k), prior);
      v128.store(beta + row + k, f32x4.mul(x, v128.load(scale + k)));
    }
  }
}

/**
 * Completes documents [from, to): θ_d from the observed tokens alone, by `rounds` of θ ∝ α + Σ_w n_w φ_w with
 * φ_wk ∝ θ_k β_wk from uniform on, then Σ n ln Σ_k θ_k β_wk over the other tokens into scores[d] (f64).
 *
 * theta and acc are room for K4, ratio for the entries of a document.
 */
export function collapsedCompletion(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  rounds: u32,
  observedStart: usize,
  observedTerm: usize,
  observedCount: usize,
  otherStart: usize,
  otherTerm: usize,
  otherCount: usize,
  alpha: usize,
  beta: usize,
  theta: usize,
  acc: usize,
  ratio: usize,
  scores: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let d = from; d < to; d++) {
    const at = <usize>d << 2;
    const first = load<u32>(observedStart + at);
    const entries = load<u32>(observedStart + at, 4) - first;
    for (let k: u32 = 0; k < K4; k++) store<f32>(theta + (<usize>k << 2), k < K ? 1 / <f32>K : 0);
    for (let round: u32 = 0; round < rounds; round++) {
      const place = <usize>first << 2;
      weigh(entries, observedTerm + place, observedCount + place, beta, theta, acc, ratio, bytes);
      let total = f32x4.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        const x = f32x4.add(v128.load(alpha + k), f32x4.mul(v128.load(theta + k), v128.load(acc + k)));
        total = f32x4.add(total, x);
        v128.store(theta + k, x);
      }
      const scale = f32x4.splat(1 / sumOf(total));
      for (let k: usize = 0; k < bytes; k += 16) v128.store(theta + k, f32x4.mul(v128.load(theta + k), scale));
    }
    let score = f64x2.splat(0);
    const end = load<u32>(otherStart + at, 4);
    for (let i = load<u32>(otherStart + at); i < end; i++) {
      const b = beta + <usize>load<u32>(otherTerm + (<usize>i << 2)) * bytes;
      const p = log2x(f64x2.splat(<f64>dot(theta, b, bytes)));
      score = f64x2.add(score, f64x2.mul(f64x2.splat(<f64>load<f32>(otherCount + (<usize>i << 2))), p));
    }
    store<f64>(scores + (<usize>d << 3), f64x2.extract_lane(score, 0));
  }
}
