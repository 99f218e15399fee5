import type { Random } from '../math/random.js';
import { type Corpus, documentCount, type Segments, tokenCount } from './corpus.js';

/** The corpus of some documents, in the order given; a document may be named more than once. */
export function selectDocuments(corpus: Corpus, documents: ArrayLike<number>): Corpus {
  const chosen = Array.from(documents);
  return {
    ...selectRows(corpus, chosen),
    vocabulary: corpus.vocabulary,
    ids: chosen.map((d) => corpus.ids[d]!),
    meta: new Map([...corpus.meta].map(([name, values]) => [name, chosen.map((d) => values[d]!)])),
    ...(corpus.segments === undefined ? {} : { segments: selectSegments(corpus.segments, chosen) }),
    ...(corpus.vectors === undefined ? {} : { vectors: selectVectors(corpus, chosen) }),
  };
}

/** Documents that are held out at least, for fewer say too little, and at most. */
const LEAST_HELD_OUT = 20;
const MOST_HELD_OUT = 1000;

/**
 * Keeps a share of the documents of two tokens or more apart, drawn at random; both parts in the order of the corpus. Draws
 * nothing, and gives the corpus itself, where no document is to be kept apart, or LEAST_HELD_OUT are more than a fifth.
 *
 * @returns with `isFitted`, 1 for each document of `fitted` and 0 for the others
 */
export function holdOut(
  corpus: Corpus,
  share: number,
  random: Random,
): { fitted: Corpus; heldOut: Corpus | null; isFitted: Uint8Array } {
  const D = documentCount(corpus);
  const filled: number[] = [];
  for (let d = 0; d < D; d++) if (tokenCount(corpus, d, d + 1) > (corpus.vectors === undefined ? 1 : 0)) filled.push(d);
  const count = Math.min(Math.max(LEAST_HELD_OUT, Math.floor(share * filled.length)), MOST_HELD_OUT);
  if (share === 0 || count > filled.length / 5)
    return { fitted: corpus, heldOut: null, isFitted: new Uint8Array(D).fill(1) };
  random.shuffle(filled);
  const isFitted = new Uint8Array(D).fill(1);
  for (let i = 0; i < count; i++) isFitted[filled[i]!] = 0;
  const all = Array.from({ length: D }, (_, d) => d);
  return {
    fitted: selectDocuments(
      corpus,
      all.filter((d) => isFitted[d] === 1),
    ),
    heldOut: selectDocuments(
      corpus,
      all.filter((d) => isFitted[d] === 0),
    ),
    isFitted,
  };
}

function selectRows({ rowStart, term, count }: Pick<Corpus, 'rowStart' | 'term' | 'count'>, rows: readonly number[]) {
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => {
    starts[i + 1] = starts[i]! + rowStart[row + 1]! - rowStart[row]!;
  });
  const terms = new Uint32Array(starts[rows.length]!);
  const counts = new Uint32Array(starts[rows.length]!);
  rows.forEach((row, i) => {
    terms.set(term.subarray(rowStart[row]!, rowStart[row + 1]!), starts[i]);
    counts.set(count.subarray(rowStart[row]!, rowStart[row + 1]!), starts[i]);
  });
  return { rowStart: starts, term: terms, count: counts };
}

function selectSegments(segments: Segments, documents: readonly number[]): Segments {
  const start = new Uint32Array(documents.length + 1);
  const rows: number[] = [];
  documents.forEach((d, i) => {
    for (let s = segments.start[d]!; s < segments.start[d + 1]!; s++) rows.push(s);
    start[i + 1] = rows.length;
  });
  return { start, ...selectRows(segments, rows) };
}

function selectVectors(corpus: Corpus, documents: readonly number[]): NonNullable<Corpus['vectors']> {
  const { columns, values } = corpus.vectors!;
  const P = values.length / documentCount(corpus);
  const selected = new Float64Array(documents.length * P);
  documents.forEach((d, i) => {
    selected.set(values.subarray(d * P, (d + 1) * P), i * P);
  });
  return { columns, values: selected };
}
