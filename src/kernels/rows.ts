import type { Reals } from '../math/reals.js';

/** `n` rounded up to a multiple of 4: how long rows are in the memory of kernels. */
export function roundUp4(n: number): number {
  return Math.ceil(n / 4) * 4;
}

/** Copies the first numbers of rows that are `width` wide to rows that are `toWidth` wide. */
export function copyRows(from: Reals, width: number, to: Reals, toWidth: number, rows: number): void {
  if (width === toWidth) {
    to.set(from.subarray(0, rows * width));
    return;
  }
  const shared = Math.min(width, toWidth);
  for (let r = 0; r < rows; r++) for (let i = 0; i < shared; i++) to[r * toWidth + i] = from[r * width + i]!;
}

/** Adds the first numbers of rows that are `width` wide to rows of `toWidth`. */
export function addRows(from: Reals, width: number, to: Reals, toWidth: number, rows: number): void {
  for (let r = 0, i = 0; r < rows; r++) for (let j = r * width; j < r * width + toWidth; j++, i++) to[i]! += from[j]!;
}

/**
 * How far apart tasks keep rooms of `n` numbers of 4 bytes: no two in one cache line, nor in neighbouring ones that are
 * fetched together, or threads that write to them wait for each other.
 */
export function roomOf(n: number): number {
  return 32 * (Math.ceil(n / 32) + 1);
}
