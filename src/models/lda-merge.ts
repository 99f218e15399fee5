/**
 * Which topics to merge, where there are more than asked for: those most alike, of two of S_a and S_b tokens by
 *
 *     S_a S_b / (S_a + S_b) · (1 − Σ_w √(p_aw p_bw)),   p_aw = S_wa / S_a
 *
 * about a quarter of the log likelihood of their tokens that one topic for both loses.
 */
import type { Reals } from '../math/reals.js';

/**
 * The group that each of K topics comes to, of `groups` in all, by merging two at a time.
 *
 * @param topics S, V×K in rows of `width`, not negative
 */
export function groupTopics(topics: ArrayLike<number>, width: number, K: number, groups: number): Uint32Array {
  const V = topics.length / width;
  /** √S_wk of those that are left, a row of V each, and Σ_w S_wk, by the number of the first topic that came to it. */
  const roots = Array.from({ length: K }, () => new Float32Array(V));
  const sums = new Float64Array(K);
  for (const [k, root] of roots.entries()) {
    for (let w = 0; w < V; w++) {
      sums[k]! += topics[w * width + k]!;
      root[w] = Math.sqrt(topics[w * width + k]!);
    }
  }
  const lossOf = (a: number, b: number) => {
    const product = sums[a]! * sums[b]!;
    if (product === 0) return 0;
    const [one, other] = [roots[a]!, roots[b]!];
    let alike = 0;
    for (let w = 0; w < V; w++) alike += one[w]! * other[w]!;
    return (product / (sums[a]! + sums[b]!)) * (1 - alike / Math.sqrt(product));
  };
  /** Of b < a, in row a. */
  const losses = roots.map((_, a) => Float64Array.from({ length: a }, (_, b) => lossOf(a, b)));
  const groupOf = Uint32Array.from({ length: K }, (_, k) => k);
  let left = [...groupOf];
  while (left.length > groups) {
    let best = { loss: Number.POSITIVE_INFINITY, into: 0, merged: 0 };
    for (const merged of left) {
      for (const into of left) {
        if (into >= merged) break;
        const loss = losses[merged]![into]!;
        if (loss < best.loss) best = { loss, into, merged };
      }
    }
    const { into, merged } = best;
    const [root, other] = [roots[into]!, roots[merged]!];
    for (let w = 0; w < V; w++) root[w] = Math.sqrt(root[w]! * root[w]! + other[w]! * other[w]!);
    sums[into]! += sums[merged]!;
    left = left.filter((k) => k !== merged);
    for (const k of left) if (k !== into) losses[Math.max(k, into)]![Math.min(k, into)] = lossOf(k, into);
    for (let k = 0; k < K; k++) if (groupOf[k] === merged) groupOf[k] = into;
  }
  return groupOf.map((k) => left.indexOf(k));
}

/** Σ of the numbers of each group, of rows of `width` into rows of `toWidth`, in the same precision. */
export function mergeColumns<Rows extends Reals>(
  rows: Rows,
  width: number,
  groupOf: ArrayLike<number>,
  toWidth: number,
): Rows {
  const length = (rows.length / width) * toWidth;
  const merged = (rows instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as Rows;
  const row = new Float64Array(toWidth);
  for (let from = 0, to = 0; from < rows.length; from += width, to += toWidth) {
    row.fill(0);
    for (let k = 0; k < groupOf.length; k++) row[groupOf[k]!]! += rows[from + k]!;
    merged.set(row, to);
  }
  return merged;
}
