// Twins of the inner loops of models/gmm.ts, in f64. Rows of P numbers are padded with zeros to P4, a multiple of 4.
// Pointers are bytes; no bounds are checked here.

import { clear } from './rows';
import { expOfNegative, sum2x } from './special';

/** Points worked on together: their differences from a mean stay in the first cache for P up to 50. */
const TILE: u32 = 64;

/** A responsibility below this leaves no trace in sums of doubles. */
const NEGLIGIBLE: f64 = 1e-20;

/** δ = x − μ of `rows` points. */
function subtract(rows: u32, bytes: usize, x: usize, mean: usize, delta: usize): void {
  for (let end = delta + <usize>rows * bytes; delta < end; delta += bytes, x += bytes) {
    for (let p: usize = 0; p < bytes; p += 16) {
      v128.store(delta + p, f64x2.sub(v128.load(x + p), v128.load(mean + p)));
    }
  }
}

/**
 * |F δ|² of `rows` points for lower triangular F, given transposed (row j holds column j): four points by four rows of F
 * at a time. Writes a pair of doubles a point, whose sum it is.
 */
function denseDistances(rows: u32, bytes: usize, delta: usize, factor: usize, squares: usize): void {
  for (let n: u32 = 0; n < rows; n += 4, delta += 4 * bytes, squares += 64) {
    const d1 = delta + bytes;
    const d2 = d1 + bytes;
    const d3 = d2 + bytes;
    clear(squares, 64);
    for (let i: usize = 0; i < bytes; i += 32) {
      let a0 = f64x2.splat(0);
      let b0 = f64x2.splat(0);
      let a1 = f64x2.splat(0);
      let b1 = f64x2.splat(0);
      let a2 = f64x2.splat(0);
      let b2 = f64x2.splat(0);
      let a3 = f64x2.splat(0);
      let b3 = f64x2.splat(0);
      let f = factor + i;
      for (let j: usize = 0; j < i + 32; j += 8, f += bytes) {
        const fa = v128.load(f);
        const fb = v128.load(f, 16);
        const x0 = v128.load64_splat(delta + j);
        a0 = f64x2.add(a0, f64x2.mul(fa, x0));
        b0 = f64x2.add(b0, f64x2.mul(fb, x0));
        const x1 = v128.load64_splat(d1 + j);
        a1 = f64x2.add(a1, f64x2.mul(fa, x1));
        b1 = f64x2.add(b1, f64x2.mul(fb, x1));
        const x2 = v128.load64_splat(d2 + j);
        a2 = f64x2.add(a2, f64x2.mul(fa, x2));
        b2 = f64x2.add(b2, f64x2.mul(fb, x2));
        const x3 = v128.load64_splat(d3 + j);
        a3 = f64x2.add(a3, f64x2.mul(fa, x3));
        b3 = f64x2.add(b3, f64x2.mul(fb, x3));
      }
      addSquares(squares, a0, b0);
      addSquares(squares + 16, a1, b1);
      addSquares(squares + 32, a2, b2);
      addSquares(squares + 48, a3, b3);
    }
  }
}

// @ts-ignore: decorator
@inline
function addSquares(out: usize, a: v128, b: v128): void {
  v128.store(out, f64x2.add(v128.load(out), f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b))));
}

/**
 * Σ_p (f_p (x_p − μ_p))² of `rows` points, four at a time, each as a pair of doubles; of an incomplete last four, the others
 * are whatever lies in memory there.
 */
function diagonalDistances(rows: u32, bytes: usize, x: usize, mean: usize, factor: usize, squares: usize): void {
  for (let n: u32 = 0; n < rows; n += 4, squares += 64, x += 4 * bytes) {
    const x1 = x + bytes;
    const x2 = x1 + bytes;
    const x3 = x2 + bytes;
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    for (let p: usize = 0; p < bytes; p += 16) {
      const mu = v128.load(mean + p);
      const f = v128.load(factor + p);
      const y0 = f64x2.mul(f, f64x2.sub(v128.load(x + p), mu));
      const y1 = f64x2.mul(f, f64x2.sub(v128.load(x1 + p), mu));
      const y2 = f64x2.mul(f, f64x2.sub(v128.load(x2 + p), mu));
      const y3 = f64x2.mul(f, f64x2.sub(v128.load(x3 + p), mu));
      s0 = f64x2.add(s0, f64x2.mul(y0, y0));
      s1 = f64x2.add(s1, f64x2.mul(y1, y1));
      s2 = f64x2.add(s2, f64x2.mul(y2, y2));
      s3 = f64x2.add(s3, f64x2.mul(y3, y3));
    }
    v128.store(squares, s0);
    v128.store(squares, s1, 16);
    v128.store(squares, s2, 32);
    v128.store(squares, s3, 48);
  }
}

/**
 * Responsibilities of points [from, to).
 *
 * Reads values (D×P4), mean (K×P4), factor (`dense`: P4×P4, transposed, else P4 numbers; that of component k+1 is
 * `factorBytes` further), degrees, constant, logWeight (K). Writes responsibility (D×K) and found, four numbers a point:
 * m = max_k log joint_k, Σ_k e^(log joint_k − m), E[log p(x | z)], E[log π_z]. `delta` and `joint` are room for TILE×P4 and
 * K×TILE.
 */
export function gmmPoints(
  from: u32,
  to: u32,
  P4: u32,
  K: u32,
  dense: bool,
  values: usize,
  mean: usize,
  factor: usize,
  factorBytes: usize,
  degrees: usize,
  constant: usize,
  logWeight: usize,
  responsibility: usize,
  found: usize,
  delta: usize,
  squares: usize,
  joint: usize,
): void {
  const bytes = <usize>P4 << 3;
  for (let first = from; first < to; first += TILE) {
    const rows = min(TILE, to - first);
    const x = values + <usize>first * bytes;
    for (let k: usize = 0; k < K; k++) {
      const mu = mean + k * bytes;
      const root = factor + k * factorBytes;
      if (dense) {
        subtract(rows, bytes, x, mu, delta);
        denseDistances(rows, bytes, delta, root, squares);
      } else {
        diagonalDistances(rows, bytes, x, mu, root, squares);
      }
      const top = load<f64>(constant + (k << 3));
      const half = load<f64>(degrees + (k << 3)) / 2;
      for (let n: usize = 0; n < rows; n++) {
        store<f64>(joint + ((k * TILE + n) << 3), top - half * sum2x(v128.load(squares + (n << 4))));
      }
    }
    // Two points side by side; what lies beyond the last of an odd number is not written.
    for (let n: u32 = 0; n < rows; n += 2) {
      const row = joint + (<usize>n << 3);
      const out = responsibility + ((<usize>(first + n) * K) << 3);
      const pair = n + 1 < rows;
      let most = f64x2.splat(-Infinity);
      for (let k: usize = 0; k < K; k++) most = f64x2.max(most, v128.load(row + k * (TILE << 3)));
      let sum = f64x2.splat(0);
      let densities = f64x2.splat(0);
      let assignments = f64x2.splat(0);
      for (let k: usize = 0; k < K; k++) {
        const l = v128.load(row + k * (TILE << 3));
        const w = v128.load64_splat(logWeight + (k << 3));
        const e = expOfNegative(f64x2.sub(l, most));
        sum = f64x2.add(sum, e);
        // A weight of 0 has the logarithm −∞.
        const counts = f64x2.gt(e, f64x2.splat(0));
        densities = f64x2.add(densities, v128.and(counts, f64x2.mul(e, f64x2.sub(l, w))));
        assignments = f64x2.add(assignments, v128.and(counts, f64x2.mul(e, w)));
        v128.store(row + k * (TILE << 3), e);
      }
      for (let k: usize = 0; k < K; k++) {
        const r = f64x2.div(v128.load(row + k * (TILE << 3)), sum);
        store<f64>(out + (k << 3), f64x2.extract_lane(r, 0));
        if (pair) store<f64>(out + ((k + K) << 3), f64x2.extract_lane(r, 1));
      }
      densities = f64x2.div(densities, sum);
      assignments = f64x2.div(assignments, sum);
      const at = found + (<usize>(first + n) << 5);
      v128.store(at, v128.shuffle<f64>(most, sum, 0, 2));
      v128.store(at, v128.shuffle<f64>(densities, assignments, 0, 2), 16);
      if (pair) {
        v128.store(at, v128.shuffle<f64>(most, sum, 1, 3), 32);
        v128.store(at, v128.shuffle<f64>(densities, assignments, 1, 3), 48);
      }
    }
  }
}

/** Adds the lower triangle (and the rest of its 4×4 tiles) of Σ_n weighted_n δ_nᵀ, four by four numbers at a time. */
function addProducts(rows: u32, bytes: usize, delta: usize, weighted: usize, out: usize): void {
  const end = <usize>rows * bytes;
  for (let i: usize = 0; i < bytes; i += 32) {
    for (let j: usize = 0; j <= i; j += 32) {
      const o0 = out + (i >> 3) * bytes + j;
      const o1 = o0 + bytes;
      const o2 = o1 + bytes;
      const o3 = o2 + bytes;
      let a0 = v128.load(o0);
      let b0 = v128.load(o0, 16);
      let a1 = v128.load(o1);
      let b1 = v128.load(o1, 16);
      let a2 = v128.load(o2);
      let b2 = v128.load(o2, 16);
      let a3 = v128.load(o3);
      let b3 = v128.load(o3, 16);
      for (let n: usize = 0; n < end; n += bytes) {
        const da = v128.load(delta + n + j);
        const db = v128.load(delta + n + j, 16);
        const w = weighted + n + i;
        const x0 = v128.load64_splat(w);
        a0 = f64x2.add(a0, f64x2.mul(da, x0));
        b0 = f64x2.add(b0, f64x2.mul(db, x0));
        const x1 = v128.load64_splat(w, 8);
        a1 = f64x2.add(a1, f64x2.mul(da, x1));
        b1 = f64x2.add(b1, f64x2.mul(db, x1));
        const x2 = v128.load64_splat(w, 16);
        a2 = f64x2.add(a2, f64x2.mul(da, x2));
        b2 = f64x2.add(b2, f64x2.mul(db, x2));
        const x3 = v128.load64_splat(w, 24);
        a3 = f64x2.add(a3, f64x2.mul(da, x3));
        b3 = f64x2.add(b3, f64x2.mul(db, x3));
      }
      v128.store(o0, a0);
      v128.store(o0, b0, 16);
      v128.store(o1, a1);
      v128.store(o1, b1, 16);
      v128.store(o2, a2);
      v128.store(o2, b2, 16);
      v128.store(o3, a3);
      v128.store(o3, b3, 16);
    }
  }
}

/**
 * Adds Σ_n r_n δ_n of a tile of points to `first`, and the diagonal of Σ_n r_n δ_n δ_nᵀ to `second`; or, if dense, leaves
 * δ_n and r_n δ_n in `delta` and `weighted`. `tile` holds where x_n lies, in the lower half of a double, and r_n, by turns.
 */
function addMoments(
  rows: usize,
  bytes: usize,
  dense: bool,
  tile: usize,
  mean: usize,
  first: usize,
  second: usize,
  delta: usize,
  weighted: usize,
): void {
  const end = tile + (rows << 4);
  for (let p: usize = 0; p < bytes; p += 16) {
    const mu = v128.load(mean + p);
    let sum = v128.load(first + p);
    let squares = dense ? f64x2.splat(0) : v128.load(second + p);
    for (let n = tile, out = p; n < end; n += 16, out += bytes) {
      const d = f64x2.sub(v128.load(<usize>load<u32>(n) + p), mu);
      const w = f64x2.mul(v128.load64_splat(n, 8), d);
      sum = f64x2.add(sum, w);
      if (dense) {
        v128.store(delta + out, d);
        v128.store(weighted + out, w);
      } else {
        squares = f64x2.add(squares, f64x2.mul(w, d));
      }
    }
    v128.store(first + p, sum);
    if (!dense) v128.store(second + p, squares);
  }
}

/**
 * Statistics of components [from, to) over points [first, end), in order: adds Σ r to count and Σ r δ to firstMoment, writes
 * second, Σ r δ δᵀ (`dense`: the tiles of the lower triangle of P4×P4) or its diagonal (P4), with δ = x − μ. `delta` and
 * `weighted` are room for TILE×P4, `tile` for 2 TILE.
 */
export function gmmStatistics(
  from: u32,
  to: u32,
  first: u32,
  end: u32,
  P4: u32,
  K: u32,
  dense: bool,
  values: usize,
  mean: usize,
  responsibility: usize,
  count: usize,
  firstMoment: usize,
  second: usize,
  delta: usize,
  weighted: usize,
  tile: usize,
): void {
  const bytes = <usize>P4 << 3;
  const secondBytes = dense ? bytes * P4 : bytes;
  for (let k = <usize>from; k < to; k++) {
    const mu = mean + k * bytes;
    const sum = firstMoment + k * bytes;
    const out = second + k * secondBytes;
    clear(out, secondBytes);
    let total = load<f64>(count + (k << 3));
    for (let n = <usize>first; n < end; ) {
      let rows: usize = 0;
      for (; n < end && rows < TILE; n++) {
        const r = load<f64>(responsibility + ((n * K + k) << 3));
        if (r < NEGLIGIBLE) continue;
        total += r;
        store<u32>(tile + (rows << 4), <u32>(values + n * bytes));
        store<f64>(tile + (rows << 4), r, 8);
        rows++;
      }
      addMoments(rows, bytes, dense, tile, mu, sum, out, delta, weighted);
      if (dense) addProducts(<u32>rows, bytes, delta, weighted, out);
    }
    store<f64>(count + (k << 3), total);
  }
}
