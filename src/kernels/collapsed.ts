import type { Reals } from '../math/reals.js';
import { kernelMemory } from './memory.js';
import { roomOf } from './rows.js';
import { cutEvenly, cutTasks, MOST_TASKS, sumTasks, tasksOf } from './tasks.js';

/** What the collapsed passes of models/lda-collapsed.ts work on. Rows of K numbers take K4, a multiple of 4. */
export interface CollapsedArrays {
  /** The documents of the chunk that is visited. */
  readonly rowStart: Uint32Array;
  readonly term: Uint32Array;
  readonly count: Reals;
  /** The terms of each block, one block after the other, ascending. */
  readonly blockTerm: Uint32Array;
  /** Both halves of the held-out documents. */
  readonly observedStart: Uint32Array;
  readonly observedTerm: Uint32Array;
  readonly observedCount: Reals;
  readonly otherStart: Uint32Array;
  readonly otherTerm: Uint32Array;
  readonly otherCount: Reals;
  /** K4 */
  readonly alpha: Reals;
  readonly scale: Reals;
  /** V */
  readonly frequency: Reals;
  /** V×K4 */
  readonly topics: Reals;
  readonly beta: Reals;
  /** A row for each of `blockTerm`. */
  readonly own: Reals;
  /** D×K4 */
  readonly tokens: Reals;
  /** A row for each document that topics are drawn for. */
  readonly drawn: Reals;
  /** Of each held-out document. */
  readonly scores: Float64Array;
}

/** Those that are whole numbers. */
const WHOLE: ReadonlySet<string> = new Set([
  ...['rowStart', 'term', 'blockTerm', 'observedStart', 'observedTerm', 'otherStart', 'otherTerm'],
]);

/** How many numbers each has. */
export type CollapsedLengths = Readonly<Record<keyof CollapsedArrays, number>>;

/** The arrays, each made by what makes whole numbers or reals. */
export function collapsedArrays(
  lengths: CollapsedLengths,
  whole: (length: number, name: keyof CollapsedArrays) => Uint32Array,
  reals: (length: number, name: keyof CollapsedArrays) => Reals,
): CollapsedArrays {
  const names = Object.keys(lengths) as (keyof CollapsedArrays)[];
  const arrays = names.map((name) => [name, (WHOLE.has(name) ? whole : reals)(lengths[name], name)]);
  return Object.fromEntries(arrays) as unknown as CollapsedArrays;
}

/** Documents [from, to) of a block, as they are dealt, so few that there is room for their entries. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
}

/** The most that a chunk has. */
export interface Most {
  readonly entries: number;
  readonly documents: number;
}

export interface Block {
  /** Its terms are [firstTerm, firstTerm + terms) of blockTerm. */
  readonly firstTerm: number;
  readonly terms: number;
  readonly chunks: readonly Chunk[];
}

/** The steps of a visit to a block; see models/lda-collapsed-steps.ts, which has them in f64, and assembly/collapsed.ts. */
export interface CollapsedSteps {
  readonly arrays: CollapsedArrays;
  /**
   * S −= S_b, S_b = 0, and β of the block's terms from what is left; with noise, so much of the terms' frequencies, each time
   * some 1 (see `noiseAt`).
   */
  topics(block: Block, eta: number, noise: number, seed: number): void;
  /**
   * Draws topics for the tokens of the documents of a chunk, which `arrays` has, in `rounds` rounds after a first, of which
   * the last `kept` count, and adds up by term what they leave. By that, draws topics again for every so many documents,
   * none at 0.
   */
  documents(block: Block, chunk: Chunk, rounds: number, kept: number, seed: number, every: number): void;
  /** The block's tokens from that, into S_b and S, and Σ_w S_bw into `sum`, as far as it goes. */
  tokens(block: Block, sum: Float64Array): void;
  /** β of all terms from S. */
  points(eta: number): void;
  /** Σ n ln p of the other half of each document that is completed, into `scores`. */
  completion(rounds: number): void;
  /** Gives its memory back: the arrays are the next one's then. */
  close(): void;
}

/** Draws for the tokens of a term in a document: each of what is more often stands for several. */
export const MOST_DRAWS = 20;
/** Counts beyond 2^24 are not whole in f32, and may take one more. */
const DRAWS_ROOM = 24;
/** Rows of one task. */
const TASK_ROWS = 128;
/** Bytes of a page of memory, at least. */
const PAGE = 4096;
/** Tasks that complete documents at most, each with room of its own. */
const MOST_ROOMS = 64;

/**
 * The steps by WebAssembly SIMD, in f32, on `threads` threads.
 *
 * @param most of any chunk
 * @param longest entries of the longest document that is completed
 */
export function createCollapsedKernel(
  { K, K4, most, longest, threads }: { K: number; K4: number; most: Most; longest: number; threads: number },
  lengths: CollapsedLengths,
): CollapsedSteps {
  const memory = kernelMemory(threads);
  const row = roomOf(4 * K4 + 8);
  const room = roomOf(2 * K4 + longest);
  const at = memory.layOut({
    ...lengths,
    scores: 2 * lengths.scores,
    room: MOST_TASKS * row,
    part: most.entries * K4,
    known: most.entries * K4,
    places: most.documents * K4,
    draws: DRAWS_ROOM * most.entries,
    rooms: MOST_ROOMS * room,
    left: 4 * most.entries,
    place: most.entries,
    rowOf: lengths.frequency,
    start: lengths.frequency + 2,
    prior: lengths.blockTerm,
    spread: lengths.frequency,
  });
  const arrays: CollapsedArrays = {
    ...collapsedArrays(
      lengths,
      (length, name) => memory.u32(at[name], length),
      (length, name) => memory.f32(at[name], length),
    ),
    scores: memory.f64(at.scores, lengths.scores),
  };
  // A page that is read before it is written is mapped twice, the second time in all threads: that takes ten times as long.
  for (const sums of [arrays.topics, arrays.own]) for (let i = 0; i < sums.length; i += PAGE / 4) sums[i] = 0;
  const rowBytes = 4 * K4;
  const start = memory.u32(at.start, lengths.frequency + 2);
  return {
    arrays,
    topics({ firstTerm, terms }, eta, noise, seed) {
      memory.run(
        'collapsedTopics',
        tasksOf(cutEvenly(0, terms, TASK_ROWS, MOST_TASKS - 1), (from, to) => [
          ...[from, to, K4, eta, noise, seed, at.blockTerm + 4 * firstTerm, at.frequency, at.topics],
          ...[at.own + rowBytes * firstTerm, at.beta, at.scale, at.alpha, at.spread, at.rowOf],
        ]),
      );
    },
    documents({ firstTerm, terms }, { from, to }, rounds, kept, seed, every) {
      memory.kernel('collapsedPlaces')(arrays.rowStart[to - from]!, terms, at.term, at.rowOf, at.start, at.place);
      memory.run(
        'collapsedDocuments',
        tasksOf(cutTasks(arrays.rowStart, 0, to - from), (first, end, task) => [
          ...[from, first, end, K4, K, rounds, kept, at.rowStart, at.term, at.count, at.alpha, at.beta, at.spread],
          ...[at.tokens, at.part, at.known, at.places, at.draws, at.place, at.left],
          ...[at.room + 4 * row * task, seed, every, at.drawn],
        ]),
      );
      memory.run(
        'collapsedTerms',
        tasksOf(cutTasks(start, 0, terms), (first, end) => [
          ...[first, end, K4, at.start, at.left, at.own + rowBytes * firstTerm, at.prior + 4 * firstTerm],
        ]),
      );
    },
    tokens({ firstTerm, terms }, sum) {
      // totals in the rooms of tasks, 2×K4 numbers of 4 bytes, which a visit clears
      const tasks = tasksOf(cutEvenly(0, terms, TASK_ROWS, MOST_TASKS - 1), (from, to, task) => [
        ...[from, to, K4, at.blockTerm + 4 * firstTerm, at.topics, at.own + rowBytes * firstTerm],
        ...[at.beta, at.alpha, at.prior + 4 * firstTerm, at.room + 4 * row * task],
      ]);
      memory.run('collapsedTokens', tasks);
      sum.set(sumTasks(memory, at.room, row, tasks.length, sum.length));
    },
    points(eta) {
      memory.run(
        'collapsedPoints',
        tasksOf(cutEvenly(0, lengths.frequency, TASK_ROWS, MOST_TASKS - 1), (from, to) => [
          ...[from, to, K4, eta, at.topics, at.beta, at.scale],
        ]),
      );
    },
    completion(rounds) {
      const cuts = cutEvenly(0, lengths.scores, 1, MOST_ROOMS);
      memory.run(
        'collapsedCompletion',
        tasksOf(cuts, (first, end, task) => [
          ...[first, end, K4, K, rounds, at.observedStart, at.observedTerm, at.observedCount],
          ...[at.otherStart, at.otherTerm, at.otherCount, at.alpha, at.beta],
          ...[0, 4 * K4, 8 * K4].map((part) => at.rooms + 4 * room * task + part),
          at.scores,
        ]),
      );
    },
    close: () => memory.release(),
  };
}
