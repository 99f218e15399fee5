import type { Random } from '../math/random.js';
import { type Corpus, documentCount, tokenCount } from './corpus.js';

/**
 * Deals the tokens of each document into two halves at random, for document completion: of n tokens ⌈n/2⌉ are observed,
 * the others held out, every choice equally likely.
 *
 * @returns two corpora with the same documents and vocabulary
 */
export function splitTokens(corpus: Corpus, random: Random): { observed: Corpus; heldOut: Corpus } {
  const observed = new Uint32Array(corpus.count.length);
  for (let d = 0; d < documentCount(corpus); d++) {
    let tokens = tokenCount(corpus, d, d + 1);
    let wanted = Math.ceil(tokens / 2);
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++) {
      for (let n = corpus.count[i]!; n > 0; n--, tokens--) {
        if (random.integer(tokens) < wanted) {
          observed[i]!++;
          wanted--;
        }
      }
    }
  }
  return {
    observed: withCounts(corpus, observed),
    heldOut: withCounts(
      corpus,
      corpus.count.map((count, i) => count - observed[i]!),
    ),
  };
}

/** The corpus with other counts; entries that became 0 are left out. */
function withCounts(corpus: Corpus, counts: Uint32Array): Corpus {
  const kept = (_: number, i: number) => counts[i]! > 0;
  const rowStart = new Uint32Array(corpus.rowStart.length);
  for (let d = 0, entries = 0; d < documentCount(corpus); d++) {
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++) if (counts[i]! > 0) entries++;
    rowStart[d + 1] = entries;
  }
  return { ...corpus, rowStart, term: corpus.term.filter(kept), count: counts.filter((count) => count > 0) };
}
