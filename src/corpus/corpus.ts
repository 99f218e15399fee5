/**
 * The document-term matrix and what its rows and columns are called.
 *
 * | symbol | meaning |
 * |---|---|
 * | D | documents, also those without any term |
 * | V | terms |
 * | N | tokens |
 */
export interface Corpus {
  /** Row d holds entries [rowStart[d], rowStart[d + 1]); D + 1 numbers. */
  readonly rowStart: Uint32Array;
  /** Term of each entry, ascending within a row, below V. */
  readonly term: Uint32Array;
  /** Occurrences of each entry, at least 1. */
  readonly count: Uint32Array;
  /** The V terms. From text: most frequent first, ties in code-point order; from a vocabulary file: in its order. */
  readonly vocabulary: readonly string[];
  /** One name a document. */
  readonly ids: readonly string[];
  /** Metadata columns, each with one value a document. */
  readonly meta: ReadonlyMap<string, readonly string[]>;
  /** The documents as sequences of segments, where that was asked for. */
  readonly segments?: Segments;
  /** The documents as points, where they came as numbers; then there are no terms. */
  readonly vectors?: Vectors;
}

/** Segments (sentences, lines, …) in order: rows of their own over the same terms; a document's row is their sum. */
export interface Segments {
  /** Document d has segments [start[d], start[d + 1]); D + 1 numbers. */
  readonly start: Uint32Array;
  /** Segment s holds entries [rowStart[s], rowStart[s + 1]) of `term` and `count`, as documents do. */
  readonly rowStart: Uint32Array;
  readonly term: Uint32Array;
  readonly count: Uint32Array;
}

/** Points, one a document. */
export interface Vectors {
  /** Names of the P columns. */
  readonly columns: readonly string[];
  /** D×P. */
  readonly values: Float64Array;
}

/** Number of documents. */
export function documentCount(corpus: Corpus): number {
  return corpus.rowStart.length - 1;
}

/** Number of tokens in documents [from, to); a document that is a point counts as one. */
export function tokenCount(corpus: Corpus, from = 0, to: number = documentCount(corpus)): number {
  if (corpus.vectors !== undefined) return to - from;
  let tokens = 0;
  for (let i = corpus.rowStart[from]!; i < corpus.rowStart[to]!; i++) tokens += corpus.count[i]!;
  return tokens;
}

/** What of each document there is to go through, as its end in a list of all: its entries, or its columns. D + 1 numbers. */
export function entryStart({ rowStart, vectors }: Corpus): Uint32Array {
  return vectors === undefined ? rowStart : rowStart.map((_, d) => d * vectors.columns.length);
}

/**
 * The vectors with only these columns, in this order.
 *
 * @returns the name that is missing, if one is
 */
export function withColumns(vectors: Vectors, columns: readonly string[]): Vectors | string {
  const from = columns.map((name) => vectors.columns.indexOf(name));
  const missing = columns.find((_, p) => from[p]! < 0);
  if (missing !== undefined) return missing;
  const P = columns.length;
  const width = vectors.columns.length;
  const values = new Float64Array((vectors.values.length / width) * P);
  for (let i = 0; i < values.length; i++) values[i] = vectors.values[Math.floor(i / P) * width + from[i % P]!]!;
  return { columns, values };
}
