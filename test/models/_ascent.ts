import type { Random } from '../../src/math/random.js';

/**
 * The highest value that gradient ascent finds from many random starts. Its arguments are rows of numbers, of these
 * lengths, whose squares are proportional to the probabilities that `objective` sees, so that zeros are within reach.
 * Slopes are central differences: nothing here knows of EM.
 */
export function highest(
  lengths: readonly number[],
  objective: (rows: readonly number[][]) => number,
  random: Random,
  starts: number,
): number {
  const size = lengths.reduce((a, b) => a + b);
  const at = (roots: readonly number[]): number => {
    let end = 0;
    return objective(
      lengths.map((length) => {
        end += length;
        const row = roots.slice(end - length, end).map((x) => x * x);
        const total = row.reduce((a, b) => a + b);
        return row.map((x) => x / total);
      }),
    );
  };
  let best = Number.NEGATIVE_INFINITY;
  for (let start = 0; start < starts; start++) {
    let roots = Array.from({ length: size }, () => 0.1 + random.uniform());
    let value = at(roots);
    for (let step = 0, rate = 0.1; step < 2000 && rate > 1e-14; step++) {
      const slope = roots.map((x, i) => {
        const shifted = (h: number) => at(roots.map((y, j) => (j === i ? x + h : y)));
        return (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
      });
      const next = roots.map((x, i) => x + rate * slope[i]!);
      const found = at(next);
      if (found > value) {
        [roots, value] = [next, found];
        rate *= 1.5;
      } else rate /= 4;
    }
    best = Math.max(best, value);
  }
  return best;
}
