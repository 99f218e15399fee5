// Rows of f32, four numbers at a time and four rows at once, so that what they share is loaded once for four of them.
// Pointers and lengths are bytes, lengths multiples of 16.

// @ts-ignore: decorator
@inline
export function sumOf(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/**
 * Fills a row with 0. The engine's own fill and copy check bounds against the size of the memory that a thread knows of,
 * which in a thread that slept while the memory grew may be an old one.
 */
// @ts-ignore: decorator
@inline
export function clear(row: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) v128.store(row + k, f32x4.splat(0));
}

// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) v128.store(to + k, v128.load(from + k));
}

/** Σ_k a_k b_k. */
// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, bytes: usize): f32 {
  let s = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    s = f32x4.add(s, f32x4.mul(v128.load(a + k), v128.load(b + k)));
  }
  return sumOf(s);
}

/** Σ_k a_k b_k of four b, into four numbers at `out`. */
// @ts-ignore: decorator
@inline
export function dotFour(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, out: usize, bytes: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const t = v128.load(a + k);
    s0 = f32x4.add(s0, f32x4.mul(t, v128.load(b0 + k)));
    s1 = f32x4.add(s1, f32x4.mul(t, v128.load(b1 + k)));
    s2 = f32x4.add(s2, f32x4.mul(t, v128.load(b2 + k)));
    s3 = f32x4.add(s3, f32x4.mul(t, v128.load(b3 + k)));
  }
  store<f32>(out, sumOf(s0));
  store<f32>(out, sumOf(s1), 4);
  store<f32>(out, sumOf(s2), 8);
  store<f32>(out, sumOf(s3), 12);
}

/** Adds a row, times its weight, to a sum. */
// @ts-ignore: decorator
@inline
export function add(sum: usize, row: usize, weight: f32, bytes: usize): void {
  const w = f32x4.splat(weight);
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(sum + k, f32x4.add(v128.load(sum + k), f32x4.mul(w, v128.load(row + k))));
  }
}

/** Adds four rows, each times its weight, to a sum. */
// @ts-ignore: decorator
@inline
export function addFour(
  sum: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  weight0: f32,
  weight1: f32,
  weight2: f32,
  weight3: f32,
  bytes: usize,
): void {
  const w0 = f32x4.splat(weight0);
  const w1 = f32x4.splat(weight1);
  const w2 = f32x4.splat(weight2);
  const w3 = f32x4.splat(weight3);
  for (let k: usize = 0; k < bytes; k += 16) {
    const low = f32x4.add(f32x4.mul(w0, v128.load(row0 + k)), f32x4.mul(w1, v128.load(row1 + k)));
    const high = f32x4.add(f32x4.mul(w2, v128.load(row2 + k)), f32x4.mul(w3, v128.load(row3 + k)));
    v128.store(sum + k, f32x4.add(v128.load(sum + k), f32x4.add(low, high)));
  }
}
