// Twins of the inner loops of models/lda-collapsed.ts, in f32. Rows of K numbers are padded with zeros to K4, a multiple
// of 4. Pointers are bytes; no bounds are checked here.
import { log2x } from './special';
import { sumOf, weigh } from './lda';

/**
 * Withdraws a block from the topics, rows [from, to) of the block: S_w −= S_bw, S_bw = 0, and from what is left
 * β_w = (S_w + noise · start_w + η) ⊙ scale.
 *
 * Row j is term terms[j]. S, start, beta are V×K4; own (S_b) has a row for each term of the block; scale is K4.
 */
export function collapsedTopics(
  from: u32,
  to: u32,
  K4: u32,
  eta: f32,
  noise: f32,
  terms: usize,
  start: usize,
  topics: usize,
  own: usize,
  beta: usize,
  scale: usize,
): void {
  const bytes = <usize>K4 << 2;
  const prior = f32x4.splat(eta);
  const share = f32x4.splat(noise);
  const zero = f32x4.splat(0);
  for (let j = from; j < to; j++) {
    const row = <usize>load<u32>(terms + (<usize>j << 2)) * bytes;
    const o = own + <usize>j * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      // what is left of a withdrawn count may be rounding below 0
      const left = f32x4.max(f32x4.sub(v128.load(topics + row + k), v128.load(o + k)), zero);
      v128.store(topics + row + k, left);
      v128.store(o + k, zero);
      let b = f32x4.add(left, prior);
      if (noise !== 0) b = f32x4.add(b, f32x4.mul(share, v128.load(start + row + k)));
      v128.store(beta + row + k, f32x4.mul(b, v128.load(scale + k)));
    }
  }
}

/** What is left of N_dk + α_k without a token is at least this: all but rounding. */
const LEAST: f32 = 1e-6;

/**
 * One entry's turn, four topics at `at`: settles the turn before, whose weights `last` count `lastWeight` each, and takes
 * the entry's old shares x · scale off. Leaves N_dk + α_k without the entry in `own`, and the new weights, not normalised,
 * in x.
 */
// @ts-ignore: decorator
@inline
function turn(
  own: usize,
  last: usize,
  x: usize,
  beta: usize,
  lastWeight: v128,
  scale: v128,
  n: v128,
): v128 {
  const all = f32x4.add(v128.load(own), f32x4.mul(v128.load(last), lastWeight));
  const r = f32x4.mul(v128.load(x), scale);
  const others = f32x4.max(f32x4.sub(all, r), f32x4.splat(LEAST));
  const weight = f32x4.mul(others, v128.load(beta));
  v128.store(own, f32x4.sub(all, f32x4.mul(n, r)));
  v128.store(x, weight);
  return weight;
}

/**
 * Visits documents [from, to): `rounds` of self-excluding updates. Improves tokens (D×K4); leaves the topics' shares of
 * one token of each entry as share (entries from `firstEntry` on × K4) times scale (entries). `own` is room for K4. Of each
 * document whose number is a multiple of `every`, draws a topic for each of its tokens: drawn (documents / every × K4)
 * counts them.
 */
export function collapsedDocuments(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  rounds: u32,
  rowStart: usize,
  term: usize,
  count: usize,
  alpha: usize,
  beta: usize,
  tokens: usize,
  firstEntry: u32,
  share: usize,
  scale: usize,
  own: usize,
  seed: u32,
  every: u32,
  drawn: usize,
): void {
  const bytes = <usize>K4 << 2;
  const zero = f32x4.splat(0);
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 2);
    const scales = scale + (<usize>first << 2);
    const shares = share + <usize>(first - firstEntry) * bytes;
    const n = tokens + <usize>d * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(own + k, f32x4.add(v128.load(n + k), v128.load(alpha + k)));
    }
    for (let i: u32 = 0; i < entries; i++) {
      const b = beta + <usize>load<u32>(terms + (<usize>i << 2)) * bytes;
      const x = shares + <usize>i * bytes;
      let s = zero;
      for (let k: usize = 0; k < bytes; k += 16) {
        const weight = f32x4.mul(v128.load(own + k), v128.load(b + k));
        s = f32x4.add(s, weight);
        v128.store(x + k, weight);
      }
      store<f32>(scales + (<usize>i << 2), 1 / sumOf(s));
    }
    for (let round: u32 = 0; round < rounds; round++) {
      let last = shares;
      let lastWeight = zero;
      for (let i: u32 = 0; i < entries; i++) {
        const b = beta + <usize>load<u32>(terms + (<usize>i << 2)) * bytes;
        const x = shares + <usize>i * bytes;
        const old = f32x4.splat(load<f32>(scales + (<usize>i << 2)));
        const c = load<f32>(counts + (<usize>i << 2));
        const times = f32x4.splat(c);
        let s = zero;
        let k: usize = 0;
        for (; k + 32 <= bytes; k += 32) {
          const even = turn(own + k, last + k, x + k, b + k, lastWeight, old, times);
          const odd = turn(own + k + 16, last + k + 16, x + k + 16, b + k + 16, lastWeight, old, times);
          s = f32x4.add(s, f32x4.add(even, odd));
        }
        if (k < bytes) s = f32x4.add(s, turn(own + k, last + k, x + k, b + k, lastWeight, old, times));
        const now: f32 = 1 / sumOf(s);
        store<f32>(scales + (<usize>i << 2), now);
        last = x;
        lastWeight = f32x4.splat(c * now);
      }
      if (round > 0) {
        for (let k: usize = 0; k < bytes; k += 16) {
          v128.store(own + k, f32x4.add(v128.load(own + k), f32x4.mul(v128.load(last + k), lastWeight)));
        }
        continue;
      }
      // The shares the visit began with do not sum to the counts; those of a round do.
      memory.copy(own, alpha, bytes);
      for (let i: u32 = 0; i < entries; i++) {
        const x = shares + <usize>i * bytes;
        const at = <usize>i << 2;
        const w = f32x4.splat(load<f32>(counts + at) * load<f32>(scales + at));
        for (let k: usize = 0; k < bytes; k += 16) {
          v128.store(own + k, f32x4.add(v128.load(own + k), f32x4.mul(v128.load(x + k), w)));
        }
      }
    }
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(n + k, f32x4.max(f32x4.sub(v128.load(own + k), v128.load(alpha + k)), zero));
    }
    if (every > 0 && d % every === 0) {
      draw(entries, counts, shares, scales, K4, K, seed ^ (d * 0x9e3779b1), drawn + <usize>(d / every) * bytes);
    }
  }
}

/** Counts topics drawn for the tokens of a document, by an xorshift generator of its own. */
function draw(
  entries: u32,
  counts: usize,
  shares: usize,
  scales: usize,
  K4: u32,
  K: u32,
  seed: u32,
  drawn: usize,
): void {
  const bytes = <usize>K4 << 2;
  let x: u32 = seed === 0 ? 1 : seed;
  memory.fill(drawn, 0, bytes);
  for (let i: u32 = 0; i < entries; i++) {
    const r = shares + <usize>i * bytes;
    for (let n = load<f32>(counts + (<usize>i << 2)); n > 0; n--) {
      x ^= x << 13;
      x ^= x >> 17;
      x ^= x << 5;
      let left: f32 = (<f32>(x >> 8) * 5.9604644775390625e-8) / load<f32>(scales + (<usize>i << 2));
      let k: usize = 0;
      for (; k < (<usize>K - 1) << 2; k += 4) {
        left -= load<f32>(r + k);
        if (left <= 0) break;
      }
      store<f32>(drawn + k, load<f32>(drawn + k) + 1);
    }
  }
}

/**
 * Adds the shares of a chunk of documents to the topics, rows [from, to) of the chunk: S_bj and S_w each get Σ_i n_i r_i
 * over the entries of the row's term, in their order; r_i is share times scale.
 *
 * Row c of the chunk is row rows[c] of the block; its entries are [start[c], start[c + 1]) of `entry`, places counted
 * from `firstEntry`. `sum` is room for K4.
 */
export function collapsedTerms(
  from: u32,
  to: u32,
  K4: u32,
  rows: usize,
  start: usize,
  entry: usize,
  count: usize,
  firstEntry: u32,
  share: usize,
  scale: usize,
  terms: usize,
  topics: usize,
  own: usize,
  sum: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let c = from; c < to; c++) {
    const end = load<u32>(start + (<usize>c << 2), 4);
    memory.fill(sum, 0, bytes);
    for (let e = load<u32>(start + (<usize>c << 2)); e < end; e++) {
      const i = load<u32>(entry + (<usize>e << 2));
      const at = <usize>(firstEntry + i) << 2;
      const n = f32x4.splat(load<f32>(count + at) * load<f32>(scale + at));
      const r = share + <usize>i * bytes;
      for (let k: usize = 0; k < bytes; k += 16) {
        v128.store(sum + k, f32x4.add(v128.load(sum + k), f32x4.mul(n, v128.load(r + k))));
      }
    }
    const j = load<u32>(rows + (<usize>c << 2));
    const o = own + <usize>j * bytes;
    const s = topics + <usize>load<u32>(terms + (<usize>j << 2)) * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = v128.load(sum + k);
      v128.store(o + k, f32x4.add(v128.load(o + k), x));
      v128.store(s + k, f32x4.add(v128.load(s + k), x));
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
      let s = f32x4.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        s = f32x4.add(s, f32x4.mul(v128.load(theta + k), v128.load(b + k)));
      }
      const p = log2x(f64x2.splat(<f64>sumOf(s)));
      score = f64x2.add(score, f64x2.mul(f64x2.splat(<f64>load<f32>(otherCount + (<usize>i << 2))), p));
    }
    store<f64>(scores + (<usize>d << 3), f64x2.extract_lane(score, 0));
  }
}
