import type { Corpus } from '../corpus/corpus.js';
import type { KernelMemory } from './memory.js';

/** Entries of one task: of a hundred topics about a tenth of a millisecond, so that threads share evenly. */
const ENTRIES = 1 << 9;

/** Tasks of one run at most, as `cutTasks` cuts them. */
export const MOST_TASKS = 1025;

/** Boundaries between `from` and `to` that cut what `start` counts into `most` tasks; cut by the data alone. */
export function cutTasks(start: Uint32Array, from: number, to: number, most: number = MOST_TASKS): number[] {
  const entries = Math.max(ENTRIES, Math.ceil((start[to]! - start[from]!) / (most - 1)));
  const cuts = [from];
  for (let i = from + 1; i < to; i++) if (start[i]! - start[cuts.at(-1)!]! >= entries) cuts.push(i);
  if (to > from) cuts.push(to);
  return cuts;
}

/** Boundaries that cut [from, to) into at most `most` parts, each but the last a multiple of `unit` long. */
export function cutEvenly(from: number, to: number, unit: number, most: number): number[] {
  const size = unit * Math.ceil((to - from) / unit / most);
  const cuts: number[] = [];
  for (let cut = from; cut < to; cut += size) cuts.push(cut);
  return [...cuts, to];
}

/** Tasks of the ranges between neighbouring cuts. */
export function tasksOf(
  cuts: readonly number[],
  args: (from: number, to: number, task: number) => number[],
): number[][] {
  return cuts.slice(1).map((to, task) => args(cuts[task]!, to, task));
}

/** Sums of the first K numbers (f64) of what each task left, in their order: rooms of `apart` numbers of 4 bytes from `at` on. */
export function sumTasks(memory: KernelMemory, at: number, apart: number, tasks: number, K: number): Float64Array {
  const sums = new Float64Array(K);
  if (tasks === 0) return sums;
  const rows = memory.f64(at, ((tasks - 1) * apart) / 2 + K);
  for (let row = 0; row < rows.length; row += apart / 2) for (let k = 0; k < K; k++) sums[k]! += rows[row + k]!;
  return sums;
}

/** The entries of documents [from, to) by term: those of term w are [start[w], start[w + 1]) of the other two. */
export interface Columns {
  readonly start: Uint32Array;
  /** Places in the corpus's arrays, in order. */
  readonly entry: Uint32Array;
  readonly document: Uint32Array;
}

export function columnsOf({ rowStart, term }: Corpus, from: number, to: number, V: number): Columns {
  const first = rowStart[from]!;
  const end = rowStart[to]!;
  const start = new Uint32Array(V + 1);
  for (let i = first; i < end; i++) start[term[i]! + 1]!++;
  for (let w = 0; w < V; w++) start[w + 1]! += start[w]!;
  const next = start.slice(0, V);
  const entry = new Uint32Array(end - first);
  const document = new Uint32Array(end - first);
  for (let d = from; d < to; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const place = next[term[i]!]!++;
      entry[place] = i;
      document[place] = d;
    }
  }
  return { start, entry, document };
}
