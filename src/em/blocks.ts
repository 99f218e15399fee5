import { setImmediate } from 'node:timers/promises';

/** Boundaries of blocks of documents: block b is [blocks[b], blocks[b + 1]). */
export type Blocks = readonly number[];

/**
 * Cuts documents into blocks of about `size` entries each. Cut by the data alone, so that nothing computed block by
 * block depends on the machine.
 */
export function cutBlocks(rowStart: Uint32Array, size = 1 << 16): Blocks {
  const D = rowStart.length - 1;
  const blocks = [0];
  for (let d = 1; d < D; d++) {
    if (rowStart[d]! - rowStart[blocks.at(-1)!]! >= size) blocks.push(d);
  }
  if (D > 0) blocks.push(D);
  return blocks;
}

/** Calls `visit` for each block in order; lets signals and progress through between blocks. */
export async function eachBlock(blocks: Blocks, visit: (from: number, to: number) => void): Promise<void> {
  for (let b = 0; b + 1 < blocks.length; b++) {
    visit(blocks[b]!, blocks[b + 1]!);
    await setImmediate();
  }
}
