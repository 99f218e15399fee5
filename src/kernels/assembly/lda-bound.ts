// The bound of LDA at given posteriors in f64 throughout: the last word on what f32 has found. Rows of K numbers are padded
// to K4, a multiple of 4. Pointers are bytes; no bounds are checked here.
import { digamma2x, expOfNegative, lgamma, log2x, sum2x } from './special';

/** B_w = e^(E[log β_w] − maximum_w) of terms [from, to), V×K4, 1 where it is padded. */
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
    const row = <usize>w * bytes;
    const most = v128.load64_splat(maximum + (<usize>w << 3));
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(beta + row + k, expOfNegative(f64x2.sub(v128.load(logBeta + row + k), most)));
    }
    for (let k = <usize>K << 3; k < bytes; k += 8) store<f64>(beta + row + k, 1);
  }
}

/**
 * Of documents [from, to) three f64 each in `found`, at row d: Σ_w n_dw ln Σ_k exp(E[log θ_dk] + E[log β_wk]);
 * Σ_k (α_k − 1) E[log θ_k], of points Σ_k α_k ln θ_k; and Σ_k ln Γ(γ_k) − ln Γ(Σγ) − Σ_k (γ_k − 1) E[log θ_k], of points 0.
 *
 * alpha (K4) and gamma (D×K4) are f64, 1 where they are padded; `theta` is room for K4 of f64.
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
  gamma: usize,
  beta: usize,
  maximum: usize,
  theta: usize,
  found: usize,
): void {
  const bytes = <usize>K4 << 3;
  const end = <usize>K << 3;
  for (let d = from; d < to; d++) {
    const g = gamma + <usize>d * bytes;
    let total = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) total = f64x2.add(total, v128.load(g + k));
    const sum = f64x2.splat(sum2x(total) - <f64>(K4 - K));
    const ofSum = points ? log2x(sum) : digamma2x(sum);
    const lgammaSum = f64x2.extract_lane(lgamma, 0);
    const least = f64x2.splat(points ? 0 : 1);
    let proportions = f64x2.splat(0);
    let entropy = f64x2.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const x = v128.load(g + k);
      const e = f64x2.sub(points ? log2x(x) : digamma2x(x), ofSum);
      v128.store(theta + k, expOfNegative(e));
      // what is padded has α = γ = 1: of points it adds its logarithm
      proportions = f64x2.add(proportions, f64x2.mul(f64x2.sub(v128.load(alpha + k), least), e));
      if (!points) entropy = f64x2.add(entropy, f64x2.sub(lgamma, f64x2.mul(f64x2.sub(x, least), e)));
    }
    const padded = points ? <f64>(K4 - K) * f64x2.extract_lane(ofSum, 0) : 0;
    for (let k = end; k < bytes; k += 8) store<f64>(theta + k, 0);
    let normalisers: f64 = 0;
    const last = load<u32>(rowStart + (<usize>d << 2), 4);
    for (let i = load<u32>(rowStart + (<usize>d << 2)); i < last; i++) {
      const w = <usize>load<u32>(term + (<usize>i << 2));
      const b = beta + w * bytes;
      let s0 = f64x2.splat(0);
      let s1 = f64x2.splat(0);
      for (let k: usize = 0; k < bytes; k += 32) {
        s0 = f64x2.add(s0, f64x2.mul(v128.load(theta + k), v128.load(b + k)));
        s1 = f64x2.add(s1, f64x2.mul(v128.load(theta + k, 16), v128.load(b + k, 16)));
      }
      const s = f64x2.extract_lane(log2x(f64x2.splat(sum2x(f64x2.add(s0, s1)))), 0);
      normalisers += <f64>load<f32>(count + (<usize>i << 2)) * (s + load<f64>(maximum + (w << 3)));
    }
    const out = found + 24 * <usize>d;
    store<f64>(out, normalisers);
    store<f64>(out, sum2x(proportions) + padded, 8);
    store<f64>(out, points ? 0 : sum2x(entropy) - lgammaSum, 16);
  }
}
