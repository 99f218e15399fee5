import type { Segments } from '../corpus/corpus.js';
import type { Reals } from '../math/reals.js';
import { entriesByTerm, type TermEntries } from './batch.js';
import { kernelMemory } from './memory.js';
import { addRows, copyRows, roomOf, roundUp4 } from './rows.js';
import { cutTasks, tasksOf } from './tasks.js';
import { expectLog } from './topics.js';

/** The model as the E-step reads it: arrays of models/hmm.ts by their names there. */
export interface Chain {
  /** K. */
  readonly expStart: Float64Array;
  /** K×K. */
  readonly expTransition: Float64Array;
  /** V×K. */
  readonly logBeta: Float64Array;
}

/** What an E-step adds to. */
export interface ChainSums {
  /** Σ_d q(z_d1), K. */
  readonly start: Float64Array;
  /** E[transitions j → k], K×K. */
  readonly transition: Float64Array;
  /** Σ_t n_tw q(z_t), V×K; null where nobody needs it. */
  readonly topicTerm: Float64Array | null;
}

/** The E-step of hidden Markov models by WebAssembly SIMD, in f64: the twin of the loops of models/hmm.ts. */
export interface HmmKernel {
  /**
   * Writes E[log β_wk] = ψ(λ_wk) − ψ(Σ_w λ_wk) of topics as posteriors, V×K, into `logBeta`.
   *
   * @returns Σ_wk E[log β_wk], and Σ_wk ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]
   */
  expectLog(
    lambda: Float64Array,
    digammaSums: Float64Array,
    logBeta: Float64Array,
  ): { readonly total: number; readonly entropy: number };
  /** Takes the model for the E-steps that follow. */
  setChain(chain: Chain): void;
  /**
   * Forward–backward over documents [from, to): sets the shares of those that have tokens (rows of `theta`, D×K), and
   * adds to `sums`.
   *
   * @returns Σ_d ln Σ_z Π_t A_{z_{t−1} z_t} b_{t z_t}, and Σ_t E[ln b_t]
   */
  documents(
    segments: Segments,
    from: number,
    to: number,
    theta: Reals,
    sums: ChainSums,
  ): { readonly logZ: number; readonly words: number };
}

/** Numbers of each array of segments' rows, unless one document has more: 32 MB. */
const NUMBERS = 1 << 22;
/** Tasks of documents at most, each with transitions of its own. */
const DOCUMENT_TASKS = 64;

export function createHmmKernel({ V, K }: { V: number; K: number }, threads: number): HmmKernel {
  const K4 = roundUp4(K);
  const memory = kernelMemory(threads);
  const room = roomOf(2 * K4 * (K4 + 3));
  // twice the numbers, of 4 bytes, that `layOut` counts
  const model = memory.layOut({
    expStart: 2 * K4,
    transition: 2 * K4 * K4,
    transposed: 2 * K4 * K4,
    logBeta: 2 * V * K4,
    statistics: 2 * V * K4,
    digammaSums: 2 * K4,
    found: 4 * V,
    columnStart: V + 1,
  });
  const products = new Float64Array(K * K);
  let expTransition!: Float64Array;
  let laidOut: Segments | undefined;
  let at!: ReturnType<typeof layOut>;
  /** Segments that there is room for. */
  let rows = 0;
  const columns = new Map<string, TermEntries>();
  let columnsThere: TermEntries | undefined;

  function layOut(segments: Segments) {
    const { start, rowStart, term, count } = segments;
    const [D, S, entries] = [start.length - 1, rowStart.length - 1, term.length];
    rows = Math.min(S, Math.floor(NUMBERS / K4));
    for (let d = 0; d < D; d++) rows = Math.max(rows, start[d + 1]! - start[d]!);
    const pointers = memory.layOut(
      {
        start: D + 1,
        rowStart: S + 1,
        term: entries,
        count: 2 * entries,
        column: entries,
        columnCount: 2 * entries,
        emission: 2 * rows * K4,
        found: 4 * rows,
        forward: 2 * rows * K4,
        posterior: 2 * rows * K4,
        theta: 2 * D * K4,
        logZ: 2 * D,
        rooms: DOCUMENT_TASKS * room,
      },
      model.end,
    );
    memory.u32(pointers.start, D + 1).set(start);
    memory.u32(pointers.rowStart, S + 1).set(rowStart);
    memory.u32(pointers.term, entries).set(term);
    memory.f64(pointers.count, entries).set(count);
    columns.clear();
    columnsThere = undefined;
    laidOut = segments;
    return pointers;
  }

  /** Boundaries between documents `from` and `to`, with room for the segments between two neighbours. */
  function cut({ start }: Segments, from: number, to: number): number[] {
    const cuts = [from];
    for (let d = from; d < to; d++) if (start[d + 1]! - start[cuts.at(-1)!]! > rows) cuts.push(d);
    return [...cuts, to];
  }

  /** The entries of segments [first, end) by term, into the memory. */
  function setColumns(segments: Segments, first: number, end: number): TermEntries {
    const key = `${first}-${end}`;
    let found = columns.get(key);
    if (found === undefined) {
      const list = new Uint32Array(end - first).map((_, i) => first + i);
      found = entriesByTerm(segments, segments.count, list, list.length, 1, V);
      columns.set(key, found);
    }
    if (found !== columnsThere) {
      memory.u32(model.columnStart, V + 1).set(found.start);
      memory.u32(at.column, found.column.length).set(found.column);
      memory.f64(at.columnCount, found.value.length).set(found.value);
      columnsThere = found;
    }
    return found;
  }

  /** Adds what tasks of documents left, in their order. */
  function addTasks(tasks: number, { start, transition }: ChainSums): void {
    products.fill(0);
    for (let task = 0; task < tasks; task++) {
      const sums = memory.f64(at.rooms + 4 * room * task, K4 * (K4 + 1));
      addRows(sums, K4, products, K, K);
      addRows(sums.subarray(K4 * K4), K4, start, K, 1);
    }
    for (let i = 0; i < K * K; i++) transition[i]! += products[i]! * expTransition[i]!;
  }

  return {
    expectLog(lambda, digammaSums, logBeta) {
      // λ lies where statistics will
      return expectLog(
        memory,
        { V, K, width: K4 },
        { ...model, lambda: model.statistics },
        lambda,
        digammaSums,
        logBeta,
      );
    },
    setChain({ expStart, expTransition: A, logBeta }) {
      expTransition = A;
      memory.f64(model.expStart, K).set(expStart);
      copyRows(A, K, memory.f64(model.transition, K4 * K4), K4, K);
      const transposed = memory.f64(model.transposed, K4 * K4);
      for (let j = 0; j < K; j++) for (let k = 0; k < K; k++) transposed[k * K4 + j] = A[j * K + k]!;
      copyRows(logBeta, K, memory.f64(model.logBeta, V * K4), K4, V);
    },
    documents(segments, from, to, theta, sums) {
      if (segments !== laidOut) at = layOut(segments);
      const { expStart, transition, transposed, logBeta, statistics, columnStart } = model;
      const { start, rowStart, term, count, column, columnCount, emission, found, forward, posterior } = at;
      const cuts = cut(segments, from, to);
      const total = { logZ: 0, words: 0 };
      for (let i = 0; i + 1 < cuts.length; i++) {
        const [d, dEnd] = [cuts[i]!, cuts[i + 1]!];
        const [s, sEnd] = [segments.start[d]!, segments.start[dEnd]!];
        memory.run(
          'hmmEmissions',
          tasksOf(cutTasks(segments.rowStart, s, sEnd), (first, end) => [
            ...[first, end, s, K4, K, rowStart, term, count, logBeta, emission, found],
          ]),
        );
        const tasks = tasksOf(cutTasks(segments.start, d, dEnd, DOCUMENT_TASKS), (first, end, task) => {
          const own = at.rooms + 4 * room * task;
          const starts = own + 8 * K4 * K4;
          return [
            ...[first, end, s, K4, start, rowStart, expStart, transition, transposed, emission, found],
            ...[forward, posterior, at.theta, at.logZ, starts, own, starts + 8 * K4],
          ];
        });
        memory.run('hmmDocuments', tasks);
        addTasks(tasks.length, sums);
        copyRows(memory.f64(at.theta + 8 * d * K4, (dEnd - d) * K4), K4, theta.subarray(d * K), K, dEnd - d);
        for (const logZ of memory.f64(at.logZ + 8 * d, dEnd - d)) total.logZ += logZ;

        const block = setColumns(segments, s, sEnd);
        memory.run(
          'hmmTerms',
          tasksOf(cutTasks(block.start, 0, V), (first, end) => [
            ...[first, end, K4, columnStart, column, columnCount, posterior, logBeta, statistics, model.found],
          ]),
        );
        if (sums.topicTerm !== null) addRows(memory.f64(statistics, V * K4), K4, sums.topicTerm, K, V);
        for (const words of memory.f64(model.found, V)) total.words += words;
      }
      return total;
    },
  };
}
