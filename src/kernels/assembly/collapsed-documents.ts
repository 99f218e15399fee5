// Twins of the visit of a document of models/lda-collapsed-steps.ts, in f32. Rows of K numbers are padded with zeros to
// K4, a multiple of 4. Pointers are bytes; no bounds are checked here.
import { add, clear, sumOf } from './rows';

/** Draws for the tokens of one term, but for rounding, and room for them; see kernels/collapsed.ts. */
const MOST_DRAWS: f32 = 20;
const DRAWS_ROOM: usize = 24;

/** A total is at least this, though no α and β that can be given come near it. */
const LEAST: f32 = 1e-30;

/**
 * What a visit leaves of an entry, four numbers that `collapsedTerms` needs together: the part of the prior, how many topics
 * the document has come to, the parts of their tokens, and where these topics are in a row, in bytes.
 */
export const ENTRY: usize = 16;
export const PRIOR: usize = 0;
export const TOPICS: usize = 4;
export const PARTS: usize = 8;
export const PLACES: usize = 12;

/** Bytes at first of the rows of a document's own topics. */
const FIRST_WIDTH: usize = 64;

/** Below 1 by the least that single precision can tell. */
const BELOW_ONE: f32 = 0.99999994;

/**
 * Visits documents [from, to) of a chunk, whose first is document `firstDocument` of all: topics are drawn for their tokens,
 * then again in each of `rounds` rounds, of which the last `kept` count. Writes tokens (D×K4), the mean of these rounds;
 * leaves the parts of the topics of each entry in `part` and what else `collapsedTerms` needs in `left`, ENTRY bytes each, at
 * `place`. Each document has a row of K4 in `places`; each entry a row in `part` and in `known` (its β), and DRAWS_ROOM
 * numbers in `draws`. `room` is for 4×K4 + 8, of which the last K4 are 0. Draws topics by the parts for each document whose
 * number is a multiple of `every`, unless that is 0: drawn (documents / every × K4) counts them.
 */
export function collapsedDocuments(
  firstDocument: u32,
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  rounds: u32,
  kept: u32,
  rowStart: usize,
  term: usize,
  count: usize,
  alpha: usize,
  beta: usize,
  spread: usize,
  tokens: usize,
  part: usize,
  known: usize,
  places: usize,
  draws: usize,
  place: usize,
  left: usize,
  room: usize,
  seed: u32,
  every: u32,
  drawn: usize,
): void {
  const bytes = <usize>K4 << 2;
  const held = room;
  const mean = held + bytes;
  const weights = mean + bytes;
  const local = weights + bytes + 32;
  for (let nth = <usize>from; nth < <usize>to; nth++) {
    const first = <usize>load<u32>(rowStart + (nth << 2));
    const entries = load<u32>(rowStart + (nth << 2), 4) - <u32>first;
    if (entries === 0) continue;
    const d = firstDocument + <u32>nth;
    const terms = term + (first << 2);
    const counts = count + (first << 2);
    const parts = part + first * bytes;
    const betas = known + first * bytes;
    const list = places + nth * bytes;
    const topics = draws + first * (DRAWS_ROOM << 2);
    const leftOf = place + (first << 2);
    let random = seeded(seed, d);
    const begin = random % entries;
    // the topics that the document has come to, one after the other, take `own` bytes of rows of `width`
    let own: usize = 0;
    let width = min<usize>(FIRST_WIDTH, bytes);
    clear(parts, <usize>entries * width);
    clear(betas, <usize>entries * width);
    clear(held, 2 * bytes);
    for (let i: u32 = 0; i < entries; i++) store<f32>(entryOf(left, leftOf, i), 0, PRIOR);

    for (let round: u32 = 0; round <= rounds; round++) {
      const isKept = round + kept > rounds;
      let z = topics;
      for (let e: u32 = 0; e < entries; e++) {
        const i = e + begin < entries ? e + begin : e + begin - entries;
        const w = <usize>load<u32>(terms + (<usize>i << 2));
        const row = beta + w * bytes;
        const prior = load<f32>(spread + (w << 2));
        const n = load<f32>(counts + (<usize>i << 2));
        const most: f32 = ceil(n / MOST_DRAWS);
        let p = parts + <usize>i * width;
        let b = betas + <usize>i * width;
        let ofPrior: f32 = 0;
        for (let rest = n; rest > 0; rest -= most, z += 4) {
          const c = most < rest ? most : rest;
          if (round > 0) addTo(held, <usize>load<u32>(z), -c);
          const sum = runningSums(held, b, own, weights);
          const ofOwn = sumOf(sum);
          const sure = ofOwn + prior;
          const total = sure > LEAST ? sure : LEAST;
          if (isKept) {
            const x: f32 = c / (<f32>kept * total);
            add(p, held, x, own);
            ofPrior += x;
          }
          random = next(random);
          const x = uniform(random) * total;
          let topic: usize = 0;
          if (x < ofOwn) {
            topic = pass(x, sum, weights, own);
          } else {
            const k = passPrior(x - ofOwn, alpha, row, K, bytes);
            const has = <usize>load<u32>(local + k);
            if (has !== 0) {
              topic = has - 4;
            } else {
              topic = own;
              own += 4;
              if (own > width) {
                const wider = min<usize>(2 * width, bytes);
                widen(parts, entries, width, wider);
                widen(betas, entries, width, wider);
                width = wider;
                p = parts + <usize>i * width;
                b = betas + <usize>i * width;
              }
              store<u32>(list + topic, <u32>k);
              store<u32>(local + k, <u32>own);
              take(betas + topic, width, entries, terms, beta + k, bytes);
            }
          }
          addTo(held, topic, c);
          store<u32>(z, <u32>topic);
        }
        if (isKept) {
          const e = entryOf(left, leftOf, i);
          store<f32>(e, load<f32>(e, PRIOR) + ofPrior, PRIOR);
        }
      }
      if (isKept) add(mean, held, 1 / <f32>kept, own);
    }

    const row = tokens + <usize>d * bytes;
    clear(row, bytes);
    for (let j: usize = 0; j < own; j += 4) {
      const k = <usize>load<u32>(list + j);
      store<f32>(row + k, load<f32>(mean + j));
      store<u32>(local + k, 0);
    }
    for (let i: u32 = 0; i < entries; i++) {
      const e = entryOf(left, leftOf, i);
      store<u32>(e, <u32>(own >> 2), TOPICS);
      store<u32>(e, parts + <usize>i * width, PARTS);
      store<u32>(e, list, PLACES);
    }

    if (every === 0 || d % every !== 0) continue;
    const out = drawn + <usize>(d / every) * bytes;
    clear(out, bytes);
    for (let i: u32 = 0; i < entries; i++) {
      const w = <usize>load<u32>(terms + (<usize>i << 2));
      const ofPrior = load<f32>(entryOf(left, leftOf, i), PRIOR);
      const sum = runningSums(parts + <usize>i * width, betas + <usize>i * width, own, weights);
      const ofOwn = sumOf(sum);
      const total = ofOwn + ofPrior * load<f32>(spread + (w << 2));
      const n = load<f32>(counts + (<usize>i << 2));
      const most: f32 = ceil(n / MOST_DRAWS);
      for (let rest = n; rest > 0; rest -= most) {
        random = next(random);
        const x = uniform(random) * total;
        const k =
          x < ofOwn
            ? <usize>load<u32>(list + pass(x, sum, weights, own))
            : passPrior((x - ofOwn) / ofPrior, alpha, beta + w * bytes, K, bytes);
        store<f32>(out + k, load<f32>(out + k) + min(most, rest));
      }
    }
  }
}

/** β of a topic, of each entry, into a column of rows of `width`. */
function take(column: usize, width: usize, entries: u32, terms: usize, betaOf: usize, bytes: usize): void {
  for (let i: usize = 0; i < entries; i++) {
    store<f32>(column + i * width, load<f32>(betaOf + <usize>load<u32>(terms + (i << 2)) * bytes));
  }
}

// @ts-ignore: decorator
@inline
function entryOf(left: usize, place: usize, i: u32): usize {
  return left + <usize>load<u32>(place + (<usize>i << 2)) * ENTRY;
}

/**
 * Adds to one number of a row, four at a time, for they are loaded again at once, four at a time. What rounding leaves below
 * 0, of counts beyond 2^24, is 0.
 */
// @ts-ignore: decorator
@inline
function addTo(row: usize, at: usize, x: f32): void {
  const four = row + (at & ~15);
  const place = i32x4.eq(i32x4.splat(<i32>at & 15), i32x4(0, 4, 8, 12));
  const sum = f32x4.add(v128.load(four), v128.and(place, f32x4.splat(x)));
  v128.store(four, f32x4.pmax(sum, f32x4.splat(0)));
}

/** Products of two rows: leaves in `weights` Σ of those up to each one, four side by side. Returns all of these sums. */
// @ts-ignore: decorator
@inline
function runningSums(a: usize, b: usize, own: usize, weights: usize): v128 {
  let sum = f32x4.splat(0);
  for (let j: usize = 0; j < own; j += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(a + j), v128.load(b + j)));
    v128.store(weights + j, sum);
  }
  return sum;
}

/**
 * The first product of `runningSums`, of one side after the other, up to which all are more than x; x is less than all are.
 */
// @ts-ignore: decorator
@inline
function pass(x: f32, sum: v128, weights: usize, own: usize): usize {
  const s0 = f32x4.extract_lane(sum, 0);
  const s1 = s0 + f32x4.extract_lane(sum, 1);
  const s2 = s1 + f32x4.extract_lane(sum, 2);
  const side: usize = <usize>(x >= s0) + <usize>(x >= s1) + <usize>(x >= s2);
  const room = weights + ((own + 15) & ~15);
  v128.store(room, sum);
  store<f32>(room, 0, 16);
  store<f32>(room, s0, 20);
  store<f32>(room, s1, 24);
  store<f32>(room, s2, 28);
  const before = load<f32>(room + (side << 2), 16);
  // rounding must not lead beyond the last product that is not 0
  const most = load<f32>(room + (side << 2)) * BELOW_ONE;
  const rest = f32x4.splat(x - before < most ? x - before : most);
  let passed = i32x4.splat(0);
  for (let j: usize = 0; j < own; j += 16) {
    passed = i32x4.sub(passed, f32x4.le(v128.load(weights + j), rest));
  }
  v128.store(room, passed);
  const found = (<usize>load<u32>(room + (side << 2)) << 4) + (side << 2);
  return found < own ? found : own - 4;
}

/** The first k whose Σ α_j β_j, j up to k, is more than x: its place in a row. */
function passPrior(x: f32, alpha: usize, row: usize, K: u32, bytes: usize): usize {
  let k: usize = 0;
  for (; k + 16 < bytes; k += 16) {
    const four = sumOf(f32x4.mul(v128.load(alpha + k), v128.load(row + k)));
    if (x < four) break;
    x -= four;
  }
  for (; k < (<usize>K - 1) << 2; k += 4) {
    const one = load<f32>(alpha + k) * load<f32>(row + k);
    if (x < one) break;
    x -= one;
  }
  return k;
}

/** Moves rows of `from` bytes to where rows of `to` bytes are, the last first, and fills them with 0. */
function widen(rows: usize, count: u32, from: usize, to: usize): void {
  for (let i = <usize>count; i-- > 0; ) {
    const old = rows + i * from;
    const now = rows + i * to;
    for (let k = to; k > from; k -= 16) v128.store(now + k - 16, f32x4.splat(0));
    for (let k = from; k > 0; k -= 16) v128.store(now + k - 16, v128.load(old + k - 16));
  }
}

/** Where a xorshift generator of a document's own starts: at bits well mixed (the finalizer of MurmurHash3), never 0. */
function seeded(seed: u32, d: u32): u32 {
  let x = seed ^ (d * 0x9e3779b1);
  x = (x ^ (x >> 16)) * 0x85ebca6b;
  x = (x ^ (x >> 13)) * 0xc2b2ae35;
  x ^= x >> 16;
  return x === 0 ? 1 : x;
}

// @ts-ignore: decorator
@inline
function next(random: u32): u32 {
  random ^= random << 13;
  random ^= random >> 17;
  return random ^ (random << 5);
}

/** From [0, 1). */
// @ts-ignore: decorator
@inline
function uniform(random: u32): f32 {
  return <f32>(<i32>(random >> 8)) * 5.9604644775390625e-8;
}
