// Special functions of two f64 at once; absolute error below 1e-13, relative where the value is large.

/** ln of two positive normal numbers: 2 atanh((m − 1) / (m + 1)) of the part m in [√½, √2), and the exponent's share. */
// @ts-ignore: decorator
@inline
export function log2x(x: v128): v128 {
  const shifted = i64x2.sub(x, i64x2.splat(0x3fe6a09e667f3bcd));
  const exponent = i64x2.shr_s(shifted, 52);
  const m = i64x2.sub(x, i64x2.shl(exponent, 52));
  // an integer below 2⁵¹ as f64: into the low bits of 1.5 · 2⁵²
  const e = f64x2.sub(i64x2.add(exponent, i64x2.splat(0x4338000000000000)), f64x2.splat(6755399441055744));
  const s = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
  const z = f64x2.mul(s, s);
  let p = f64x2.splat(1.0 / 21);
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 19));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 17));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 15));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 13));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 11));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 9));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 7));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 5));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1.0 / 3));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(1));
  const twice = f64x2.add(s, s);
  return f64x2.add(f64x2.mul(e, f64x2.splat(0.6931471805599453)), f64x2.mul(twice, p));
}

/** ln Γ of the numbers `digamma2x` was last called with. */
export let lgamma: v128 = f64x2.splat(0);

/** ln Γ(x + 8) and x (x + 1) … (x + 7) of the numbers `digammaShifted2x` was last called with. */
export let lgammaShifted: v128 = f64x2.splat(0);
export let rising: v128 = f64x2.splat(0);

/** ψ of two positive numbers; leaves ln Γ of them in `lgamma`. */
// @ts-ignore: decorator
@inline
export function digamma2x(x: v128): v128 {
  const found = digammaShifted2x(x);
  lgamma = f64x2.sub(lgammaShifted, log2x(rising));
  return found;
}

/**
 * ψ of two positive numbers; leaves what ln Γ is made of in `lgammaShifted` and `rising`. Eight recurrences to y = x + 8,
 * then the asymptotic series: p = x (x + 1) … (x + 7) gives ln Γ(x) = ln Γ(y) − ln p and ψ(x) = ψ(y) − p′/p. With
 * u = x (x + 7), outer factors paired with outer ones, p = u (u + 6) (u + 10) (u + 12).
 */
// @ts-ignore: decorator
@inline
export function digammaShifted2x(x: v128): v128 {
  const seven = f64x2.add(x, f64x2.splat(7));
  const u = f64x2.mul(x, seven);
  let p = f64x2.mul(u, f64x2.add(u, f64x2.splat(6)));
  let slope = f64x2.add(f64x2.add(u, u), f64x2.splat(6));
  const third = f64x2.add(u, f64x2.splat(10));
  slope = f64x2.add(f64x2.mul(slope, third), p);
  p = f64x2.mul(p, third);
  const fourth = f64x2.add(u, f64x2.splat(12));
  slope = f64x2.mul(f64x2.add(f64x2.mul(slope, fourth), p), f64x2.add(x, seven));
  p = f64x2.mul(p, fourth);
  const y = f64x2.add(x, f64x2.splat(8));
  const one = f64x2.splat(1);
  const inverse = f64x2.div(one, y);
  const square = f64x2.mul(inverse, inverse);
  const logY = log2x(y);
  let series = f64x2.splat(-1.0 / 132);
  series = f64x2.add(f64x2.mul(series, square), f64x2.splat(1.0 / 240));
  series = f64x2.add(f64x2.mul(series, square), f64x2.splat(-1.0 / 252));
  series = f64x2.add(f64x2.mul(series, square), f64x2.splat(1.0 / 120));
  series = f64x2.add(f64x2.mul(series, square), f64x2.splat(-1.0 / 12));
  const psi = f64x2.add(f64x2.sub(logY, f64x2.mul(f64x2.splat(0.5), inverse)), f64x2.mul(series, square));
  let stirling = f64x2.splat(1.0 / 1188);
  stirling = f64x2.add(f64x2.mul(stirling, square), f64x2.splat(-1.0 / 1680));
  stirling = f64x2.add(f64x2.mul(stirling, square), f64x2.splat(1.0 / 1260));
  stirling = f64x2.add(f64x2.mul(stirling, square), f64x2.splat(-1.0 / 360));
  stirling = f64x2.add(f64x2.mul(stirling, square), f64x2.splat(1.0 / 12));
  const half = f64x2.mul(f64x2.sub(y, f64x2.splat(0.5)), logY);
  const rest = f64x2.add(f64x2.splat(0.9189385332046728), f64x2.mul(stirling, inverse));
  lgammaShifted = f64x2.add(f64x2.sub(half, y), rest);
  rising = p;
  return f64x2.sub(psi, f64x2.div(slope, p));
}

/** A product of pairs of positive numbers, but for powers of two within [1, 2), and these powers. */
let product: v128 = f64x2.splat(1);
let exponents: v128 = i64x2.splat(0);

/** Begins a product: what many numbers add to a sum as logarithms is one logarithm then. */
// @ts-ignore: decorator
@inline
export function beginProduct(): void {
  product = f64x2.splat(1);
  exponents = i64x2.splat(0);
}

// @ts-ignore: decorator
@inline
export function multiplyIn(x: v128): void {
  const next = f64x2.mul(product, x);
  exponents = i64x2.add(exponents, i64x2.sub(i64x2.shr_u(next, 52), i64x2.splat(1023)));
  product = v128.or(v128.and(next, i64x2.splat(0x000fffffffffffff)), f64x2.splat(1));
}

/** ln of the product of all numbers since `beginProduct`. */
export function logOfProduct(): f64 {
  const exponent = i64x2.extract_lane(exponents, 0) + i64x2.extract_lane(exponents, 1);
  return sum2x(log2x(product)) + 0.6931471805599453 * <f64>exponent;
}

/** e^x of two x ≤ 0, of math/special.ts operation for operation; 0 below −708. */
// @ts-ignore: decorator
@inline
export function expOfNegative(x: v128): v128 {
  const k = f64x2.floor(f64x2.add(f64x2.mul(x, f64x2.splat(1.4426950408889634)), f64x2.splat(0.5)));
  const head = f64x2.sub(x, f64x2.mul(k, f64x2.splat(0.6931471804855391)));
  const tail = f64x2.mul(k, f64x2.splat(7.440617110012397e-11));
  const r = f64x2.sub(head, tail);
  const t = f64x2.mul(r, r);
  let p = f64x2.splat(4.1437662804021675e-8);
  p = f64x2.add(f64x2.splat(-1.653406003383645e-6), f64x2.mul(t, p));
  p = f64x2.add(f64x2.splat(6.613756471622828e-5), f64x2.mul(t, p));
  p = f64x2.add(f64x2.splat(-0.0027777777777564404), f64x2.mul(t, p));
  p = f64x2.add(f64x2.splat(0.1666666666666666), f64x2.mul(t, p));
  const c = f64x2.sub(r, f64x2.mul(t, p));
  const quotient = f64x2.div(f64x2.mul(r, c), f64x2.sub(f64x2.splat(2), c));
  const e = f64x2.add(f64x2.splat(1), f64x2.sub(head, f64x2.sub(tail, quotient)));
  // k + 1023 in the low bits of 1.5 · 2⁵² + 1023, which go where an exponent is
  const power = i64x2.shl(f64x2.add(k, f64x2.splat(6755399441056767)), 52);
  return v128.and(f64x2.mul(e, power), f64x2.gt(x, f64x2.splat(-708)));
}

/** Two neighbouring f32 as f64. */
// @ts-ignore: decorator
@inline
export function promote(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

// @ts-ignore: decorator
@inline
export function sum2x(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}
