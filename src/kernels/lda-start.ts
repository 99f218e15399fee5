import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { log } from '../math/special.js';
import { kernelMemory } from './memory.js';
import { type Columns, columnsOf, cutTasks, tasksOf } from './tasks.js';

/** The collapsed updates of models/lda-start.ts by WebAssembly SIMD, in f32. */
export interface LdaStartKernel {
  /**
   * Visits documents [from, to): improves their rows of `tokens` (D×K), adds their shares to `topicTerm` (V×K).
   *
   * @returns Σ log p(token | the document's other tokens, `beta`), as the last round found it
   */
  documents(
    corpus: Corpus,
    from: number,
    to: number,
    rounds: number,
    alpha: number,
    beta: Float64Array,
    tokens: Float64Array,
    topicTerm: Float64Array,
  ): number;
}

/** Tasks of one block at most: each has room of its own for a row of weights. */
const MOST_TASKS = 1025;

export function createLdaStartKernel({ V, K }: { V: number; K: number }, threads: number): LdaStartKernel {
  const K4 = Math.ceil(K / 4) * 4;
  const memory = kernelMemory(threads);
  const columns = new Map<string, Columns>();
  let laidOut: Corpus | undefined;
  let room = 0;
  let at!: ReturnType<typeof layOut>;

  /** Makes room for the corpus, and for the shares of a block of `entries`. */
  function layOut(corpus: Corpus, entries: number) {
    const D = documentCount(corpus);
    const pointers = memory.layOut({
      rowStart: D + 1,
      term: corpus.term.length,
      count: corpus.term.length,
      beta: V * K4,
      tokens: D * K4,
      weight: MOST_TASKS * K4,
      sums: corpus.term.length,
      columnStart: V + 1,
      columnEntry: entries,
      statistics: V * K4,
      share: entries * K4,
    });
    memory.u32(pointers.rowStart, D + 1).set(corpus.rowStart);
    memory.u32(pointers.term, corpus.term.length).set(corpus.term);
    memory.f32(pointers.count, corpus.term.length).set(corpus.count);
    if (corpus !== laidOut) columns.clear();
    laidOut = corpus;
    room = entries;
    return pointers;
  }

  return {
    documents(corpus, from, to, rounds, alpha, beta, tokens, topicTerm) {
      const firstEntry = corpus.rowStart[from]!;
      const entries = corpus.rowStart[to]! - firstEntry;
      if (corpus !== laidOut || entries > room) at = layOut(corpus, Math.ceil(1.2 * entries));
      const key = `${from}-${to}`;
      const block = columns.get(key) ?? columnsOf(corpus, from, to, V);
      columns.set(key, block);
      memory.u32(at.columnStart, V + 1).set(block.start);
      memory.u32(at.columnEntry, entries).set(block.entry);
      const rows = memory.f32(at.tokens + 4 * from * K4, (to - from) * K4);
      for (let d = from, i = 0; d < to; d++, i += K4) {
        for (let k = 0; k < K; k++) rows[i + k] = tokens[d * K + k]!;
      }
      const topics = memory.f32(at.beta, V * K4);
      for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) topics[w * K4 + k] = beta[i]!;
      const { rowStart, term, count, share, weight, sums, columnStart, columnEntry, statistics } = at;
      memory.run(
        'ldaStartDocuments',
        tasksOf(cutTasks(corpus.rowStart, from, to), (first, end, task) => [
          ...[first, end, K4, rounds, alpha, rowStart, term, count, at.beta, at.tokens],
          ...[firstEntry, share, weight + 4 * task * K4, sums],
        ]),
      );
      memory.run(
        'ldaStartTerms',
        tasksOf(cutTasks(block.start, 0, V), (first, end) => [
          ...[first, end, K4, columnStart, columnEntry, count, firstEntry, share, statistics],
        ]),
      );
      const found = memory.f32(statistics, V * K4);
      for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) topicTerm[i]! += found[w * K4 + k]!;
      const sum = memory.f32(sums, corpus.term.length);
      let predictive = 0;
      for (let d = from; d < to; d++) {
        const length = tokenCount(corpus, d, d + 1);
        if (length === 0) continue;
        for (let k = 0; k < K; k++) tokens[d * K + k] = rows[(d - from) * K4 + k]!;
        predictive -= length * log(length - 1 + K * alpha);
        for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
          predictive += corpus.count[i]! * log(sum[i]!);
      }
      return predictive;
    },
  };
}
