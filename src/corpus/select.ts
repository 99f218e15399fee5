import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';
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

/** A corpus of which some documents are kept apart. */
export interface Parts {
  /** The documents that are fitted, then those that are held out, both in the order of the corpus. */
  readonly ordered: Corpus;
  /** Both parts by their terms, whose entries are in its arrays. */
  readonly fitted: Corpus;
  readonly heldOut: Corpus | null;
  /** 1 for each document of the corpus that is fitted, 0 for the others. */
  readonly isFitted: Uint8Array;
}

/**
 * Keeps a share of the documents of two tokens or more apart, drawn at random. Draws nothing, and gives the corpus itself,
 * where no document is to be kept apart, or LEAST_HELD_OUT are more than a fifth.
 */
export function holdOut(corpus: Corpus, share: number, random: Random): Parts {
  const D = documentCount(corpus);
  const filled: number[] = [];
  for (let d = 0; d < D; d++) if (tokenCount(corpus, d, d + 1) > (corpus.vectors === undefined ? 1 : 0)) filled.push(d);
  const count = Math.min(Math.max(LEAST_HELD_OUT, Math.floor(share * filled.length)), MOST_HELD_OUT);
  const isFitted = new Uint8Array(D).fill(1);
  if (share === 0 || count > filled.length / 5) return { ordered: corpus, fitted: corpus, heldOut: null, isFitted };
  random.shuffle(filled);
  for (let i = 0; i < count; i++) isFitted[filled[i]!] = 0;
  const order: number[] = [];
  for (const part of [1, 0]) for (let d = 0; d < D; d++) if (isFitted[d] === part) order.push(d);
  const ordered = selectDocuments(corpus, order);
  return {
    ordered,
    fitted: documentsBetween(ordered, 0, D - count),
    heldOut: documentsBetween(ordered, D - count, D),
    isFitted,
  };
}

/** Documents [from, to) of a corpus by their terms alone, whose entries are where they are in its arrays. */
function documentsBetween({ rowStart, term, count, vocabulary, ids, meta }: Corpus, from: number, to: number): Corpus {
  const [first, end] = [rowStart[from]!, rowStart[to]!];
  return {
    rowStart: rowStart.subarray(from, to + 1).map((i) => i - first),
    term: term.subarray(first, end),
    count: count.subarray(first, end),
    vocabulary,
    ids: ids.slice(from, to),
    meta: new Map([...meta].map(([name, values]) => [name, values.slice(from, to)])),
  };
}

type Rows = Pick<Corpus, 'rowStart' | 'term' | 'count'>;

function selectRows(from: Rows, rows: readonly number[]): Rows {
  let entries = 0;
  for (const row of rows) entries += from.rowStart[row + 1]! - from.rowStart[row]!;
  const selected = {
    rowStart: new Uint32Array(rows.length + 1),
    term: new Uint32Array(entries),
    count: new Uint32Array(entries),
  };
  writeRows(from, rows, selected);
  return selected;
}

/** Writes rows of some numbers one after the other, where there is room for them and `rowStart` is 0. */
export function writeRows(
  from: Rows,
  rows: ArrayLike<number>,
  { rowStart, term, count }: Omit<Rows, 'count'> & { readonly count: Uint32Array | Reals },
): void {
  let entries = 0;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    for (let i = from.rowStart[row]!; i < from.rowStart[row + 1]!; i++, entries++) {
      term[entries] = from.term[i]!;
      count[entries] = from.count[i]!;
    }
    rowStart[r + 1] = entries;
  }
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
