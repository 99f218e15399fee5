// Twins of the inner loops of models/lda.ts and models/lda-start.ts, in f32 with sums of logarithms in f64.
// Rows of K numbers are padded with zeros to K4, a multiple of 4. Pointers are bytes; no bounds are checked here.

/** Below this, e^ψ(x) is not a normal f32. */
const LEAST: f32 = 0.0115;

/**
 * e^ψ(x) of four x: e^(−1/x) · g(x), g(x) = x + ½ + q(w), w = 1/(x + 1.35), q of degree 5; relative error 9e-6 for x
 * in [0.02, 0.1], 1.7e-6 to 1, 4e-7 above. One division.
 */
// @ts-ignore: decorator
@inline
function expDigamma(given: v128): v128 {
  const x = f32x4.max(given, f32x4.splat(LEAST));
  const shifted = f32x4.add(x, f32x4.splat(1.35));
  const r = f32x4.div(f32x4.splat(1), f32x4.mul(x, shifted));
  const w = f32x4.mul(r, x);
  let q = f32x4.splat(-0.00756486228);
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0111631202));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0233075081));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.0354446646));
  q = f32x4.add(f32x4.mul(q, w), f32x4.splat(0.041666612));
  const g = f32x4.add(f32x4.add(x, f32x4.splat(0.5)), f32x4.mul(q, w));
  // 2^y, y = −log2(e)/x: the integer part into the exponent, a polynomial of degree 5 for the rest
  const y = f32x4.mul(f32x4.mul(r, shifted), f32x4.splat(-1.44269504));
  const n = f32x4.nearest(y);
  const f = f32x4.sub(y, n);
  let p = f32x4.splat(0.00132764691);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.00967554131));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.0555071328));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.240221197));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(0.693146967));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.00000007));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(f32x4.mul(g, p), scale);
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** θ̃_k = e^ψ(γ_k) of one document; its normaliser e^ψ(Σγ) is left out. */
function expectTheta(gamma: usize, theta: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) v128.store(theta + k, expDigamma(v128.load(gamma + k)));
}

/**
 * One evaluation of a document: s_i = Σ_k θ̃_k B_ik of each entry, ratio_i = n_i / s_i, and acc_k = Σ_i ratio_i B_ik.
 * Entries go four at a time, so that θ̃ and acc are loaded once for four rows of B.
 */
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
  memory.fill(acc, 0, bytes);
  let i: u32 = 0;
  for (; i + 4 <= entries; i += 4) {
    const at = <usize>i << 2;
    const b0 = beta + <usize>load<u32>(term + at) * bytes;
    const b1 = beta + <usize>load<u32>(term + at, 4) * bytes;
    const b2 = beta + <usize>load<u32>(term + at, 8) * bytes;
    const b3 = beta + <usize>load<u32>(term + at, 12) * bytes;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const t = v128.load(theta + k);
      s0 = f32x4.add(s0, f32x4.mul(t, v128.load(b0 + k)));
      s1 = f32x4.add(s1, f32x4.mul(t, v128.load(b1 + k)));
      s2 = f32x4.add(s2, f32x4.mul(t, v128.load(b2 + k)));
      s3 = f32x4.add(s3, f32x4.mul(t, v128.load(b3 + k)));
    }
    const r0 = load<f32>(count + at) / sumOf(s0);
    const r1 = load<f32>(count + at, 4) / sumOf(s1);
    const r2 = load<f32>(count + at, 8) / sumOf(s2);
    const r3 = load<f32>(count + at, 12) / sumOf(s3);
    store<f32>(ratio + at, r0);
    store<f32>(ratio + at, r1, 4);
    store<f32>(ratio + at, r2, 8);
    store<f32>(ratio + at, r3, 12);
    const v0 = f32x4.splat(r0);
    const v1 = f32x4.splat(r1);
    const v2 = f32x4.splat(r2);
    const v3 = f32x4.splat(r3);
    for (let k: usize = 0; k < bytes; k += 16) {
      const low = f32x4.add(f32x4.mul(v0, v128.load(b0 + k)), f32x4.mul(v1, v128.load(b1 + k)));
      const high = f32x4.add(f32x4.mul(v2, v128.load(b2 + k)), f32x4.mul(v3, v128.load(b3 + k)));
      v128.store(acc + k, f32x4.add(v128.load(acc + k), f32x4.add(low, high)));
    }
  }
  for (; i < entries; i++) {
    const at = <usize>i << 2;
    const b = beta + <usize>load<u32>(term + at) * bytes;
    let s = f32x4.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      s = f32x4.add(s, f32x4.mul(v128.load(theta + k), v128.load(b + k)));
    }
    const r = load<f32>(count + at) / sumOf(s);
    store<f32>(ratio + at, r);
    const v = f32x4.splat(r);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(acc + k, f32x4.add(v128.load(acc + k), f32x4.mul(v, v128.load(b + k))));
    }
  }
}

/**
 * Phase 1 of the E-step, over documents [from, to): the fixed point of γ_d from where it is, then φ at it.
 *
 * Reads rowStart, term, count, beta (V×K4, e^E[log β]), alpha (K4); improves gamma (D×K4). Leaves theta (D×K4, θ̃ at γ),
 * ratio (entries, n / s), and tokens (D×K4, Σ_w n_dw φ_dw).
 */
export function ldaDocuments(
  from: u32,
  to: u32,
  K4: u32,
  rounds: u32,
  tolerance: f32,
  rowStart: usize,
  term: usize,
  count: usize,
  beta: usize,
  alpha: usize,
  gamma: usize,
  theta: usize,
  tokens: usize,
  ratio: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 2);
    const ratios = ratio + (<usize>first << 2);
    const g = gamma + <usize>d * bytes;
    const t = theta + <usize>d * bytes;
    const acc = tokens + <usize>d * bytes;
    let length: f32 = 0;
    for (let i: u32 = 0; i < entries; i++) length += load<f32>(counts + (<usize>i << 2));
    for (let round: u32 = 0; round < rounds; round++) {
      expectTheta(g, t, bytes);
      weigh(entries, terms, counts, beta, t, acc, ratios, bytes);
      let moved = f32x4.splat(0);
      for (let k: usize = 0; k < bytes; k += 16) {
        const now = f32x4.add(v128.load(alpha + k), f32x4.mul(v128.load(t + k), v128.load(acc + k)));
        moved = f32x4.add(moved, f32x4.abs(f32x4.sub(now, v128.load(g + k))));
        v128.store(g + k, now);
      }
      if (sumOf(moved) <= tolerance * length) break;
    }
    expectTheta(g, t, bytes);
    weigh(entries, terms, counts, beta, t, acc, ratios, bytes);
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(acc + k, f32x4.mul(v128.load(t + k), v128.load(acc + k)));
    }
  }
}

/**
 * Phase 2 of the E-step, over terms [from, to): S_w = B_w ⊙ Σ_d ratio_dw θ̃_d, documents in order.
 *
 * The entries of term w are [columnStart[w], columnStart[w + 1]) of columnEntry, places in ratio, and columnDocument.
 */
export function ldaTerms(
  from: u32,
  to: u32,
  K4: u32,
  columnStart: usize,
  columnEntry: usize,
  columnDocument: usize,
  ratio: usize,
  theta: usize,
  beta: usize,
  statistics: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let w = from; w < to; w++) {
    const out = statistics + <usize>w * bytes;
    const end = load<u32>(columnStart + (<usize>w << 2), 4);
    memory.fill(out, 0, bytes);
    for (let e = load<u32>(columnStart + (<usize>w << 2)); e < end; e++) {
      const r = f32x4.splat(load<f32>(ratio + (<usize>load<u32>(columnEntry + (<usize>e << 2)) << 2)));
      const t = theta + <usize>load<u32>(columnDocument + (<usize>e << 2)) * bytes;
      for (let k: usize = 0; k < bytes; k += 16) {
        v128.store(out + k, f32x4.add(v128.load(out + k), f32x4.mul(r, v128.load(t + k))));
      }
    }
    const b = beta + <usize>w * bytes;
    for (let k: usize = 0; k < bytes; k += 16) v128.store(out + k, f32x4.mul(v128.load(out + k), v128.load(b + k)));
  }
}

/**
 * Phase 1 of the self-excluding collapsed updates, over documents [from, to); see models/lda-start.ts.
 *
 * Reads beta (V×K4, padded with zeros); improves tokens (D×K4). Leaves share (entries from `firstEntry` on × K4), the
 * topics' shares of one token of each entry, and sums (entries), Σ_k (N_dk − r_ik + α) β_kw of the last round. `weight` is
 * room for K4.
 */
export function ldaStartDocuments(
  from: u32,
  to: u32,
  K4: u32,
  rounds: u32,
  alpha: f32,
  rowStart: usize,
  term: usize,
  count: usize,
  beta: usize,
  tokens: usize,
  firstEntry: u32,
  share: usize,
  weight: usize,
  sums: usize,
): void {
  const bytes = <usize>K4 << 2;
  const prior = f32x4.splat(alpha);
  const zero = f32x4.splat(0);
  for (let d = from; d < to; d++) {
    const first = load<u32>(rowStart + (<usize>d << 2));
    const entries = load<u32>(rowStart + (<usize>d << 2), 4) - first;
    if (entries === 0) continue;
    const terms = term + (<usize>first << 2);
    const counts = count + (<usize>first << 2);
    const shares = share + <usize>(first - firstEntry) * bytes;
    const own = tokens + <usize>d * bytes;
    for (let i: u32 = 0; i < entries; i++) {
      const b = beta + <usize>load<u32>(terms + (<usize>i << 2)) * bytes;
      const r = shares + <usize>i * bytes;
      let s = zero;
      for (let k: usize = 0; k < bytes; k += 16) {
        const x = f32x4.mul(f32x4.add(v128.load(own + k), prior), v128.load(b + k));
        s = f32x4.add(s, x);
        v128.store(r + k, x);
      }
      const scale = f32x4.splat(1 / sumOf(s));
      for (let k: usize = 0; k < bytes; k += 16) v128.store(r + k, f32x4.mul(v128.load(r + k), scale));
    }
    for (let round: u32 = 0; round < rounds; round++) {
      for (let i: u32 = 0; i < entries; i++) {
        const b = beta + <usize>load<u32>(terms + (<usize>i << 2)) * bytes;
        const r = shares + <usize>i * bytes;
        let s = zero;
        for (let k: usize = 0; k < bytes; k += 16) {
          const others = f32x4.max(f32x4.sub(v128.load(own + k), v128.load(r + k)), zero);
          const x = f32x4.mul(f32x4.add(others, prior), v128.load(b + k));
          s = f32x4.add(s, x);
          v128.store(weight + k, x);
        }
        const sum = sumOf(s);
        store<f32>(sums + (<usize>(first + i) << 2), sum);
        const scale = f32x4.splat(1 / sum);
        const n = f32x4.splat(load<f32>(counts + (<usize>i << 2)));
        for (let k: usize = 0; k < bytes; k += 16) {
          const now = f32x4.mul(v128.load(weight + k), scale);
          const moved = f32x4.mul(n, f32x4.sub(now, v128.load(r + k)));
          v128.store(own + k, f32x4.add(v128.load(own + k), moved));
          v128.store(r + k, now);
        }
      }
      memory.fill(own, 0, bytes);
      for (let i: u32 = 0; i < entries; i++) {
        const r = shares + <usize>i * bytes;
        const n = f32x4.splat(load<f32>(counts + (<usize>i << 2)));
        for (let k: usize = 0; k < bytes; k += 16) {
          v128.store(own + k, f32x4.add(v128.load(own + k), f32x4.mul(n, v128.load(r + k))));
        }
      }
    }
  }
}

/** Phase 2, over terms [from, to): S_w = Σ_i n_i r_i over the entries of term w, in the order of columnEntry. */
export function ldaStartTerms(
  from: u32,
  to: u32,
  K4: u32,
  columnStart: usize,
  columnEntry: usize,
  count: usize,
  firstEntry: u32,
  share: usize,
  statistics: usize,
): void {
  const bytes = <usize>K4 << 2;
  for (let w = from; w < to; w++) {
    const out = statistics + <usize>w * bytes;
    const end = load<u32>(columnStart + (<usize>w << 2), 4);
    memory.fill(out, 0, bytes);
    for (let e = load<u32>(columnStart + (<usize>w << 2)); e < end; e++) {
      const i = load<u32>(columnEntry + (<usize>e << 2));
      const n = f32x4.splat(load<f32>(count + (<usize>i << 2)));
      const r = share + <usize>(i - firstEntry) * bytes;
      for (let k: usize = 0; k < bytes; k += 16) {
        v128.store(out + k, f32x4.add(v128.load(out + k), f32x4.mul(n, v128.load(r + k))));
      }
    }
  }
}
