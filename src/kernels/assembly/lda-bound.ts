// The bound of LDA at given posteriors, in f64 throughout. Rows of K numbers are padded to K4, a multiple of 4. Pointers
// are bytes; no bounds are checked here.
import { clear } from './rows';
import {
  beginProduct,
  digamma2x,
  digammaShifted2x,
  expOfNegative,
  lgamma,
  lgammaShifted,
  log2x,
  logOfProduct,
  multiplyIn,
  promote,
  rising,
  sum2x,
} from './special';

/**
 * Topics whose E[log θ] is below this are passed over: of a thousand topics most. Where the sum of the others is not so much
 * larger that these would be lost in its rounding, it counts as underflowed.
 */
const NEGLIGIBLE: f64 = -100;
const UNDERFLOW: f64 = 1e-22;

/** B_w = e^(E[log β_w] − maximum_w) of terms [from, to), V×K4, 1 where it is padded; logBeta is V×K. */
export function boundTopics(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  logBeta: usize,
  maximum: usize,
  beta: usize,
): void {
  const bytes = <usize>K4 << 3;
  for (let w = from; w < to; w++) {
    const l = logBeta + ((<usize>w * K) << 3);
    const b = beta + <usize>w * bytes;
    let most = load<f64>(l);
    for (let k: u32 = 1; k < K; k++) most = max(most, load<f64>(l + (<usize>k << 3)));
    store<f64>(maximum + (<usize>w << 3), most);
    const highest = f64x2.splat(most);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(b + k, expOfNegative(f64x2.sub(v128.load(l + k), highest)));
    }
    for (let k = <usize>K << 3; k < bytes; k += 8) store<f64>(b + k, 1);
  }
}

/**
 * Of documents [from, to), at q(θ_d) = Dir(γ_d) and the best q(z_d) given it, five f64 each in `found`, at row d:
 * Σ_w n_dw ln s_dw, s_dw = Σ_k exp(E[log θ_dk] + E[log β_wk]), NaN where it may have underflowed; E[log p(w | z, β)];
 * E[log p(z | θ)]; Σ_k (α_k − 1) E[log θ_k], of points Σ_k α_k ln θ_k; and Σ_k ln Γ(γ_k) − ln Γ(Σγ) −
 * Σ_k (γ_k − 1) E[log θ_k], of points 0. Sums of E[log θ_dk] and of N_dk over the documents, but those that underflowed,
 * are left in logTheta and expected (K4).
 *
 * alpha (K4) is f64, gamma (D×K4) f32, both 1 where they are padded. ofAlpha (2×K4, f64; not with points) has ψ and ln Γ of
 * α in f32, which is γ of topics that collapsed passes gave no token of a document. `room` is for 3×K4 of f64 and K4 / 2 of
 * u32. beta is V×K4, logBeta V×K, with three numbers to spare that are finite.
 */
export function boundDocuments(
  from: u32,
  to: u32,
  K4: u32,
  K: u32,
  points: u32,
  rowStart: usize,
  term: usize,
  count: usize,
  alpha: usize,
  ofAlpha: usize,
  gamma: usize,
  logBeta: usize,
  beta: usize,
  maximum: usize,
  logTheta: usize,
  expected: usize,
  room: usize,
  found: usize,
): void {
  const bytes = <usize>K4 << 3;
  const theta = room;
  const tokens = theta + bytes;
  const expectedLog = tokens + bytes;
  const places = expectedLog + bytes;
  clear(logTheta, bytes);
  clear(expected, bytes);
  for (let d = from; d < to; d++) {
    let i = load<u32>(rowStart + (<usize>d << 2));
    const last = load<u32>(rowStart + (<usize>d << 2), 4);
    if (i === last) continue;
    const g = gamma + <usize>d * (bytes >> 1);
    let total = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) total = f64x2.add(total, promote(g + (k >> 1)));
    const sum = f64x2.splat(sum2x(total) - <f64>(K4 - K));
    const ofSum = points ? log2x(sum) : digamma2x(sum);
    const lgammaSum = f64x2.extract_lane(lgamma, 0);
    const least = f64x2.splat(points ? 0 : 1);
    let proportions = f64x2.splat(0);
    let entropy = f64x2.splat(0);
    let active: usize = 0;
    beginProduct();
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = promote(g + (k >> 1));
      const a = v128.load(alpha + k);
      const isPrior = !points && !v128.any_true(f64x2.ne(x, f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(a))));
      const e = f64x2.sub(points ? log2x(x) : isPrior ? v128.load(ofAlpha + k) : digammaShifted2x(x), ofSum);
      v128.store(expectedLog + k, e);
      // what is padded has α = γ = 1: of points it adds its logarithm
      proportions = f64x2.add(proportions, f64x2.mul(f64x2.sub(a, least), e));
      if (!points) {
        const ofGamma = isPrior ? v128.load(ofAlpha + bytes + k) : lgammaShifted;
        entropy = f64x2.add(entropy, f64x2.sub(ofGamma, f64x2.mul(f64x2.sub(x, least), e)));
        if (!isPrior) multiplyIn(rising);
      }
      if (!v128.any_true(f64x2.gt(e, f64x2.splat(NEGLIGIBLE)))) {
        v128.store(theta + k, f64x2.splat(0));
        continue;
      }
      v128.store(theta + k, expOfNegative(e));
      store<u32>(places + active, <u32>k);
      active += 4;
    }
    for (let k = <usize>K << 3; k < bytes; k += 8) store<f64>(theta + k, 0);
    const logOfGammas = points ? 0 : logOfProduct();
    const padded = points ? <f64>(K4 - K) * f64x2.extract_lane(ofSum, 0) : 0;

    clear(tokens, bytes);
    let normalisers: f64 = 0;
    let words: f64 = 0;
    // two entries at once, so that what they share is loaded once for both
    for (; i < last; i += 2) {
      const isPair = i + 1 < last;
      const w0 = <usize>load<u32>(term + (<usize>i << 2));
      const w1 = isPair ? <usize>load<u32>(term + (<usize>i << 2), 4) : w0;
      const b0 = beta + w0 * bytes;
      const b1 = beta + w1 * bytes;
      const l0 = logBeta + ((w0 * K) << 3);
      const l1 = logBeta + ((w1 * K) << 3);
      let sums0 = f64x2.splat(0);
      let sums1 = f64x2.splat(0);
      let words0 = f64x2.splat(0);
      let words1 = f64x2.splat(0);
      for (let place = places; place < places + active; place += 4) {
        const k = <usize>load<u32>(place);
        const t = v128.load(theta + k);
        const x0 = f64x2.mul(t, v128.load(b0 + k));
        const x1 = f64x2.mul(t, v128.load(b1 + k));
        sums0 = f64x2.add(sums0, x0);
        sums1 = f64x2.add(sums1, x1);
        words0 = f64x2.add(words0, f64x2.mul(x0, v128.load(l0 + k)));
        words1 = f64x2.add(words1, f64x2.mul(x1, v128.load(l1 + k)));
      }
      const s0 = sum2x(sums0);
      const s1 = sum2x(sums1);
      if (min(s0, s1) < UNDERFLOW) normalisers = NaN;
      const n0 = <f64>load<f32>(count + (<usize>i << 2));
      const n1 = isPair ? <f64>load<f32>(count + (<usize>i << 2), 4) : 0;
      const logs = log2x(f64x2(s0, s1));
      normalisers += n0 * (f64x2.extract_lane(logs, 0) + load<f64>(maximum + (w0 << 3)));
      normalisers += n1 * (f64x2.extract_lane(logs, 1) + load<f64>(maximum + (w1 << 3)));
      words += sum2x(words0) * (n0 / s0) + sum2x(words1) * (n1 / s1);
      const r0 = f64x2.splat(n0 / s0);
      const r1 = f64x2.splat(n1 / s1);
      for (let place = places; place < places + active; place += 4) {
        const k = <usize>load<u32>(place);
        const x = f64x2.add(f64x2.mul(v128.load(b0 + k), r0), f64x2.mul(v128.load(b1 + k), r1));
        v128.store(tokens + k, f64x2.add(v128.load(tokens + k), x));
      }
    }
    const out = found + 40 * <usize>d;
    store<f64>(out, normalisers);
    if (normalisers !== normalisers) continue;
    let assignments = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const n = f64x2.mul(v128.load(tokens + k), v128.load(theta + k));
      const e = v128.load(expectedLog + k);
      assignments = f64x2.add(assignments, f64x2.mul(n, e));
      v128.store(logTheta + k, f64x2.add(v128.load(logTheta + k), e));
      v128.store(expected + k, f64x2.add(v128.load(expected + k), n));
    }
    store<f64>(out, words, 8);
    store<f64>(out, sum2x(assignments), 16);
    store<f64>(out, sum2x(proportions) + padded, 24);
    store<f64>(out, points ? 0 : sum2x(entropy) - logOfGammas - lgammaSum, 32);
  }
}
