// Twins of the inner loops of models/lda-documents.ts, in f32 with sums of logarithms in f64.
// Rows of K numbers are padded with zeros to K4, a multiple of 4. Pointers are bytes; no bounds are checked here.

import { add, addFour, clear, copy, dot, dotFour, sumOf } from './rows';
import { addAt, countSupport, gatherRows, moveSupport, spread } from './supports';
import {
  beginProduct,
  digamma2x,
  digammaShifted2x,
  lgamma,
  lgammaShifted,
  log2x,
  logOfProduct,
  multiplyIn,
  promote,
  rising,
  sum2x,
} from './special';
import { ownThread } from './thread';

/**
 * What is smaller counts as 0, of θ̃ and of B, whose rows have maximum 1: their products are then normal numbers.
 * Processors take a hundred times longer over others.
 */
const LEAST: f32 = 1e-19;
/** e^ψ(x) is LEAST here. */
const LEAST_X: f32 = 0.02311;

/** 2^y, from −126 up: the integer part into the exponent, a polynomial of degree 5 for the rest; relative error 1e-7. */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
  const n = f32x4.nearest(y);
  const f = f32x4.sub(y, n);
  let p = f32x4.splat(0.00132764691);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.00967554131));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.0555071328));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.240221197));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.693146967));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.00000007));
  return f32x4.mul(p, i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23));
}

/**
 * e^ψ(x) of four x: e^(−1/x) · g(x), g(x) = x + ½ + q(w), w = 1/(x + 1.35), q of degree 5; relative error 9e-6 for x
 * in [0.02, 0.1], 1.7e-6 to 1, 4e-7 above; 0 where it is below LEAST. One division.
 */
// @ts-ignore: decorator
@inline
function expDigamma(given: v128): v128 {
  const x = f32x4.pmax(given, f32x4.splat(LEAST_X));
  const shifted = f32x4.add(x, f32x4.splat(1.35));
  const r = f32x4.div(f32x4.splat(1), f32x4.mul(x, shifted));
  const w = f32x4.mul(r, x);
  let q = f32x4.splat(-0.00756486228);
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0111631202));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0233075081));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0354446646));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.041666612));
  const g = f32x4.add(f32x4.add(x, f32x4.splat(0.5)), f32x4.mul(q, w));
  const y = f32x4.mul(g, exp2(f32x4.mul(f32x4.mul(r, shifted), f32x4.splat(-1.44269504))));
  return v128.and(y, f32x4.gt(given, f32x4.splat(LEAST_X)));
}

/** θ̃_k = e^ψ(γ_k) of one document; its normaliser e^ψ(Σγ) is left out. */
function expectTheta(gamma: usize, theta: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) v128.store(theta + k, expDigamma(v128.load(gamma + k)));
}

/**
 * One evaluation of a document: s_i = Σ_k θ̃_k B_ik of each entry, ratio_i = n_i / s_i, and acc_k = Σ_i ratio_i B_ik.
 * Entries go four at a time, so that θ̃ and acc are loaded once for four rows of B, of terms or where `term` is 0 in order.
 */
export function weigh(
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
    const at = <usize>i << 2;
    const b0 = beta + (term ? <usize>load<u32>(term + at) : <usize>i) * bytes;
    const b1 = term ? beta + <usize>load<u32>(term + at, 4) * bytes : b0 + bytes;
    const b2 = term ? beta + <usize>load<u32>(term + at, 8) * bytes : b1 + bytes;
    const b3 = term ? beta + <usize>load<u32>(term + at, 12) * bytes : b2 + bytes;
    const r = ratio + at;
    dotFour(theta, b0, b1, b2, b3, r, bytes);
    const r0 = load<f32>(count + at) / load<f32>(r);
    const r1 = load<f32>(count + at, 4) / load<f32>(r, 4);
    const r2 = load<f32>(count + at, 8) / load<f32>(r, 8);
    const r3 = load<f32>(count + at, 12) / load<f32>(r, 12);
    store<f32>(r, r0);
    store<f32>(r, r1, 4);
    store<f32>(r, r2, 8);
    store<f32>(r, r3, 12);
    addFour(acc, b0, b1, b2, b3, r0, r1, r2, r3, bytes);
  }
  for (; i < entries; i++) {
    const at = <usize>i << 2;
    const b = beta + (term ? <usize>load<u32>(term + at) : <usize>i) * bytes;
    const r = load<f32>(count + at) / dot(theta, b, bytes);
    store<f32>(ratio + at, r);
    add(acc, b, r, bytes);
  }
}

/** Of more tokens of one term f32 loses so much of one that it shows in the bound: such documents are done elsewhere. */
const MOST_COUNT: f32 = 65536;

/** A round of points goes so much farther than EM would: see models/lda-documents.ts. */
const OVER_RELAXED: f32 = 1.7;

/**
 * Topics with a K-th of this share of a document or less, be their proportions no less than α alone makes them, may be left
 * out of it until its next visit: all of them together have at most this share. Bounds of 20ng after 20 passes come out
 * less than 4e-7 of themselves higher or lower.
 */
const LEAST_SHARE: f32 = 1e-4;

/**
 * Phase 1 of the E-step, over documents [from, to): the fixed point of γ_d from where it is, then φ at it. With
 * `points`, θ̃ is γ instead of e^ψ(γ), and E[log θ] stands for ln γ_k − ln Σγ. Where `found` is 0 the documents' terms are
 * not computed, and rounds are over-relaxed.
 *
 * But for points, a document has a support: after a round of all topics, where a third of them or fewer have more than their
 * part of LEAST_SHARE, it goes on with these alone, their columns of B side by side, and again whenever a third of these are
 * left. For the others φ = 0 then and γ = α, and the terms are those of this q. The loops of models/lda-documents.ts
 * leave nothing out.
 *
 * Reads rowStart, term, count, beta (V×K4), alpha (K4, 1 where it is padded), ofAlpha (2×K4, f64: ψ(α), then ln Γ(α));
 * improves gamma (D×K4, padded likewise). Leaves theta (D×K4, θ̃ at γ), ratio (entries, n / s), tokens (D×K4,
 * Σ_w n_dw φ_dw), and of each document five f64 in `found`: Σ n ln s, Σ_k tokens ln θ̃, E[log p(z | θ)],
 * Σ_k (α_k − 1) E[log θ_k] (of points Σ_k α_k ln θ_k), and Σ_k ln Γ(γ_k) − ln Γ(Σγ) − Σ_k (γ_k − 1) E[log θ_k] (of points
 * 0). Sums of E[log θ_dk] and of N_dk over the documents are left in logTheta and expected (K4, f64). Of documents that f32
 * is not enough for, `found` has NaN first and the sums nothing. A document with a support of so many topics, as `support`
 * (D, u32) says, has only these in theta, and in tokens their places.
 *
 * Thread t has the room at rooms + t × apart, of `apart` bytes: for six rows and the columns of B. A document whose columns
 * would take more keeps all topics.
 */
export function ldaDocuments(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  rounds: u32,
  tolerance: f32,
  points: u32,
  rowStart: usize,
  term: usize,
  count: usize,
  beta: usize,
  alpha: usize,
  ofAlpha: usize,
  gamma: usize,
  theta: usize,
  support: usize,
  tokens: usize,
  ratio: usize,
  found: usize,
  logTheta: usize,
  expected: usize,
  rooms: usize,
  apart: usize,
): void {
  const rowBytes = <usize>K4 << 2;
  const relaxation: f32 = found === 0 ? OVER_RELAXED : 1;
  clear(logTheta, 2 * rowBytes);
  clear(expected, 2 * rowBytes);
  const thetaOfAlpha = rooms + apart * <usize>ownThread;
  const places = thetaOfAlpha + rowBytes;
  const supportGamma = places + rowBytes;
  const supportAlpha = supportGamma + rowBytes;
  const supportTheta = supportAlpha + rowBytes;
  const supportTokens = supportTheta + rowBytes;
  const supportBeta = supportTokens + rowBytes;
  const columnBytes = apart - 6 * rowBytes;
  if (!points) expectTheta(alpha, thetaOfAlpha, rowBytes);
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    store<u32>(support + (<usize>d << 2), 0);
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 2);
    const ratios = ratio + (<usize>first << 2);
    const wholeGamma = gamma + <usize>d * rowBytes;
    const wholeTheta = theta + <usize>d * rowBytes;
    const wholeTokens = tokens + <usize>d * rowBytes;
    let length: f32 = 0;
    let most: f32 = 0;
    for (let i: u32 = 0; i < entries; i++) {
      const n = load<f32>(counts + (<usize>i << 2));
      length += n;
      most = max(most, n);
    }
    // rows of all topics, until there is a support
    let supported: usize = 0;
    let bytes = rowBytes;
    let list = terms;
    let b = beta;
    let a = alpha;
    let g = wholeGamma;
    let t = wholeTheta;
    let acc = wholeTokens;
    for (let round: u32 = 0; round < rounds; round++) {
      if (points) copy(t, g, bytes);
      else expectTheta(g, t, bytes);
      weigh(entries, list, counts, b, t, acc, ratios, bytes);
      // leaves tokens of θ̃ in acc, or of that of α where this is more: those of a topic left out before are no sign
      const atLeast = points || supported > 0 ? t : thetaOfAlpha;
      let moved = f32x4.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        const prior = v128.load(a + k);
        const old = v128.load(g + k);
        const e = v128.load(t + k);
        const weights = v128.load(acc + k);
        const step = f32x4.sub(f32x4.add(prior, f32x4.mul(e, weights)), old);
        moved = f32x4.add(moved, f32x4.abs(step));
        v128.store(g + k, f32x4.pmax(f32x4.add(old, f32x4.mul(step, f32x4.splat(relaxation))), prior));
        v128.store(acc + k, f32x4.mul(f32x4.pmax(e, v128.load(atLeast + k)), weights));
      }
      const least = (LEAST_SHARE / <f32>K) * length;
      const left = points ? <usize>0 : countSupport(acc, least, bytes);
      const width: usize = ((left + 3) >> 2) << 4;
      if (left > 0 && width <= bytes / 3 && <usize>entries * width <= columnBytes) {
        moveSupport(acc, least, bytes, supported > 0, places, g, supportGamma, a, supportAlpha);
        supported = left;
        bytes = width;
        list = 0;
        b = supportBeta;
        a = supportAlpha;
        g = supportGamma;
        t = supportTheta;
        acc = supportTokens;
        gatherRows(entries, terms, beta, rowBytes, places, 4 * left, b, bytes);
      }
      if (sumOf(moved) <= tolerance * length) break;
    }
    if (points) copy(t, g, bytes);
    else expectTheta(g, t, bytes);
    weigh(entries, list, counts, b, t, acc, ratios, bytes);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(acc + k, f32x4.mul(v128.load(t + k), v128.load(acc + k)));
    }
    if (supported > 0) {
      copy(wholeGamma, alpha, rowBytes);
      clear(wholeTheta, rowBytes);
      clear(wholeTokens, rowBytes);
      spread(g, places, 4 * supported, wholeGamma);
      spread(t, places, 4 * supported, wholeTheta);
      spread(acc, places, 4 * supported, wholeTokens);
    }
    if (found === 0) continue;
    const five = found + 40 * <usize>d;
    if (most > MOST_COUNT) store<f64>(five, NaN);
    else {
      measure(
        entries,
        K4,
        K,
        points,
        counts,
        ratios,
        alpha,
        ofAlpha,
        wholeGamma,
        wholeTheta,
        wholeTokens,
        five,
        logTheta,
        expected,
      );
    }
    if (supported > 0) {
      store<u32>(support + (<usize>d << 2), <u32>supported);
      copy(wholeTheta, t, bytes);
      copy(wholeTokens, places, bytes);
    }
  }
}

/** The five numbers of one document, and its E[log θ]; see `ldaDocuments`. */
function measure(
  entries: u32,
  K4: u32,
  K: u32,
  points: u32,
  counts: usize,
  ratios: usize,
  alpha: usize,
  ofAlpha: usize,
  gamma: usize,
  theta: usize,
  tokens: usize,
  found: usize,
  logTheta: usize,
  expected: usize,
): void {
  // ln s = ln n − ln ratio
  let logNormalisers = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 2 <= entries; i += 2) {
    const n = promote(counts + (<usize>i << 2));
    logNormalisers = f64x2.add(logNormalisers, f64x2.mul(n, log2x(f64x2.div(n, promote(ratios + (<usize>i << 2))))));
  }
  let logNormaliser = sum2x(logNormalisers);
  if (i < entries) {
    const n = <f64>load<f32>(counts + (<usize>i << 2));
    logNormaliser += n * f64x2.extract_lane(log2x(f64x2.splat(n / <f64>load<f32>(ratios + (<usize>i << 2)))), 0);
  }
  const bytes = <usize>K4 << 2;
  // Where f32 underflowed, tokens are no numbers: the document is done again elsewhere, and counted there.
  let counted = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 8) counted = f64x2.add(counted, promote(tokens + k));
  const ends = logNormaliser + sum2x(counted);
  if (ends - ends !== 0) {
    store<f64>(found, NaN);
    return;
  }
  // what is padded is 1 and belongs to no topic
  let total = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 8) total = f64x2.add(total, promote(gamma + k));
  const sum = sum2x(total) - <f64>(K4 - K);
  const wide = f64x2.splat(sum);
  const ofSum = points ? log2x(wide) : digamma2x(wide);
  const lgammaSum = f64x2.extract_lane(lgamma, 0);
  const least = f64x2.splat(points ? 0 : 1);
  let asComputed = f64x2.splat(0);
  let assignments = f64x2.splat(0);
  let proportions = f64x2.splat(0);
  let entropy = f64x2.splat(0);
  for (let k: usize = 0; k < bytes; k += 8) {
    const g = promote(gamma + k);
    const prior = promote(alpha + k);
    const n = promote(tokens + k);
    if (!points && !v128.any_true(v128.or(f64x2.ne(g, prior), f64x2.ne(n, f64x2.splat(0))))) {
      // not of the support
      const e = f64x2.sub(v128.load(ofAlpha + 2 * k), ofSum);
      const rest = f64x2.mul(f64x2.sub(g, least), e);
      proportions = f64x2.add(proportions, rest);
      entropy = f64x2.add(entropy, f64x2.sub(v128.load(ofAlpha + 2 * bytes + 2 * k), rest));
      v128.store(logTheta + 2 * k, f64x2.add(v128.load(logTheta + 2 * k), e));
      continue;
    }
    const e = f64x2.sub(points ? log2x(g) : digamma2x(g), ofSum);
    asComputed = f64x2.add(asComputed, f64x2.mul(n, log2x(promote(theta + k))));
    assignments = f64x2.add(assignments, f64x2.mul(n, e));
    proportions = f64x2.add(proportions, f64x2.mul(f64x2.sub(prior, least), e));
    if (!points) entropy = f64x2.add(entropy, f64x2.sub(lgamma, f64x2.mul(f64x2.sub(g, least), e)));
    v128.store(logTheta + 2 * k, f64x2.add(v128.load(logTheta + 2 * k), e));
    v128.store(expected + 2 * k, f64x2.add(v128.load(expected + 2 * k), n));
  }
  // of points, what is padded is ln 1 − ln Σγ, times 1
  const padded = points ? <f64>(K4 - K) * f64x2.extract_lane(ofSum, 0) : 0;
  store<f64>(found, logNormaliser);
  store<f64>(found, sum2x(asComputed), 8);
  store<f64>(found, sum2x(assignments), 16);
  store<f64>(found, sum2x(proportions) + padded, 24);
  store<f64>(found, points ? 0 : sum2x(entropy) - lgammaSum, 32);
}

/**
 * Phase 2 of the E-step, over terms [from, to): S_w = B_w ⊙ Σ_d ratio_dw θ̃_d, documents in order, into statistics (V×K4)
 * and added to topicTerm (V×K, f64; 0 where nobody needs it), and of each term two f64 in `found`: Σ_k S_wk E[log β_wk] and
 * Σ_k S_wk ln B_wk.
 *
 * The entries of term w are [columnStart[w], columnStart[w + 1]) of columnEntry, places in ratio, and columnDocument.
 * logBeta is V×K, with a number to spare, and logB V×K4, both f64.
 */
export function ldaTerms(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  columnStart: usize,
  columnEntry: usize,
  columnDocument: usize,
  ratio: usize,
  theta: usize,
  support: usize,
  places: usize,
  beta: usize,
  logBeta: usize,
  logB: usize,
  statistics: usize,
  topicTerm: usize,
  found: usize,
): void {
  const bytes = <usize>K4 << 2;
  const topics = <usize>K << 2;
  for (let w = from; w < to; w++) {
    const first = load<u32>(columnStart + (<usize>w << 2));
    const end = load<u32>(columnStart + (<usize>w << 2), 4);
    if (first === end) continue;
    const out = statistics + <usize>w * bytes;
    clear(out, bytes);
    for (let e = first; e < end; e++) {
      const r = load<f32>(ratio + (<usize>load<u32>(columnEntry + (<usize>e << 2)) << 2));
      const d = <usize>load<u32>(columnDocument + (<usize>e << 2));
      const row = theta + d * bytes;
      const supported = <usize>load<u32>(support + (d << 2)) << 2;
      if (supported === 0) add(out, row, r, bytes);
      else addAt(out, row, places + d * bytes, r, supported);
    }
    const b = beta + <usize>w * bytes;
    for (let k: usize = 0; k < bytes; k += 16) v128.store(out + k, f32x4.mul(v128.load(out + k), v128.load(b + k)));
    const l = logBeta + 2 * <usize>w * topics;
    const lb = logB + 2 * <usize>w * bytes;
    let words = f64x2.splat(0);
    let asComputed = f64x2.splat(0);
    for (let k: usize = 0; k < topics; k += 8) {
      const n = promote(out + k);
      words = f64x2.add(words, f64x2.mul(n, v128.load(l + 2 * k)));
      asComputed = f64x2.add(asComputed, f64x2.mul(n, v128.load(lb + 2 * k)));
    }
    if (topicTerm) {
      const sum = topicTerm + 2 * <usize>w * topics;
      let k: usize = 0;
      for (; k + 8 <= topics; k += 8) v128.store(sum + 2 * k, f64x2.add(v128.load(sum + 2 * k), promote(out + k)));
      if (k < topics) store<f64>(sum + 2 * k, load<f64>(sum + 2 * k) + <f64>load<f32>(out + k));
    }
    store<f64>(found + (<usize>w << 4), sum2x(words));
    store<f64>(found + (<usize>w << 4), sum2x(asComputed), 8);
  }
}

/**
 * λ_w = η + S_w, but no less than η, of terms [from, to), V×K both, and Σ_w λ_w of these terms into `sums` (K), all f64.
 */
export function ldaTopics(
  from: u32,
  to: u32,
  K: u32,
  eta: f64,
  topicTerm: usize,
  lambda: usize,
  sums: usize,
): void {
  const bytes = <usize>K << 3;
  const prior = f64x2.splat(eta);
  for (let k: usize = 0; k < bytes; k += 8) store<f64>(sums + k, 0);
  for (let row = <usize>from * bytes; row < <usize>to * bytes; row += bytes) {
    let k: usize = 0;
    for (; k + 16 <= bytes; k += 16) {
      // rounding of what was withdrawn from a sum may leave it below 0
      const l = f64x2.add(prior, f64x2.pmax(v128.load(topicTerm + row + k), f64x2.splat(0)));
      v128.store(lambda + row + k, l);
      v128.store(sums + k, f64x2.add(v128.load(sums + k), l));
    }
    if (k < bytes) {
      const l = eta + max<f64>(load<f64>(topicTerm + row + k), 0);
      store<f64>(lambda + row + k, l);
      store<f64>(sums + k, load<f64>(sums + k) + l);
    }
  }
}

/**
 * E[log β_wk] = ψ(λ_wk) − ψ(Σ_w λ_wk) of terms [from, to) into logBeta, and of each term two f64 in `found`:
 * Σ_k E[log β_wk] and Σ_k ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]. Rows of lambda and logBeta are `width` numbers wide;
 * digammaSums are K. All are f64.
 */
export function ldaExpectLog(
  from: u32,
  to: u32,
  width: u32,
  K: u32,
  lambda: usize,
  digammaSums: usize,
  logBeta: usize,
  found: usize,
): void {
  const bytes = <usize>K << 3;
  const one = f64x2.splat(1);
  for (let w = from; w < to; w++) {
    const row = (<usize>w * width) << 3;
    let total = f64x2.splat(0);
    let entropy = f64x2.splat(0);
    beginProduct();
    let k: usize = 0;
    for (; k + 16 <= bytes; k += 16) {
      const l = v128.load(lambda + row + k);
      const e = f64x2.sub(digammaShifted2x(l), v128.load(digammaSums + k));
      v128.store(logBeta + row + k, e);
      total = f64x2.add(total, e);
      entropy = f64x2.add(entropy, f64x2.sub(lgammaShifted, f64x2.mul(f64x2.sub(l, one), e)));
      multiplyIn(rising);
    }
    let sum = sum2x(total);
    let sumOfEntropy = sum2x(entropy) - logOfProduct();
    if (k < bytes) {
      const l = load<f64>(lambda + row + k);
      const e = f64x2.extract_lane(digamma2x(f64x2.splat(l)), 0) - load<f64>(digammaSums + k);
      store<f64>(logBeta + row + k, e);
      sum += e;
      sumOfEntropy += f64x2.extract_lane(lgamma, 0) - (l - 1) * e;
    }
    store<f64>(found + (<usize>w << 4), sum);
    store<f64>(found + (<usize>w << 4), sumOfEntropy, 8);
  }
}

/**
 * B_w = e^(E[log β_w] − the row's maximum) in f32, 0 where it is padded or below LEAST, and its logarithm as it came out
 * into logB (V×K4, f64), of the terms w in places [from, to) of `terms`. logBeta is V×K, f64, with three numbers to spare.
 */
export function ldaScale(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  terms: usize,
  logBeta: usize,
  beta: usize,
  logB: usize,
): void {
  for (let i = from; i < to; i++) {
    const w = load<u32>(terms + (<usize>i << 2));
    const row = logBeta + ((<usize>w * K) << 3);
    const b = beta + ((<usize>w * K4) << 2);
    const l = logB + ((<usize>w * K4) << 3);
    let most = load<f64>(row);
    for (let k: u32 = 1; k < K; k++) most = max(most, load<f64>(row + (<usize>k << 3)));
    const highest = f64x2.splat(most);
    for (let k: u32 = 0; k < K4; k += 4) {
      const at = <usize>k << 3;
      const low = f32x4.demote_f64x2_zero(f64x2.sub(v128.load(row + at), highest));
      const high = f32x4.demote_f64x2_zero(f64x2.sub(v128.load(row + at, 16), highest));
      const x = v128.shuffle<f32>(low, high, 0, 1, 4, 5);
      const y = exp2(f32x4.mul(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(1.44269504)));
      v128.store(b + (<usize>k << 2), v128.and(y, f32x4.gt(y, f32x4.splat(LEAST))));
    }
    for (let k = K; k < K4; k++) store<f32>(b + (<usize>k << 2), 0);
    for (let k: u32 = 0; k < K4; k += 2) v128.store(l + (<usize>k << 3), log2x(promote(b + (<usize>k << 2))));
  }
}
