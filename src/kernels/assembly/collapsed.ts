// Twins of the inner loops of models/lda-collapsed.ts, in f32. Rows of K numbers are padded with zeros to K4, a multiple
// of 4. Pointers are bytes; no bounds are checked here.
import { weigh } from './lda';
import { add, addFour, dot, dotFour, sumOf } from './rows';
import { log2x } from './special';

/**
 * Withdraws a block from the topics, rows [from, to) of the block: S_w −= S_bw, S_bw = 0 (while there is noise, in the
 * first pass, both are 0 already), and from what is left
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
    if (noise > 0) {
      // in the first pass, and there is nothing to withdraw: the rows of S_b have not been touched yet
      for (let k: usize = 0; k < bytes; k += 16) {
        const b = f32x4.add(f32x4.add(v128.load(topics + row + k), prior), f32x4.mul(share, v128.load(start + row + k)));
        v128.store(beta + row + k, f32x4.mul(b, v128.load(scale + k)));
      }
      continue;
    }
    for (let k: usize = 0; k < bytes; k += 16) {
      // what is left of a withdrawn count may be rounding below 0
      const left = f32x4.pmax(f32x4.sub(v128.load(topics + row + k), v128.load(o + k)), zero);
      v128.store(topics + row + k, left);
      v128.store(o + k, zero);
      v128.store(beta + row + k, f32x4.mul(f32x4.add(left, prior), v128.load(scale + k)));
    }
  }
}

/** What is left of N_dk + α_k without a token is at least this: in a first round shares may not sum to the counts. */
const LEAST: f32 = 1e-6;

/**
 * One entry's turn, four topics at `at`: settles the turn before, whose weights `last` count `lastWeight` each, and takes
 * the entry's old shares r off. Leaves N_dk + α_k without the entry in `own`, and the new weights, not normalised, in x.
 */
// @ts-ignore: decorator
@inline
function turn(own: usize, last: usize, lastWeight: v128, r: v128, n: v128, beta: usize, x: usize): v128 {
  const all = f32x4.add(v128.load(own), f32x4.mul(v128.load(last), lastWeight));
  const others = f32x4.pmax(f32x4.sub(all, r), f32x4.splat(LEAST));
  const weight = f32x4.mul(others, v128.load(beta));
  v128.store(own, f32x4.sub(all, f32x4.mul(n, r)));
  v128.store(x, weight);
  return weight;
}

/**
 * Visits documents [from, to): `rounds` of self-excluding updates. Improves tokens (D×K4); leaves the topics' shares of
 * one token of each entry as share (entries from `firstEntry` on × K4) times scale (entries). `own` is room for 2×K4. Of
 * each document whose number is a multiple of `every`, draws a topic for each of its tokens: drawn (documents / every × K4)
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
  const start = own + bytes;
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
      const x = f32x4.add(v128.load(n + k), v128.load(alpha + k));
      v128.store(own + k, x);
      v128.store(start + k, x);
    }
    sums(entries, terms, beta, start, scales, bytes);
    for (let round: u32 = 0; round < rounds; round++) {
      let x = shares;
      let last = start;
      let lastWeight = f32x4.splat(0);
      for (let at: usize = 0; at < <usize>entries << 2; at += 4) {
        const b = beta + <usize>load<u32>(terms + at) * bytes;
        const old = f32x4.splat(load<f32>(scales + at));
        const times = f32x4.splat(load<f32>(counts + at));
        let s = f32x4.splat(0);
        if (round === 0) {
          for (let k: usize = 0; k < bytes; k += 16) {
            const r = f32x4.mul(f32x4.mul(v128.load(start + k), v128.load(b + k)), old);
            s = f32x4.add(s, turn(own + k, last + k, lastWeight, r, times, b + k, x + k));
          }
        } else {
          for (let k: usize = 0; k < bytes; k += 16) {
            const r = f32x4.mul(v128.load(x + k), old);
            s = f32x4.add(s, turn(own + k, last + k, lastWeight, r, times, b + k, x + k));
          }
        }
        const now: f32 = 1 / sumOf(s);
        store<f32>(scales + at, now);
        lastWeight = f32x4.mul(times, f32x4.splat(now));
        last = x;
        x += bytes;
      }
      if (round > 0) {
        add(own, last, f32x4.extract_lane(lastWeight, 0), bytes);
      } else {
        // The shares the visit began with do not sum to the counts; those of a round do.
        memory.copy(own, alpha, bytes);
        addUp(entries, counts, scales, shares, bytes, own);
      }
    }
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(n + k, f32x4.pmax(f32x4.sub(v128.load(own + k), v128.load(alpha + k)), f32x4.splat(0)));
    }
    if (every > 0 && d % every === 0) {
      draw(entries, counts, shares, scales, K4, K, seed ^ (d * 0x9e3779b1), drawn + <usize>(d / every) * bytes);
    }
  }
}

/** 1 / Σ_k own_k β_k of each entry. */
function sums(entries: u32, term: usize, beta: usize, own: usize, scale: usize, bytes: usize): void {
  let i: u32 = 0;
  for (; i + 4 <= entries; i += 4) {
    const at = <usize>i << 2;
    const b0 = beta + <usize>load<u32>(term + at) * bytes;
    const b1 = beta + <usize>load<u32>(term + at, 4) * bytes;
    const b2 = beta + <usize>load<u32>(term + at, 8) * bytes;
    const b3 = beta + <usize>load<u32>(term + at, 12) * bytes;
    const r = scale + at;
    dotFour(own, b0, b1, b2, b3, r, bytes);
    store<f32>(r, 1 / load<f32>(r));
    store<f32>(r, 1 / load<f32>(r, 4), 4);
    store<f32>(r, 1 / load<f32>(r, 8), 8);
    store<f32>(r, 1 / load<f32>(r, 12), 12);
  }
  for (; i < entries; i++) {
    const at = <usize>i << 2;
    const b = beta + <usize>load<u32>(term + at) * bytes;
    store<f32>(scale + at, 1 / dot(own, b, bytes));
  }
}

/** Adds the shares of the tokens of a document to `own`. */
function addUp(entries: u32, count: usize, scale: usize, share: usize, bytes: usize, own: usize): void {
  const end = <usize>entries << 2;
  let at: usize = 0;
  let x = share;
  for (; at + 16 <= end; at += 16, x += 4 * bytes) {
    addFour(
      own,
      x,
      x + bytes,
      x + 2 * bytes,
      x + 3 * bytes,
      load<f32>(count + at) * load<f32>(scale + at),
      load<f32>(count + at, 4) * load<f32>(scale + at, 4),
      load<f32>(count + at, 8) * load<f32>(scale + at, 8),
      load<f32>(count + at, 12) * load<f32>(scale + at, 12),
      bytes,
    );
  }
  for (; at < end; at += 4, x += bytes) add(own, x, load<f32>(count + at) * load<f32>(scale + at), bytes);
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
      for (; k + 16 < bytes; k += 16) {
        const four = sumOf(v128.load(r + k));
        if (left <= four) break;
        left -= four;
      }
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
 * from `firstEntry`. `sum` is room for K4. S_b is zero before the block's first chunk (`isFirst`).
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
  isFirst: u32,
): void {
  const bytes = <usize>K4 << 2;
  const counts = count + (<usize>firstEntry << 2);
  const scales = scale + (<usize>firstEntry << 2);
  for (let c = from; c < to; c++) {
    const end = entry + (<usize>load<u32>(start + (<usize>c << 2), 4) << 2);
    let e = entry + (<usize>load<u32>(start + (<usize>c << 2)) << 2);
    memory.fill(sum, 0, bytes);
    for (; e + 16 <= end; e += 16) {
      const i0 = <usize>load<u32>(e);
      const i1 = <usize>load<u32>(e, 4);
      const i2 = <usize>load<u32>(e, 8);
      const i3 = <usize>load<u32>(e, 12);
      addFour(
        sum,
        share + i0 * bytes,
        share + i1 * bytes,
        share + i2 * bytes,
        share + i3 * bytes,
        load<f32>(counts + (i0 << 2)) * load<f32>(scales + (i0 << 2)),
        load<f32>(counts + (i1 << 2)) * load<f32>(scales + (i1 << 2)),
        load<f32>(counts + (i2 << 2)) * load<f32>(scales + (i2 << 2)),
        load<f32>(counts + (i3 << 2)) * load<f32>(scales + (i3 << 2)),
        bytes,
      );
    }
    for (; e < end; e += 4) {
      const i = <usize>load<u32>(e);
      add(sum, share + i * bytes, load<f32>(counts + (i << 2)) * load<f32>(scales + (i << 2)), bytes);
    }
    const j = load<u32>(rows + (<usize>c << 2));
    const o = own + <usize>j * bytes;
    const s = topics + <usize>load<u32>(terms + (<usize>j << 2)) * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = v128.load(sum + k);
      v128.store(o + k, isFirst ? x : f32x4.add(v128.load(o + k), x));
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
      const p = log2x(f64x2.splat(<f64>dot(theta, b, bytes)));
      score = f64x2.add(score, f64x2.mul(f64x2.splat(<f64>load<f32>(otherCount + (<usize>i << 2))), p));
    }
    store<f64>(scores + (<usize>d << 3), f64x2.extract_lane(score, 0));
  }
}
