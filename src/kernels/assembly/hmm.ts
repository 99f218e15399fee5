// Twins of the inner loops of models/hmm.ts, in f64. Rows of K numbers are padded to K4, a multiple of 4. Pointers are
// bytes; no bounds are checked here.
import { multiply } from './matrix';
import { clear } from './rows';
import { expOfNegative, log2x, sum2x } from './special';

/** Adds rows of a matrix, those whose numbers are at `index`, each times its weight: in order, as the reference does. */
// @ts-ignore: decorator
@inline
function addRows(sum: usize, rows: usize, index: usize, weight: usize, count: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const at = index + (i << 2);
    const r0 = rows + <usize>load<u32>(at) * bytes;
    const r1 = rows + <usize>load<u32>(at, 4) * bytes;
    const r2 = rows + <usize>load<u32>(at, 8) * bytes;
    const r3 = rows + <usize>load<u32>(at, 12) * bytes;
    const w = weight + (i << 3);
    const w0 = v128.load64_splat(w);
    const w1 = v128.load64_splat(w, 8);
    const w2 = v128.load64_splat(w, 16);
    const w3 = v128.load64_splat(w, 24);
    for (let k: usize = 0; k < bytes; k += 16) {
      let x = f64x2.add(v128.load(sum + k), f64x2.mul(w0, v128.load(r0 + k)));
      x = f64x2.add(x, f64x2.mul(w1, v128.load(r1 + k)));
      x = f64x2.add(x, f64x2.mul(w2, v128.load(r2 + k)));
      v128.store(sum + k, f64x2.add(x, f64x2.mul(w3, v128.load(r3 + k))));
    }
  }
  for (; i < count; i++) {
    const row = rows + <usize>load<u32>(index + (i << 2)) * bytes;
    const w = v128.load64_splat(weight + (i << 3));
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(sum + k, f64x2.add(v128.load(sum + k), f64x2.mul(w, v128.load(row + k))));
    }
  }
}

/**
 * b_t of segments [from, to) into rows of `emission`, the first of which is that of segment `first`: each relative to its
 * maximum, 0 where it is padded. Of each segment two f64 in `found`, likewise: ln of the maximum, and its tokens.
 * logBeta is V×K4.
 */
export function hmmEmissions(
  from: u32,
  to: u32,
  first: u32,
  K4: u32,
  K: u32,
  rowStart: usize,
  term: usize,
  count: usize,
  logBeta: usize,
  emission: usize,
  found: usize,
): void {
  const bytes = <usize>K4 << 3;
  const ownBytes = <usize>K << 3;
  for (let s = from; s < to; s++) {
    const begin = <usize>load<u32>(rowStart + (<usize>s << 2));
    const entries = <usize>load<u32>(rowStart + (<usize>s << 2), 4) - begin;
    const counts = count + (begin << 3);
    const row = emission + <usize>(s - first) * bytes;
    clear(row, bytes);
    addRows(row, logBeta, term + (begin << 2), counts, entries, bytes);
    let most = v128.load64_splat(row);
    for (let k: usize = 8; k + 8 < ownBytes; k += 16) most = f64x2.pmax(most, v128.load(row + k));
    if (!(K & 1)) most = f64x2.pmax(most, v128.load64_splat(row + ownBytes - 8));
    const maximum = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
    const highest = f64x2.splat(maximum);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(row + k, expOfNegative(f64x2.sub(v128.load(row + k), highest)));
    }
    for (let k = ownBytes; k < bytes; k += 8) store<f64>(row + k, 0);
    let length: f64 = 0;
    for (let i: usize = 0; i < entries; i++) length += load<f64>(counts + (i << 3));
    const out = found + (<usize>(s - first) << 4);
    store<f64>(out, maximum);
    store<f64>(out, length, 8);
  }
}

/** A row of K4 numbers times a matrix, K4×K4. */
function advance(row: usize, matrix: usize, out: usize, bytes: usize): void {
  const end = row + bytes;
  for (let k: usize = 0; k < bytes; k += 32) {
    let p = f64x2.splat(0);
    let q = f64x2.splat(0);
    let m0 = matrix + k;
    for (let j = row; j < end; j += 32) {
      const m1 = m0 + bytes;
      const m2 = m1 + bytes;
      const m3 = m2 + bytes;
      const x0 = v128.load64_splat(j);
      const x1 = v128.load64_splat(j, 8);
      const x2 = v128.load64_splat(j, 16);
      const x3 = v128.load64_splat(j, 24);
      const p01 = f64x2.add(f64x2.mul(x0, v128.load(m0)), f64x2.mul(x1, v128.load(m1)));
      const p23 = f64x2.add(f64x2.mul(x2, v128.load(m2)), f64x2.mul(x3, v128.load(m3)));
      const q01 = f64x2.add(f64x2.mul(x0, v128.load(m0, 16)), f64x2.mul(x1, v128.load(m1, 16)));
      const q23 = f64x2.add(f64x2.mul(x2, v128.load(m2, 16)), f64x2.mul(x3, v128.load(m3, 16)));
      p = f64x2.add(p, f64x2.add(p01, p23));
      q = f64x2.add(q, f64x2.add(q01, q23));
      m0 = m3 + bytes;
    }
    v128.store(out + k, p);
    v128.store(out + k, q, 16);
  }
}

/**
 * Forward–backward over documents [from, to), whose segments' rows lie from that of segment `first` on.
 *
 * Reads the start (K4) and the transitions (K4×K4, and these transposed; all 0 where they are padded), and what
 * `hmmEmissions` left, of which it uses `emission` up. Writes rows of segments, q(z_t = k) into `posterior` and
 * p(z_t = k | segments up to t) into `forward`; and at row d of documents their shares into `theta` (K4) and
 * ln Σ_z Π_t A b into `logZ`. A document without tokens has neither posterior nor shares, and its logZ is 0.
 * Sums over the documents are left in `starts` (K4), of q(z_1), and in `products` (K4×K4), of
 * E[transitions j → k] / A_jk. `room` is for 2×K4.
 */
export function hmmDocuments(
  from: u32,
  to: u32,
  first: u32,
  K4: u32,
  start: usize,
  rowStart: usize,
  expStart: usize,
  transition: usize,
  transposed: usize,
  emission: usize,
  found: usize,
  forward: usize,
  posterior: usize,
  theta: usize,
  logZ: usize,
  starts: usize,
  products: usize,
  room: usize,
): void {
  const bytes = <usize>K4 << 3;
  const backward = room + bytes;
  const begin = <usize>(load<u32>(start + (<usize>from << 2)) - first);
  let end = begin;
  clear(starts, bytes);
  for (let d = <usize>from; d < to; d++) {
    const s = load<u32>(start + (d << 2));
    const next = load<u32>(start + (d << 2), 4);
    const top = end;
    end = <usize>(next - first);
    store<f64>(logZ + (d << 3), 0);
    if (load<u32>(rowStart + (<usize>s << 2)) === load<u32>(rowStart + (<usize>next << 2))) {
      clear(emission + top * bytes, (end - top) * bytes);
      clear(forward + top * bytes, (end - top) * bytes);
      continue;
    }

    let total: f64 = 0;
    let prediction = expStart;
    for (let t = top; t < end; t++) {
      const b = emission + t * bytes;
      const f = forward + t * bytes;
      if (t > top) {
        prediction = room;
        advance(f - bytes, transition, prediction, bytes);
      }
      let sums = f64x2.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        const x = f64x2.mul(v128.load(prediction + k), v128.load(b + k));
        v128.store(f + k, x);
        sums = f64x2.add(sums, x);
      }
      const sum = f64x2.splat(sum2x(sums));
      const scale = f64x2.div(f64x2.splat(1), sum);
      for (let k: usize = 0; k < bytes; k += 16) {
        v128.store(f + k, f64x2.mul(v128.load(f + k), scale));
        v128.store(b + k, f64x2.mul(v128.load(b + k), scale));
      }
      total += load<f64>(found + (t << 4)) + f64x2.extract_lane(log2x(sum), 0);
    }
    store<f64>(logZ + (d << 3), total);

    const shares = theta + d * bytes;
    clear(shares, bytes);
    for (let k: usize = 0; k < bytes; k += 16) v128.store(backward + k, f64x2.splat(1));
    let tokens: f64 = 0;
    for (let t = end; t-- > top; ) {
      const b = emission + t * bytes;
      const f = forward + t * bytes;
      const q = posterior + t * bytes;
      const length = load<f64>(found + (t << 4), 8);
      const n = f64x2.splat(length);
      tokens += length;
      for (let k: usize = 0; k < bytes; k += 16) {
        const later = v128.load(backward + k);
        const x = f64x2.mul(v128.load(f + k), later);
        v128.store(q + k, x);
        v128.store(shares + k, f64x2.add(v128.load(shares + k), f64x2.mul(n, x)));
        v128.store(b + k, f64x2.mul(v128.load(b + k), later));
      }
      if (t > top) advance(b, transposed, backward, bytes);
    }
    // nothing goes from the document before to this one
    clear(emission + top * bytes, bytes);
    const inverse = f64x2.splat(1 / tokens);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(shares + k, f64x2.mul(v128.load(shares + k), inverse));
      v128.store(starts + k, f64x2.add(v128.load(starts + k), v128.load(posterior + top * bytes + k)));
    }
  }
  const pairs = end > begin ? <u32>(end - begin - 1) : 0;
  multiply(
    0,
    K4,
    K4,
    pairs,
    forward + begin * bytes,
    8,
    bytes,
    emission + (begin + 1) * bytes,
    bytes,
    products,
    bytes,
  );
}

/**
 * S_w = Σ n q(z_t) over the entries of terms [from, to), V×K4, and Σ_k S_wk ln β_wk of each into `words`.
 *
 * The entries of term w are [columnStart[w], columnStart[w + 1]) of `column`, rows of `posterior`, and of `count`.
 */
export function hmmTerms(
  from: u32,
  to: u32,
  K4: u32,
  columnStart: usize,
  column: usize,
  count: usize,
  posterior: usize,
  logBeta: usize,
  statistics: usize,
  words: usize,
): void {
  const bytes = <usize>K4 << 3;
  for (let w = <usize>from; w < to; w++) {
    const begin = <usize>load<u32>(columnStart + (w << 2));
    const entries = <usize>load<u32>(columnStart + (w << 2), 4) - begin;
    const out = statistics + w * bytes;
    clear(out, bytes);
    addRows(out, posterior, column + (begin << 2), count + (begin << 3), entries, bytes);
    let sum = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      sum = f64x2.add(sum, f64x2.mul(v128.load(out + k), v128.load(logBeta + w * bytes + k)));
    }
    store<f64>(words + (w << 3), sum2x(sum));
  }
}
