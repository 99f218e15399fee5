import { type Corpus, documentCount } from '../corpus/corpus.js';
import { log } from '../math/special.js';
import { kernelMemory } from './memory.js';
import { type Columns, columnsOf, cutTasks, tasksOf } from './tasks.js';

/** What phase 1 of documents [from, to) found; each array is valid until the next call. */
export interface LdaFound {
  /** Row d − from holds γ_d, K4 numbers of which K count. */
  readonly gamma: Float32Array;
  /** Row d − from holds Σ_w n_dw φ_dw. */
  readonly tokens: Float32Array;
  /** Row d − from holds θ̃_k, e^ψ(γ_k) as the kernel has it. */
  readonly theta: Float32Array;
  /** n / s of each entry from rowStart[from] on: s = Σ_k e^ψ(γ_k) e^(E log β_wk − the row's maximum). */
  readonly ratio: Float32Array;
  readonly K4: number;
}

/** The E-step of LDA by WebAssembly SIMD, in f32: the twin of the f64 loops of models/lda.ts. */
export interface LdaKernel {
  /** Takes the topics for the E-steps that follow: V×K, e^(E log β), each row scaled to maximum 1. */
  setTopics(expLogBeta: Float64Array): void;
  /** Phase 1, over documents [from, to): `rounds` of the fixed point at most, from `gamma` (D×K), then φ at it. */
  documents(
    corpus: Corpus,
    from: number,
    to: number,
    alpha: Float64Array,
    gamma: Float64Array,
    rounds: number,
    tolerance: number,
  ): LdaFound;
  /**
   * Phase 2, over the terms of the same documents: adds S_wk = Σ_d n_dw φ_dwk to `topicTerm` (V×K).
   *
   * @returns Σ_wk S_wk E[log β_wk], and the same with the logarithms of the topics as the kernel has them
   */
  terms(
    corpus: Corpus,
    from: number,
    to: number,
    logBeta: Float64Array,
    topicTerm: Float64Array | null,
  ): { readonly words: number; readonly asComputed: number };
}

export function createLdaKernel({ V, K }: { V: number; K: number }, threads: number): LdaKernel {
  const K4 = Math.ceil(K / 4) * 4;
  const memory = kernelMemory(threads);
  const scaled = new Float32Array(V * K4);
  const logScaled = new Float64Array(V * K4);
  let topicsChanged = true;
  let laidOut: Corpus | undefined;
  let at!: ReturnType<typeof layOut>;
  const columns = new Map<string, Columns>();

  function layOut(corpus: Corpus) {
    const D = documentCount(corpus);
    const entries = corpus.term.length;
    const pointers = memory.layOut({
      rowStart: D + 1,
      term: entries,
      count: entries,
      beta: V * K4,
      alpha: K4,
      gamma: D * K4,
      theta: D * K4,
      tokens: D * K4,
      ratio: entries,
      columnStart: V + 1,
      columnEntry: entries,
      columnDocument: entries,
      statistics: V * K4,
    });
    memory.u32(pointers.rowStart, D + 1).set(corpus.rowStart);
    memory.u32(pointers.term, entries).set(corpus.term);
    memory.f32(pointers.count, entries).set(corpus.count);
    columns.clear();
    topicsChanged = true;
    return pointers;
  }

  return {
    setTopics(expLogBeta) {
      for (let w = 0, i = 0; w < V; w++) {
        for (let k = 0; k < K; k++, i++) {
          scaled[w * K4 + k] = expLogBeta[i]!;
          logScaled[w * K4 + k] = log(scaled[w * K4 + k]!);
        }
      }
      topicsChanged = true;
    },
    documents(corpus, from, to, alpha, gamma, rounds, tolerance) {
      if (corpus !== laidOut) at = layOut(corpus);
      laidOut = corpus;
      if (topicsChanged) memory.f32(at.beta, V * K4).set(scaled);
      topicsChanged = false;
      memory.f32(at.alpha, K4).fill(0).set(alpha);
      const rows = memory.f32(at.gamma + 4 * from * K4, (to - from) * K4).fill(0);
      for (let d = from, i = 0; d < to; d++, i += K4) {
        for (let k = 0; k < K; k++) rows[i + k] = gamma[d * K + k]!;
      }
      const { rowStart, term, count, beta, theta, tokens, ratio } = at;
      memory.run(
        'ldaDocuments',
        tasksOf(cutTasks(corpus.rowStart, from, to), (first, end) => [
          ...[first, end, K4, rounds, tolerance],
          ...[rowStart, term, count, beta, at.alpha, at.gamma, theta, tokens, ratio],
        ]),
      );
      const first = corpus.rowStart[from]!;
      return {
        gamma: rows,
        tokens: memory.f32(tokens + 4 * from * K4, (to - from) * K4),
        theta: memory.f32(theta + 4 * from * K4, (to - from) * K4),
        ratio: memory.f32(ratio + 4 * first, corpus.rowStart[to]! - first),
        K4,
      };
    },
    terms(corpus, from, to, logBeta, topicTerm) {
      const key = `${from}-${to}`;
      const block = columns.get(key) ?? columnsOf(corpus, from, to, V);
      columns.set(key, block);
      memory.u32(at.columnStart, V + 1).set(block.start);
      memory.u32(at.columnEntry, block.entry.length).set(block.entry);
      memory.u32(at.columnDocument, block.document.length).set(block.document);
      const { columnStart, columnEntry, columnDocument, ratio, theta, beta, statistics } = at;
      memory.run(
        'ldaTerms',
        tasksOf(cutTasks(block.start, 0, V), (first, end) => [
          ...[first, end, K4, columnStart, columnEntry, columnDocument, ratio, theta, beta, statistics],
        ]),
      );
      const found = memory.f32(statistics, V * K4);
      let words = 0;
      let asComputed = 0;
      for (let w = 0; w < V; w++) {
        if (block.start[w] === block.start[w + 1]) continue;
        for (let k = 0; k < K; k++) {
          const expected = found[w * K4 + k]!;
          if (expected === 0) continue;
          words += expected * logBeta[w * K + k]!;
          asComputed += expected * logScaled[w * K4 + k]!;
          if (topicTerm !== null) topicTerm[w * K + k]! += expected;
        }
      }
      return { words, asComputed };
    },
  };
}
