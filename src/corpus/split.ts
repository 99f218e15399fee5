import type { Random } from '../math/random.js';
import { type Corpus, documentCount, type Segments, tokenCount } from './corpus.js';

/**
 * Deals the tokens of each document into two halves at random, for document completion: of n tokens ⌈n/2⌉ are observed,
 * the others held out, every choice equally likely. Where there are segments, the tokens of a term are dealt to both
 * halves within them: each half has all segments, in their order.
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
  const heldOut = corpus.count.map((count, i) => count - observed[i]!);
  const { segments } = corpus;
  if (segments === undefined)
    return {
      observed: { ...corpus, ...withCounts(corpus, observed) },
      heldOut: { ...corpus, ...withCounts(corpus, heldOut) },
    };
  const inSegments = splitSegments(corpus, segments, observed, random);
  const others = segments.count.map((count, i) => count - inSegments[i]!);
  const half = (counts: Uint32Array, ofSegments: Uint32Array): Corpus => ({
    ...corpus,
    ...withCounts(corpus, counts),
    segments: { start: segments.start, ...withCounts(segments, ofSegments) },
  });
  return { observed: half(observed, inSegments), heldOut: half(heldOut, others) };
}

/** Which of the observed tokens of each document are in which of its segments, every choice equally likely. */
function splitSegments(corpus: Corpus, segments: Segments, observed: Uint32Array, random: Random): Uint32Array {
  const { rowStart, term, count } = corpus;
  const inSegments = new Uint32Array(segments.count.length);
  const left = new Uint32Array(corpus.vocabulary.length);
  const wanted = new Uint32Array(corpus.vocabulary.length);
  for (let d = 0; d < documentCount(corpus); d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      left[term[i]!] = count[i]!;
      wanted[term[i]!] = observed[i]!;
    }
    const end = segments.rowStart[segments.start[d + 1]!]!;
    for (let i = segments.rowStart[segments.start[d]!]!; i < end; i++) {
      const w = segments.term[i]!;
      for (let n = segments.count[i]!; n > 0; n--) {
        if (random.integer(left[w]!) < wanted[w]!) {
          inSegments[i]!++;
          wanted[w]!--;
        }
        left[w]!--;
      }
    }
  }
  return inSegments;
}

/** Rows with other counts; entries that became 0 are left out. */
function withCounts(
  rows: Pick<Corpus, 'rowStart' | 'term' | 'count'>,
  counts: Uint32Array,
): Pick<Corpus, 'rowStart' | 'term' | 'count'> {
  const kept = (_: number, i: number) => counts[i]! > 0;
  const rowStart = new Uint32Array(rows.rowStart.length);
  for (let r = 0, entries = 0; r + 1 < rowStart.length; r++) {
    for (let i = rows.rowStart[r]!; i < rows.rowStart[r + 1]!; i++) if (counts[i]! > 0) entries++;
    rowStart[r + 1] = entries;
  }
  return { rowStart, term: rows.term.filter(kept), count: counts.filter((count) => count > 0) };
}
