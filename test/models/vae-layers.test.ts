import { describe, expect, it } from 'vitest';
import { adamStep } from '../../src/math/adam.js';
import { random } from '../../src/math/random.js';
import {
  denseBackward,
  denseForward,
  mixBackward,
  mixForward,
  normaliseColumns,
  normaliseColumnsBackward,
  normaliseRows,
  normaliseRowsBackward,
  softmaxColumns,
  softmaxColumnsBackward,
  softplusBackward,
  softplusForward,
  sparseBackward,
  sparseForward,
} from '../../src/models/vae-layers.js';

const draw = random(7);
const normals = (n: number) => new Float64Array(n).map(() => draw.normal());
const zeros = (n: number) => new Float64Array(n);

/**
 * The largest difference between ∂/∂x of Σ_i weight_i out_i and central differences of it, relative to the largest
 * derivative; `forward` computes `out` from what x holds.
 */
function worst(x: Float64Array, gradient: Float64Array, weights: Float64Array, forward: () => Float64Array): number {
  const value = () => forward().reduce((sum, y, i) => sum + weights[i]! * y, 0);
  const h = 1e-5;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < x.length; i++) {
    const at = x[i]!;
    x[i] = at + h;
    const up = value();
    x[i] = at - h;
    const down = value();
    x[i] = at;
    largest = Math.max(largest, Math.abs(gradient[i]!));
    difference = Math.max(difference, Math.abs((up - down) / (2 * h) - gradient[i]!));
  }
  expect(largest).toBeGreaterThan(0);
  return difference / largest;
}

describe('the gradient agrees with finite differences to 1e-6', () => {
  it.each([1, 4])('of the sparse layer, with %i units', (H) => {
    const rows = {
      rowStart: Uint32Array.of(0, 2, 2, 5, 6),
      term: Uint32Array.of(0, 3, 1, 3, 4, 2),
      value: normals(6),
    };
    const documents = Uint32Array.of(2, 0, 3);
    const [weight, bias, g] = [normals(5 * H), normals(H), normals(3 * H)];
    const [gWeight, gBias] = [zeros(5 * H), zeros(H)];
    const forward = () => {
      const out = zeros(3 * H);
      sparseForward(rows, documents, 3, weight, bias, out);
      return out;
    };
    sparseBackward(rows, documents, 3, g, gWeight, gBias);
    expect(worst(weight, gWeight, g, forward)).toBeLessThan(1e-6);
    expect(worst(bias, gBias, g, forward)).toBeLessThan(1e-6);
  });

  it('of the dense layer', () => {
    const [B, I, O] = [3, 4, 5];
    const [input, weight, bias, g] = [normals(B * I), normals(I * O), normals(O), normals(B * O)];
    const [gInput, gWeight, gBias] = [zeros(B * I), zeros(I * O), zeros(O)];
    const forward = () => {
      const out = zeros(B * O);
      denseForward(input, B, I, O, weight, bias, out);
      return out;
    };
    denseBackward(input, B, I, O, weight, g, gWeight, gBias, gInput);
    expect(worst(weight, gWeight, g, forward)).toBeLessThan(1e-6);
    expect(worst(bias, gBias, g, forward)).toBeLessThan(1e-6);
    expect(worst(input, gInput, g, forward)).toBeLessThan(1e-6);
  });

  it('of softplus, also far from 0', () => {
    const x = Float64Array.of(-40, -3, -1e-3, 0, 0.5, 7, 45);
    const g = normals(7);
    const gradient = g.slice();
    const forward = () => {
      const out = x.slice();
      softplusForward(out, 7);
      return out;
    };
    softplusBackward(forward(), 7, gradient);
    expect(worst(x, gradient, g, forward)).toBeLessThan(1e-6);
  });

  it.each([
    ['columns', normaliseColumns, normaliseColumnsBackward, 6, 3, 3],
    ['rows', normaliseRows, normaliseRowsBackward, 3, 6, 3],
  ] as const)('of batch normalisation of %s', (_, forwardOf, backwardOf, R, C, groups) => {
    const [x, g] = [normals(R * C), normals(R * C)];
    const [mean, variance] = [zeros(groups), zeros(groups)];
    const forward = () => {
      const out = x.slice();
      forwardOf(out, R, C, mean, variance);
      return out;
    };
    const out = forward();
    const gradient = g.slice();
    backwardOf(out, R, C, variance, gradient);
    expect(worst(x, gradient, g, forward)).toBeLessThan(1e-6);
  });

  it('of softmax', () => {
    const [R, C] = [5, 3];
    const [x, g] = [normals(R * C), normals(R * C)];
    const forward = () => {
      const out = zeros(R * C);
      softmaxColumns(x, R, C, zeros(C), zeros(C), out);
      return out;
    };
    const gradient = g.slice();
    softmaxColumnsBackward(forward(), R, C, zeros(C), gradient);
    expect(worst(x, gradient, g, forward)).toBeLessThan(1e-6);
  });

  it.each([
    [1, 1, 1],
    [4, 4, 5],
    [7, 5, 3],
    [6, 7, 2],
  ])('of the decoder of %i terms, %i topics and %i columns', (V, K, C) => {
    const [beta, theta, g] = [normals(V * K), normals(K * C), normals(V * C)];
    const [gBeta, gTheta] = [zeros(V * K), zeros(K * C)];
    const forward = () => {
      const out = zeros(V * C).fill(9);
      mixForward(beta, theta, V, K, C, out);
      return out;
    };
    let first = 0;
    for (let k = 0; k < K; k++) first += beta[(V - 1) * K + k]! * theta[k * C + C - 1]!;
    expect(forward().at(-1)).toBeCloseTo(first, 12);
    mixBackward(beta, theta, V, K, C, g, gBeta, gTheta);
    expect(worst(beta, gBeta, g, forward)).toBeLessThan(1e-6);
    expect(worst(theta, gTheta, g, forward)).toBeLessThan(1e-6);
    const alone = zeros(K * C);
    mixBackward(beta, theta, V, K, C, g, null, alone);
    expect(alone).toEqual(gTheta);
  });
});

describe('batch normalisation', () => {
  it('gives mean 0 and variance 1, and leaves a column of equal numbers at 0', () => {
    const x = Float64Array.of(1, 5, 2, 5, 6, 5);
    normaliseColumns(x, 3, 2, zeros(2), zeros(2));
    expect(x[0]! + x[2]! + x[4]!).toBeCloseTo(0, 12);
    expect((x[0]! ** 2 + x[2]! ** 2 + x[4]! ** 2) / 3).toBeCloseTo(1, 5);
    expect([x[1], x[3], x[5]]).toEqual([0, 0, 0]);
  });
});

describe('Adam', () => {
  it('takes a first step of the rate in the direction of each sign, as the bias correction makes it', () => {
    const x = Float64Array.of(0, 0, 1);
    adamStep(x, Float64Array.of(3, -0.1, 0), 0.5, zeros(3), zeros(3), 1, {
      rate: 0.01,
      beta1: 0.99,
      beta2: 0.999,
      epsilon: 1e-8,
    });
    expect(x[0]).toBeCloseTo(0.01, 8);
    expect(x[1]).toBeCloseTo(-0.01, 8);
    expect(x[2]).toBe(1);
  });

  it('climbs to the top of a parabola', () => {
    const [x, first, second] = [Float64Array.of(3), zeros(1), zeros(1)];
    for (let step = 1; step <= 2000; step++)
      adamStep(x, Float64Array.of(-2 * (x[0]! - 1)), 1, first, second, step, {
        rate: 0.02,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
      });
    expect(x[0]).toBeCloseTo(1, 3);
  });
});
