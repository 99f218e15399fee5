import { setImmediate } from 'node:timers/promises';
import type { Dims } from './state.js';

/** Boundaries of blocks of documents: block b is [blocks[b], blocks[b + 1]). */
export type Blocks = readonly number[];

/**
 * Cuts documents into blocks of about `size` entries each. Cut by the data alone, so that nothing computed block by
 * block depends on the machine.
 */
export function cutBlocks(rowStart: Uint32Array, size = 1 << 18): Blocks {
  const D = rowStart.length - 1;
  const blocks = [0];
  for (let d = 1; d < D; d++) {
    if (rowStart[d]! - rowStart[blocks.at(-1)!]! >= size) blocks.push(d);
  }
  if (D > 0) blocks.push(D);
  return blocks;
}

/** Blocks whose statistics are stored, at most. */
const MOST_BLOCKS = 8;

/** Bytes of the statistics of more than two of them, at most. */
const STORED_BYTES = 1 << 29;

/** Entries for each term of a block, at least: what the M-step after it costs is then little beside the E-step. */
const LEAST_ENTRIES = 64;
/** With more topics than this M-steps cost more, and E-steps hardly: documents have few topics. Blocks are larger then. */
const MANY_TOPICS = 100;

/** Numbers that are stored of blocks, at most. */
export function mostStored({ V, K, storedBytes = STORED_BYTES }: Dims): number {
  return Math.max(2 * V * K, Math.min(MOST_BLOCKS * V * K, storedBytes / 8, STORED_BYTES / 8));
}

/** Cuts documents into one to eight blocks alike in entries, for a schedule that stores V×K statistics of each. */
export function cutMemoised(rowStart: Uint32Array, dims: Dims): Blocks {
  const { V, K } = dims;
  const entries = rowStart.at(-1)!;
  const least = LEAST_ENTRIES * V * Math.max(1, K / MANY_TOPICS);
  const count = Math.min(Math.floor(mostStored(dims) / (V * K)), Math.floor(entries / least));
  return cutBlocks(rowStart, Math.ceil(entries / Math.max(1, count)));
}

/** Cuts D documents into blocks of `size` at most, as equal as can be. */
export function cutEvenly(D: number, size: number): Blocks {
  const count = Math.ceil(D / size);
  return Array.from({ length: count + 1 }, (_, b) => Math.floor((b * D) / Math.max(1, count)));
}

/** Calls `visit` for each block in order; lets signals and progress through between blocks. */
export async function eachBlock(
  blocks: Blocks,
  visit: (from: number, to: number, block: number) => void,
): Promise<void> {
  for (let b = 0; b + 1 < blocks.length; b++) {
    visit(blocks[b]!, blocks[b + 1]!, b);
    await setImmediate();
  }
}
