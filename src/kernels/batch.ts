/** Rows of a sparse matrix. */
interface Rows {
  readonly rowStart: Uint32Array;
  readonly term: Uint32Array;
}

/** Entries of some documents by term, in the order of the documents: those of w are [start[w], start[w + 1]). */
export interface TermEntries {
  readonly start: Uint32Array;
  /** A document's place among them, or each of its columns. */
  readonly column: Uint32Array;
  readonly value: Float64Array;
}

/** The entries of the first B of `documents` by term, `value` being one number an entry; S columns a document. */
export function entriesByTerm(
  { rowStart, term }: Rows,
  value: ArrayLike<number>,
  documents: Uint32Array,
  B: number,
  S: number,
  V: number,
): TermEntries {
  const start = new Uint32Array(V + 1);
  for (let b = 0; b < B; b++) {
    const end = rowStart[documents[b]! + 1]!;
    for (let i = rowStart[documents[b]!]!; i < end; i++) start[term[i]! + 1]! += S;
  }
  for (let w = 0; w < V; w++) start[w + 1]! += start[w]!;
  const next = start.slice(0, V);
  const column = new Uint32Array(start[V]!);
  const found = new Float64Array(start[V]!);
  for (let b = 0; b < B; b++) {
    const end = rowStart[documents[b]! + 1]!;
    for (let i = rowStart[documents[b]!]!; i < end; i++) {
      const place = next[term[i]!]!;
      for (let s = 0; s < S; s++) {
        column[place + s] = b * S + s;
        found[place + s] = value[i]!;
      }
      next[term[i]!] = place + S;
    }
  }
  return { start, column, value: found };
}
