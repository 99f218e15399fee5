import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { log } from '../math/special.js';
import { kernelMemory } from './memory.js';

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

export function createLdaStartKernel({ V, K }: { V: number; K: number }): LdaStartKernel {
  const K4 = Math.ceil(K / 4) * 4;
  const memory = kernelMemory();
  let laidOut: Corpus | undefined;
  let at!: ReturnType<typeof layOut>;

  function layOut(corpus: Corpus) {
    const D = documentCount(corpus);
    const entries = corpus.term.length;
    let longest = 0;
    for (let d = 0; d < D; d++) longest = Math.max(longest, corpus.rowStart[d + 1]! - corpus.rowStart[d]!);
    const pointers = memory.layOut({
      rowStart: D + 1,
      term: entries,
      count: entries,
      beta: V * K4,
      tokens: D * K4,
      share: longest * K4,
      weight: K4,
      sums: entries,
      statistics: V * K4,
    });
    memory.u32(pointers.rowStart, D + 1).set(corpus.rowStart);
    memory.u32(pointers.term, entries).set(corpus.term);
    memory.f32(pointers.count, entries).set(corpus.count);
    memory.f32(pointers.beta, V * K4).fill(0);
    return pointers;
  }

  return {
    documents(corpus, from, to, rounds, alpha, beta, tokens, topicTerm) {
      if (corpus !== laidOut) at = layOut(corpus);
      laidOut = corpus;
      const rows = memory.f32(at.tokens + 4 * from * K4, (to - from) * K4).fill(0);
      const topics = memory.f32(at.beta, V * K4);
      for (let d = from, i = 0; d < to; d++, i += K4) {
        for (let k = 0; k < K; k++) rows[i + k] = tokens[d * K + k]!;
      }
      for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) topics[w * K4 + k] = beta[i]!;
      const statistics = memory.f32(at.statistics, V * K4).fill(0);
      const { rowStart, term, count, share, weight } = at;
      memory.kernels.ldaStartDocuments(
        from,
        to,
        K4,
        rounds,
        alpha,
        rowStart,
        term,
        count,
        at.beta,
        at.tokens,
        share,
        weight,
        at.sums,
        at.statistics,
      );
      for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) topicTerm[i]! += statistics[w * K4 + k]!;
      const sums = memory.f32(at.sums, corpus.term.length);
      let predictive = 0;
      for (let d = from; d < to; d++) {
        const length = tokenCount(corpus, d, d + 1);
        if (length === 0) continue;
        for (let k = 0; k < K; k++) tokens[d * K + k] = rows[(d - from) * K4 + k]!;
        predictive -= length * log(length - 1 + K * alpha);
        for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
          predictive += corpus.count[i]! * log(sums[i]!);
      }
      return predictive;
    },
  };
}
