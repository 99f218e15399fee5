// Twins of the visit of a document of models/lda-collapsed.ts, in f32. Rows of K numbers are padded with zeros to K4, a
// multiple of 4. Pointers are bytes; no bounds are checked here.
import { add, addFour, clear, copy, dot, dotFour, sumOf } from './rows';

/** What is left of N_dk + α_k without a token is at least this: in a first round shares may not sum to the counts. */
const LEAST: f32 = 1e-6;

/**
 * One entry's turn: settles the turn before, whose weights `last` count `lastWeight` each, and takes the entry's old shares
 * off: its weights in x over their sum, or before it had any those of `start`. Leaves N_dk + α_k without the entry in `own`
 * and the new weights, not normalised, in x.
 *
 * @param scale 1 / Σ of the old weights, four times; n: the entry's tokens, four times
 * @returns four sums of the new weights
 */
// @ts-ignore: decorator
@inline
function turn(
  own: usize,
  last: usize,
  lastWeight: v128,
  start: usize,
  scale: v128,
  n: v128,
  beta: usize,
  x: usize,
  bytes: usize,
): v128 {
  let s = f32x4.splat(0);
  if (start !== 0) {
    for (let k: usize = 0; k < bytes; k += 16) {
      const r = f32x4.mul(f32x4.mul(v128.load(start + k), v128.load(beta + k)), scale);
      s = f32x4.add(s, turnOfFour(own + k, last + k, lastWeight, r, n, beta + k, x + k));
    }
  } else {
    for (let k: usize = 0; k < bytes; k += 16) {
      const r = f32x4.mul(v128.load(x + k), scale);
      s = f32x4.add(s, turnOfFour(own + k, last + k, lastWeight, r, n, beta + k, x + k));
    }
  }
  return s;
}

/** The turn of four topics, whose old shares are r. */
// @ts-ignore: decorator
@inline
function turnOfFour(own: usize, last: usize, lastWeight: v128, r: v128, n: v128, beta: usize, x: usize): v128 {
  const all = f32x4.add(v128.load(own), f32x4.mul(v128.load(last), lastWeight));
  const others = f32x4.pmax(f32x4.sub(all, r), f32x4.splat(LEAST));
  const weight = f32x4.mul(others, v128.load(beta));
  v128.store(own, f32x4.sub(all, f32x4.mul(n, r)));
  v128.store(x, weight);
  return weight;
}

/**
 * What a visit leaves of an entry, five numbers that `collapsedTerms` needs together: n / s, by which its weights are
 * tokens; where the weights are; and if the topics are few (`visitFew`), how many they are, else 0, where their places in a
 * row are, and the tokens of the others over α β. What these would give the few, were they of all, is then off the few's
 * weights, which are tokens already.
 */
export const ENTRY: usize = 20;
export const WEIGHTS: usize = 4;
export const TOPICS: usize = 8;
export const PLACES: usize = 12;
export const OTHERS: usize = 16;

/**
 * Visits documents [from, to): `rounds` of self-excluding updates. Improves tokens (D×K4); leaves the topics' weights of
 * each entry in `share` (entries from `firstEntry` on × K4), and what they count in `left`, ENTRY bytes each, at `place`
 * (entries). Entries from `firstEntry` on have room in `scale` for 1 / Σ of the weights, in `pair` for two numbers each;
 * `own` is room for 2×K4. With `mayBeFew`, documents whose tokens are of few topics are visited with these; without, draws a
 * topic for each of the tokens of each document whose number is a multiple of `every`, unless that is 0: drawn
 * (documents / every × K4) counts them.
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
  spread: usize,
  tokens: usize,
  firstEntry: u32,
  share: usize,
  place: usize,
  left: usize,
  pair: usize,
  scale: usize,
  own: usize,
  mayBeFew: u32,
  seed: u32,
  every: u32,
  drawn: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 2);
    const scales = scale + (<usize>(first - firstEntry) << 2);
    const shares = share + <usize>(first - firstEntry) * bytes;
    const placeOf = place + (<usize>first << 2);
    const pairs = pair + (<usize>(first - firstEntry) << 3);
    const n = tokens + <usize>d * bytes;
    const few: u32 = mayBeFew && entries >= ENTRIES_OF_FEW ? placesOf(n, shares, bytes) : 0;
    if (few !== 0) {
      visitFew(few, entries, rounds, terms, counts, alpha, beta, spread, n, shares, placeOf, left, pairs, scales, own, bytes);
    } else {
      visit(entries, rounds, terms, counts, alpha, beta, n, shares, placeOf, left, scales, own, bytes);
    }
    if (every > 0 && d % every === 0) {
      draw(entries, counts, shares, scales, K4, K, seed ^ (d * 0x9e3779b1), drawn + <usize>(d / every) * bytes);
    }
  }
}

/** One document with all topics. */
function visit(
  entries: u32,
  rounds: u32,
  terms: usize,
  counts: usize,
  alpha: usize,
  beta: usize,
  n: usize,
  shares: usize,
  place: usize,
  left: usize,
  scales: usize,
  own: usize,
  bytes: usize,
): void {
  const start = own + bytes;
  const end = <usize>entries << 2;
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
    for (let at: usize = 0; at < end; at += 4) {
      const b = beta + <usize>load<u32>(terms + at) * bytes;
      const old = f32x4.splat(load<f32>(scales + at));
      const times = f32x4.splat(load<f32>(counts + at));
      const s = turn(own, last, lastWeight, round === 0 ? start : 0, old, times, b, x, bytes);
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
      copy(own, alpha, bytes);
      addUp(entries, counts, scales, shares, bytes, own);
    }
  }
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(n + k, f32x4.pmax(f32x4.sub(v128.load(own + k), v128.load(alpha + k)), f32x4.splat(0)));
  }
  for (let at: usize = 0; at < end; at += 4, shares += bytes) {
    const f = left + <usize>load<u32>(place + at) * ENTRY;
    store<f32>(f, load<f32>(counts + at) * load<f32>(scales + at));
    store<u32>(f, shares, WEIGHTS);
    store<u32>(f, 0, TOPICS);
  }
}

/** See models/lda-collapsed.ts. */
const FEW: usize = 40;
const OWN: f32 = 0.3;
const OWN_PART: f32 = 0.003;
const HELD: f32 = 0.75;
/** So the weights of few topics fit in the place of those of all, with their β and their places. */
const ENTRIES_OF_FEW: u32 = 3;

/** Of an entry while its document is visited with few topics: β of the others, and their count without it. */
const PAIR: usize = 8;

/** What rounding may leave of the α of the other topics is not below this. */
const LEAST_PRIOR: f32 = 1e-30;

/** Bytes of a row of few topics, padded as rows are. */
// @ts-ignore: decorator
@inline
function widthOf(few: u32): usize {
  return ((<usize>few << 2) + 15) & ~15;
}

/**
 * The topics that a document has tokens of, if they are few and have most of its tokens: their places in a row, in bytes,
 * in `places`.
 *
 * @returns how many they are, or 0
 */
function placesOf(n: usize, places: usize, bytes: usize): u32 {
  let sum = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) sum = f32x4.add(sum, v128.load(n + k));
  const all = sumOf(sum);
  const least = f32x4.splat(min(OWN, OWN_PART * all));
  let held: f32 = 0;
  let few: u32 = 0;
  for (let k: usize = 0; k < bytes; k += 16) {
    const has = i32x4.bitmask(f32x4.gt(v128.load(n + k), least));
    if (has === 0) continue;
    for (let lane: i32 = 0; lane < 4; lane++) {
      if (((has >> lane) & 1) === 0) continue;
      const place = k + (<usize>lane << 2);
      held += load<f32>(n + place);
      store<u32>(places + (<usize>few << 2), place);
      few++;
    }
  }
  if (held < HELD * all || widthOf(few) * 100 > bytes * FEW) return 0;
  return few;
}

/**
 * One document with few topics, at the places of `placesOf`. The others are as one: its prior is A, the sum of their α,
 * and its β_w is (spread_w − Σ_k α_k β_wk) / A, k over the few. What tokens it has they share by α.
 */
function visitFew(
  few: u32,
  entries: u32,
  rounds: u32,
  terms: usize,
  counts: usize,
  alpha: usize,
  beta: usize,
  spread: usize,
  n: usize,
  places: usize,
  place: usize,
  left: usize,
  pairs: usize,
  scales: usize,
  own: usize,
  bytes: usize,
): void {
  const width = widthOf(few);
  const betas = places + width;
  const shares = betas + width * <usize>entries;
  const start = own + width;
  const priors = start + width;
  const end = <usize>entries << 2;
  const listEnd = places + (<usize>few << 2);

  let all = f32x4.splat(0);
  let allPriors = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    all = f32x4.add(all, v128.load(n + k));
    allPriors = f32x4.add(allPriors, v128.load(alpha + k));
  }
  // padded with 0
  const zero = f32x4.splat(0);
  v128.store(start + width - 16, zero);
  v128.store(priors + width - 16, zero);
  for (let at = places, k: usize = 0; at < listEnd; at += 4, k += 4) {
    const place = <usize>load<u32>(at);
    store<f32>(priors + k, load<f32>(alpha + place));
    store<f32>(start + k, load<f32>(n + place));
  }
  for (let k: usize = 0; k < width; k += 16) {
    const a = v128.load(priors + k);
    const x = v128.load(start + k);
    all = f32x4.sub(all, x);
    allPriors = f32x4.sub(allPriors, a);
    v128.store(start + k, f32x4.add(x, a));
    v128.store(own + k, f32x4.add(x, a));
  }
  const prior = max(sumOf(allPriors), LEAST_PRIOR);
  const ofAll = f32x4.splat(1 / prior);
  const startOfOthers = max(sumOf(all), 0) + prior;

  let b = betas;
  let f = pairs;
  for (let at: usize = 0; at < end; at += 4, b += width, f += PAIR) {
    const w = <usize>load<u32>(terms + at);
    const row = beta + w * bytes;
    v128.store(b + width - 16, zero);
    for (let at = places, to = b; at < listEnd; at += 4, to += 4) store<f32>(to, load<f32>(row + <usize>load<u32>(at)));
    let s = zero;
    let t = zero;
    for (let k: usize = 0; k < width; k += 16) {
      const x = v128.load(b + k);
      s = f32x4.add(s, f32x4.mul(v128.load(start + k), x));
      t = f32x4.add(t, f32x4.mul(v128.load(priors + k), x));
    }
    const ofOthers = max(load<f32>(spread + (w << 2)) - sumOf(t), 0) / prior;
    store<f32>(f, ofOthers);
    store<f32>(f, startOfOthers, 4);
    store<f32>(scales + at, 1 / (sumOf(s) + startOfOthers * ofOthers));
  }

  let others = startOfOthers;
  for (let round: u32 = 0; round < rounds; round++) {
    let x = shares;
    let last = start;
    let lastWeight = f32x4.splat(0);
    let lastOfOthers: f32 = 0;
    b = betas;
    f = pairs;
    for (let at: usize = 0; at < end; at += 4, b += width, f += PAIR) {
      const old = load<f32>(scales + at);
      const n = load<f32>(counts + at);
      const times = f32x4.splat(n);
      const olds = f32x4.splat(old);
      const s = turn(own, last, lastWeight, round === 0 ? start : 0, olds, times, b, x, width);
      // the turn of the others
      const ofOthers = load<f32>(f);
      const r = load<f32>(f, 4) * ofOthers * old;
      others += lastOfOthers;
      const without = max(others - r, LEAST);
      others -= n * r;
      store<f32>(f, without, 4);
      const now: f32 = 1 / (sumOf(s) + without * ofOthers);
      store<f32>(scales + at, now);
      lastWeight = f32x4.splat(n * now);
      lastOfOthers = n * now * without * ofOthers;
      last = x;
      x += width;
    }
    if (round > 0) {
      add(own, last, f32x4.extract_lane(lastWeight, 0), width);
      others += lastOfOthers;
    } else {
      copy(own, priors, width);
      addUp(entries, counts, scales, shares, width, own);
      others = prior;
      f = pairs;
      for (let at: usize = 0; at < end; at += 4, f += PAIR) {
        others += load<f32>(counts + at) * load<f32>(scales + at) * load<f32>(f, 4) * load<f32>(f);
      }
    }
  }

  const part = f32x4.mul(f32x4.splat(max(others - prior, 0)), ofAll);
  for (let k: usize = 0; k < bytes; k += 16) v128.store(n + k, f32x4.mul(part, v128.load(alpha + k)));
  for (let at = places, k: usize = 0; at < listEnd; at += 4, k += 4) {
    store<f32>(n + <usize>load<u32>(at), max(load<f32>(own + k) - load<f32>(priors + k), 0));
  }
  let x = shares;
  b = betas;
  f = pairs;
  for (let at: usize = 0; at < end; at += 4, x += width, b += width, f += PAIR) {
    const weight = load<f32>(counts + at) * load<f32>(scales + at);
    const ofOthers = (weight * load<f32>(f, 4)) / prior;
    for (let k: usize = 0; k < width; k += 16) {
      const asOthers = f32x4.mul(f32x4.splat(ofOthers), f32x4.mul(v128.load(priors + k), v128.load(b + k)));
      v128.store(x + k, f32x4.sub(f32x4.mul(f32x4.splat(weight), v128.load(x + k)), asOthers));
    }
    const e = left + <usize>load<u32>(place + at) * ENTRY;
    store<u32>(e, x, WEIGHTS);
    store<u32>(e, few, TOPICS);
    store<u32>(e, places, PLACES);
    store<f32>(e, ofOthers, OTHERS);
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

/** Counts topics drawn for the tokens of a document, visited with all topics, by an xorshift generator of its own. */
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
  clear(drawn, bytes);
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
