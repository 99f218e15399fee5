// Functions of two doubles side by side.

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
  const exponent = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(k));
  const power = i64x2.shl(i64x2.add(exponent, i64x2.splat(1023)), 52);
  return v128.and(f64x2.mul(e, power), f64x2.gt(x, f64x2.splat(-708)));
}

// @ts-ignore: decorator
@inline
export function pairSum(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}
