/*
 * Elementary and special functions made only of operations IEEE 754 rounds exactly, in a fixed order, so that every
 * machine and every version of Node gives the same bits. (Math.exp and Math.log promise no such thing.)
 * The coefficients are derived by test/fixtures/make/coefficients.py; the errors named here are the largest found
 * against mpmath over the points of test/fixtures/make/errors.py, in units of the last place (ulp) or relative.
 */

const scratch = new Float64Array(1);
/** The halves of `scratch`: low word first (little-endian machines only, which are all that Node runs on but s390x). */
const words = new Int32Array(scratch.buffer);

/** 2^k at k + 1024, for −1024 ≤ k < 1024: a look-up is faster than writing half of a double and reading the whole. */
const power2 = new Float64Array(2048);
power2[1024] = 1;
for (let k = 1; k < 1024; k++) power2[1024 + k] = 2 * power2[1023 + k];
for (let k = 1; k <= 1024; k++) power2[1024 - k] = power2[1025 - k] / 2;

/** ln 2 = head + tail. The head has 33 bits, so its product with an exponent is exact. */
const LN2_HEAD = 0.6931471804855391;
const LN2_TAIL = 7.440617110012397e-11;
// biome-ignore lint/suspicious/noApproximativeNumericConstant: nothing here leans on Math
const INVERSE_LN2 = 1.4426950408889634;

/**
 * e^x, from x = k ln 2 + r with |r| ≤ ln 2 / 2 and e^r = 1 + r + r c / (2 − c), c = r − r² p(r²).
 * Error: 1 ulp.
 *
 * @see the reduction and the form of e^r: fdlibm's e_exp.c (K. C. Ng, Sun 1993), from memory; p is our own.
 */
export function exp(x: number): number {
  if (!(x > -708 && x < 709)) return expFar(x);
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  return (1 + expm1Reduced(x, k)) * power2[k + 1024];
}

/** e^(x − k ln 2) − 1, the exponent within ±ln 2 / 2. */
function expm1Reduced(x: number, k: number): number {
  const head = x - k * LN2_HEAD;
  const tail = k * LN2_TAIL;
  const r = head - tail;
  const c = r - expCorrection(r * r);
  return head - (tail - (r * c) / (2 - c));
}

/** t p(t) of {@link exp}; approximation error 1.2e-18 of e^r. */
function expCorrection(t: number): number {
  return (
    t *
    (0.1666666666666666 +
      t *
        (-0.0027777777777564404 + t * (6.613756471622828e-5 + t * (-1.653406003383645e-6 + t * 4.1437662804021675e-8))))
  );
}

/** e^x where it overflows, is 0 or subnormal, or comes near: scaled in two steps. */
function expFar(x: number): number {
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019412) return 0;
  if (!(x < 0 || x > 0)) return NaN;
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const e = 1 + expm1Reduced(x, k);
  return x > 0 ? e * power2[k + 1023] * 2 : e * power2[k + 1088] * 5.421010862427522e-20;
}

/**
 * log x, from x = 2^k m with √½ ≤ m < √2 and log m = log((1 + s) / (1 − s)), s = (m − 1) / (m + 1).
 * log 0 = −∞; NaN below 0. Error: 0.8 ulp.
 *
 * @see the arrangement of the sum: fdlibm's e_log.c (K. C. Ng, Sun 1993), from memory; the polynomial is our own.
 */
export function log(x: number): number {
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) return logFar(x);
  scratch[0] = x;
  const k = (words[1] - 0x3fe6a09e) >> 20;
  const f = x * power2[1024 - k] - 1;
  const s = f / (2 + f);
  const half = 0.5 * f * f;
  return k * LN2_HEAD - (half - (s * (half + logSeries(s * s)) + k * LN2_TAIL) - f);
}

/** (log((1 + s) / (1 − s)) − 2 s) / s of w = s²; approximation error 4.6e-18 of the logarithm. */
function logSeries(w: number): number {
  return (
    w *
    (0.666666666666667 +
      w *
        (0.3999999999989938 +
          w *
            (0.28571428626031065 +
              w *
                (0.22222211125722807 +
                  w * (0.18182889786191203 + w * (0.15331699633539508 + w * 0.14616721179907316))))))
  );
}

function logFar(x: number): number {
  if (x === 0) return -Infinity;
  if (!(x > 0)) return NaN;
  if (x === Infinity) return x;
  return log(x * 18014398509481984) - 37.42994775023705;
}

/** log(1 + x), as log u + (what rounding took from u = 1 + x) / u. −∞ at −1, NaN below. Error: 1.5 ulp. */
export function log1p(x: number): number {
  const u = 1 + x;
  if (!(u > 0 && u < 9007199254740992)) return log(u);
  const lost = x < 1 ? x - (u - 1) : 1 - (u - x);
  return log(u) + lost / u;
}

/** e^x − 1, as 2^k (e^r − 1) + (2^k − 1) with k and r of {@link exp}. Error: 1.4 ulp. */
export function expm1(x: number): number {
  if (!(x < 40)) return exp(x);
  if (x < -40) return -1;
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const e = expm1Reduced(x, k);
  return k === 0 ? e : power2[k + 1024] * e + (power2[k + 1024] - 1);
}

/**
 * x^y = e^(y log x) for x ≥ 0. Relative error: 2.2e-16 (1 + |y log x|), so 1.5e-13 at the ends of the range; exact at
 * y = 0, 1 and where x = 1.
 */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (y === 1) return x;
  return exp(y * log(x));
}

/**
 * ψ(x) = d/dx log Γ(x) for x > 0; −∞ at 0, NaN below. Below 10 from ψ(x + 10) − Σ_{i<10} 1/(x + i), the sum being one
 * quotient of polynomials; above from the asymptotic series in z = x − ½.
 * Error: 1.5e-15, relative or (where |ψ| < 1, about its zero 1.4616…) absolute.
 *
 * @see DLMF 5.5.2 and 5.11.2, the series about x − ½ having the coefficients −B_2k(½) / 2k.
 */
export function digamma(x: number): number {
  if (!(x >= 0)) return NaN;
  const z = x < 10 ? x + 9.5 : x - 0.5;
  const y = log(z) + digammaSeries(1 / (z * z));
  return x < 10 ? y - reciprocals(x) : y;
}

/** ψ(z + ½) − log z as a series in w = z^−2, for z ≥ 9.5; the first term left out is below 1e-16. */
function digammaSeries(w: number): number {
  return (
    w *
    (1 / 24 +
      w *
        (-7 / 960 +
          w * (31 / 8064 + w * (-127 / 30720 + w * (511 / 67584 + w * (-1414477 / 67092480 + w * (8191 / 98304)))))))
  );
}

/** Σ_{i<10} 1/(x + i) = (2x + 9) P′(u) / P(u), where u = x(x + 9) and P = u (u + 8) (u + 14) (u + 18) (u + 20). */
function reciprocals(x: number): number {
  const u = x * (x + 9);
  return (
    ((2 * x + 9) * (40320 + u * (24352 + u * (3924 + u * (240 + u * 5))))) /
    (u * (40320 + u * (12176 + u * (1308 + u * (60 + u)))))
  );
}

/**
 * e^ψ(x) for x ≥ 0, without a logarithm: z times a series in z^−2 at z = x + 9½, times e^−Σ 1/(x + i) below 10.
 * Tends to e^(−1/x) at 0 and underflows to 0 below 1/745. Relative error: 1.5e-15 from x = 1 up, 5e-16 (3 + 1/x) below.
 */
export function expDigamma(x: number): number {
  if (!(x >= 0)) return NaN;
  const z = x < 10 ? x + 9.5 : x - 0.5;
  const y = z * expDigammaSeries(1 / (z * z));
  return x < 10 ? y * exp(-reciprocals(x)) : y;
}

/** e^ψ(z + ½) / z as a series in w = z^−2: the exponential of {@link digammaSeries}, term by term. */
function expDigammaSeries(w: number): number {
  return (
    1 +
    w *
      (1 / 24 +
        w *
          (-37 / 5760 +
            w *
              (10313 / 2903040 +
                w *
                  (-0.0039535574489730305 +
                    w * (0.007365033269308669 + w * (-0.020734675824368137 + w * 0.08238185223878776))))))
  );
}

/**
 * ψ′(x) for x > 0; ∞ at 0, NaN below. Below 10 by ψ′(x) = ψ′(x + 1) + 1/x², above by the derivative of
 * {@link digamma}'s series. Relative error: 8e-16.
 */
export function trigamma(x: number): number {
  if (!(x >= 0)) return NaN;
  let sum = 0;
  let y = x;
  for (; y < 10; y++) sum += (1 / y) * (1 / y);
  const r = 1 / (y - 0.5);
  const w = r * r;
  return (
    sum +
    r *
      (1 +
        w *
          (-1 / 12 +
            w *
              (7 / 240 +
                w *
                  (-31 / 1344 +
                    w *
                      (127 / 3840 +
                        w *
                          (-2555 / 33792 +
                            w * (1414477 / 5591040 + w * (-57337 / 49152 + w * (118518239 / 16711680)))))))))
  );
}

/**
 * log Γ(x) for x > 0; ∞ at 0, NaN below. Below 10 from log Γ(1 + y) = y (y − 1) p(y) / q(y), 0 ≤ y ≤ 1, and
 * Γ(x + 1) = x Γ(x), which keeps relative accuracy at the zeros 1 and 2; above by Stirling's series.
 * Relative error: 7e-16.
 *
 * @see DLMF 5.11.1 for the series.
 */
export function lgamma(x: number): number {
  if (!(x >= 0)) return NaN;
  let y = x;
  let product = x;
  if (x >= 1 && x < 10) for (product = 1, y--; y >= 1; y--) product *= y;
  const l = log(product);
  if (x >= 10) {
    const r = 1 / x;
    return (x - 0.5) * (l - 1) + (0.4189385332046727 + r * stirling(r * r));
  }
  return x < 1 ? logGamma1p(y) - l : logGamma1p(y) + l;
}

/** log Γ(1 + y) for 0 ≤ y ≤ 1; approximation error 1.2e-16 relative. */
function logGamma1p(y: number): number {
  const p =
    0.5772156649015329 +
    y *
      (1.4168440382730387 +
        y *
          (1.256904785558402 +
            y *
              (0.4881110979652391 +
                y * (0.07919319903026166 + y * (0.004057824720597832 + y * 1.5541537678933775e-5)))));
  const q =
    1 +
    y *
      (2.8795050236191093 +
        y *
          (3.1317117280829274 +
            y *
              (1.600338546605783 + y * (0.3884668373817348 + y * (0.03967954948997819 + y * 0.0011776347614992106)))));
  return (y * (y - 1) * p) / q;
}

/** x (log Γ(x) − (x − ½) log x + x − ½ log 2π) as a series in w = x^−2, for x ≥ 10. */
function stirling(w: number): number {
  return (
    1 / 12 + w * (-1 / 360 + w * (1 / 1260 + w * (-1 / 1680 + w * (1 / 1188 + w * (-691 / 360360 + w * (1 / 156))))))
  );
}

/** log Σ e^values[i] over from ≤ i < to, without overflow; −∞ of nothing. */
export function logSumExp(values: ArrayLike<number>, from = 0, to = values.length): number {
  let most = -Infinity;
  for (let i = from; i < to; i++) if (values[i] > most || Number.isNaN(values[i])) most = values[i];
  if (!(most > -Infinity && most < Infinity)) return most;
  let sum = 0;
  for (let i = from; i < to; i++) sum += exp(values[i] - most);
  return most + log(sum);
}
