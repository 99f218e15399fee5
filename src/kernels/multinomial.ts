import { type Corpus, documentCount } from '../corpus/corpus.js';
import type { Reals } from '../math/reals.js';
import { kernelMemory } from './memory.js';
import { copyRows, roomOf } from './rows.js';
import { type Columns, columnsOf, cutTasks, MOST_TASKS, tasksOf } from './tasks.js';
import { cutTerms, expectLog } from './topics.js';

/**
 * The E-steps of pLSA and of the mixture of unigrams by WebAssembly SIMD, in f64: the twins of the loops of
 * models/plsa.ts and models/mixture.ts. What it returns is valid until the next call.
 */
export interface MultinomialKernel {
  /** Takes topics as points for the E-steps of pLSA that follow: β, V×K, above 0. */
  setPoints(beta: Float64Array): void;
  /** Takes topics for the E-steps of mixtures that follow: ln β, V×K. */
  setLogs(logBeta: Float64Array): void;
  /**
   * The same with E[log β] of q(β_k) = Dir(λ_k), which it writes to `logBeta` (V×K); `digammaSums` are ψ(Σ_w λ_wk).
   *
   * @returns Σ_wk E[log β_wk], and Σ_wk ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]
   */
  setPosteriors(
    lambda: Float64Array,
    digammaSums: Float64Array,
    logBeta: Float64Array,
  ): { readonly total: number; readonly entropy: number };
  /**
   * pLSA, phase 1, over documents [from, to): improves their rows of `theta` (D×K) by `rounds` at most.
   *
   * @returns two numbers of each document from `from` on, 0 of empty ones: Σ_w n_dw ln p(w | d), and E[log p(z_d | θ_d)]
   */
  proportions(corpus: Corpus, from: number, to: number, theta: Reals, rounds: number, tolerance: number): Float64Array;
  /**
   * Mixture, phase 1: `responsibility` (D×K) of documents [from, to), 0 of empty ones.
   *
   * @param logTheta E[log θ], K
   * @returns three numbers of each document from `from` on, 0 of empty ones: E[log p(w_d | z_d, β)], E[log p(z_d | θ)],
   *   and the entropy of q(z_d)
   */
  responsibilities(
    corpus: Corpus,
    from: number,
    to: number,
    logTheta: Float64Array,
    responsibility: Reals,
  ): Float64Array;
  /**
   * Phase 2, over the terms of the same documents: adds the expected tokens of each term and topic to `topicTerm` (V×K).
   *
   * @returns of pLSA Σ_wk S_wk ln β_wk, else 0
   */
  terms(corpus: Corpus, from: number, to: number, topicTerm: Float64Array | null): number;
}

/** ln θ where it is padded: its exponential is 0. */
const NEVER = -1e300;

export function createMultinomialKernel({ V, K }: { V: number; K: number }, threads: number): MultinomialKernel {
  const K2 = K + (K % 2);
  const bytes = 8 * K2;
  const room = roomOf(2 * K2);
  const memory = kernelMemory(threads);
  // of f64 twice the numbers, of 4 bytes, that `layOut` counts
  const topics = memory.layOut({
    topics: 2 * V * K2,
    logBeta: 2 * V * K2,
    statistics: 2 * V * K2,
    digammaSums: 2 * K2,
    found: 4 * V,
    columnStart: V + 1,
    logTheta: 2 * K2,
  });
  const termTasks = cutTerms(V);
  let isPoints = false;
  let laidOut: Corpus | undefined;
  let at!: ReturnType<typeof layOut>;
  const columns = new Map<string, Columns>();

  function layOut(corpus: Corpus) {
    const D = documentCount(corpus);
    const entries = corpus.term.length;
    const pointers = memory.layOut(
      {
        rowStart: D + 1,
        term: entries,
        count: 2 * entries,
        rows: 2 * D * K2,
        ratio: 2 * entries,
        columnEntry: entries,
        columnDocument: entries,
        found: 6 * D,
        rooms: MOST_TASKS * room,
      },
      topics.end,
    );
    memory.u32(pointers.rowStart, D + 1).set(corpus.rowStart);
    memory.u32(pointers.term, entries).set(corpus.term);
    memory.f64(pointers.count, entries).set(corpus.count);
    columns.clear();
    laidOut = corpus;
    return pointers;
  }

  /** The rows of documents [from, to). */
  function rowsOf(from: number, to: number): Float64Array {
    return memory.f64(at.rows + bytes * from, (to - from) * K2);
  }

  return {
    setPoints(beta) {
      isPoints = true;
      copyRows(beta, K, memory.f64(topics.topics, V * K2), K2, V);
      memory.run(
        'multinomialLogs',
        tasksOf(termTasks, (first, end) => [first, end, bytes, topics.topics, topics.logBeta]),
      );
    },
    setLogs(logBeta) {
      isPoints = false;
      copyRows(logBeta, K, memory.f64(topics.topics, V * K2), K2, V);
    },
    setPosteriors(lambda, digammaSums, logBeta) {
      isPoints = false;
      // λ lies where `terms` leaves its statistics
      const at = { ...topics, lambda: topics.statistics, logBeta: topics.topics };
      return expectLog(memory, { V, K, width: K2 }, at, lambda, digammaSums, logBeta);
    },
    proportions(corpus, from, to, theta, rounds, tolerance) {
      if (corpus !== laidOut) at = layOut(corpus);
      const rows = rowsOf(from, to);
      const own = theta.subarray(from * K, to * K);
      copyRows(own, K, rows, K2, to - from);
      const { rowStart, term, count, ratio, rooms, found } = at;
      memory.run(
        'plsaDocuments',
        tasksOf(cutTasks(corpus.rowStart, from, to), (first, end, task) => [
          ...[first, end, bytes, rounds, tolerance, rowStart, term, count, topics.topics, at.rows, ratio],
          ...[rooms + 4 * room * task, found],
        ]),
      );
      copyRows(rows, K2, own, K, to - from);
      return memory.f64(found + 16 * from, 2 * (to - from));
    },
    responsibilities(corpus, from, to, logTheta, responsibility) {
      if (corpus !== laidOut) at = layOut(corpus);
      memory.f64(topics.logTheta, K2).fill(NEVER).set(logTheta);
      const { rowStart, term, count, rooms, found } = at;
      memory.run(
        'mixtureDocuments',
        tasksOf(cutTasks(corpus.rowStart, from, to), (first, end, task) => [
          ...[first, end, bytes, rowStart, term, count, topics.logTheta, topics.topics, at.rows],
          ...[rooms + 4 * room * task, found],
        ]),
      );
      copyRows(rowsOf(from, to), K2, responsibility.subarray(from * K, to * K), K, to - from);
      return memory.f64(found + 24 * from, 3 * (to - from));
    },
    terms(corpus, from, to, topicTerm) {
      const key = `${from}-${to}`;
      const block = columns.get(key) ?? columnsOf(corpus, from, to, V);
      columns.set(key, block);
      memory.u32(topics.columnStart, V + 1).set(block.start);
      memory.u32(at.columnEntry, block.entry.length).set(block.entry);
      memory.u32(at.columnDocument, block.document.length).set(block.document);
      const words = memory.f64(topics.found, V).fill(0);
      const { columnEntry, columnDocument, count, ratio, rows } = at;
      memory.run(
        'multinomialTerms',
        tasksOf(cutTasks(block.start, 0, V), (first, end) => [
          ...[first, end, bytes, topics.columnStart, columnEntry, columnDocument, isPoints ? ratio : count, rows],
          ...[isPoints ? topics.topics : 0, topics.logBeta, topics.statistics, topics.found],
        ]),
      );
      if (topicTerm !== null) {
        const expected = memory.f64(topics.statistics, V * K2);
        for (let w = 0; w < V; w++) {
          if (block.start[w] === block.start[w + 1]) continue;
          for (let k = 0; k < K; k++) topicTerm[w * K + k]! += expected[w * K2 + k]!;
        }
      }
      return words.reduce((sum, x) => sum + x, 0);
    },
  };
}
