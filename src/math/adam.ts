import { pow } from './special.js';

/** Settings of Adam: step size, decay of the two moments, and what keeps a division by 0 away. */
export interface AdamSettings {
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * Moves `x` uphill: one step of Adam along `gradient` × `scale`, the `step`-th from 1. Writes `x` and its moments.
 *
 * @see Kingma & Ba 2015, Algorithm 1 (there downhill), from memory
 */
export function adamStep(
  x: Float64Array,
  gradient: Float64Array,
  scale: number,
  first: Float64Array,
  second: Float64Array,
  step: number,
  { rate, beta1, beta2, epsilon }: AdamSettings,
): void {
  const correction = 1 / Math.sqrt(1 - pow(beta2, step));
  const size = rate / (1 - pow(beta1, step));
  for (let i = 0; i < x.length; i++) {
    const g = gradient[i]! * scale;
    const m = beta1 * first[i]! + (1 - beta1) * g;
    const v = beta2 * second[i]! + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    x[i]! += (size * m) / (Math.sqrt(v) * correction + epsilon);
  }
}
