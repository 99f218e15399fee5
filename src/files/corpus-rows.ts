import type { Corpus } from '../corpus/corpus.js';
import { rowsProblem } from './corpus-file.js';
import { damaged, quoted } from './damaged.js';
import { parseRecord } from './record.js';
import { metadataOf, withSafetensors } from './safetensors.js';
import { firstRepeated, unpackText } from './text-list.js';

/** Documents [from, to). */
export type Range = readonly [from: number, to: number];

/** The documents of a corpus file, read when they are needed. */
export interface CorpusRows {
  /** Bytes of the file. */
  readonly size: number;
  readonly documents: number;
  readonly vocabulary: readonly string[];
  readonly record: unknown;
  /** D + 1 numbers, as of {@link Corpus}. */
  rowStart(): Uint32Array;
  /** The documents' names. */
  ids(): string[];
  /**
   * The documents of these ranges, in their order, as a corpus: without metadata and segments, and called by their numbers
   * from 1.
   *
   * @throws UserError 65 where their rows contradict themselves
   */
  read(ranges: readonly Range[]): Corpus;
}

/**
 * Hands `use` the rows of a corpus file, open while `use` runs. The checksum is verified before; memory does not grow with
 * the number of documents. Null in place of rows where the documents are points.
 *
 * @throws UserError as {@link readCorpus}
 */
export async function withCorpusRows<T>(
  from: string | Uint8Array,
  use: (rows: CorpusRows | null) => Promise<T>,
): Promise<T> {
  return withSafetensors(from, 'corpus', async (file) => {
    if (file.has('vectors')) return use(null);
    const documents = file.lengthOf('row_start') - 1;
    const entries = file.lengthOf('term');
    const vocabulary = unpackText(file.load(['vocabulary', 'vocabulary.offsets']), 'vocabulary');
    const twice = firstRepeated(vocabulary);
    const wrong =
      documents < 0
        ? 'its row_start is empty'
        : entries !== file.lengthOf('count')
          ? `it has ${entries} terms but ${file.lengthOf('count')} counts`
          : twice !== undefined
            ? `its vocabulary has ${quoted(twice)} twice`
            : undefined;
    if (wrong !== undefined) throw damaged(file.name, wrong);

    function rowsOf([from, to]: Range): Pick<Corpus, 'rowStart' | 'term' | 'count'> {
      const start = file.slice('row_start', from, to + 1);
      const [first, end] = [start[0]!, start[to - from]!];
      if (end < first || end > entries) throw damaged(file.name, `document ${to} ends at entry ${end} of ${entries}`);
      const rows = {
        rowStart: start.map((at) => at - first),
        term: file.slice('term', first, end),
        count: file.slice('count', first, end),
      };
      const wrong = rowsProblem(rows, vocabulary.length, 'document', 'row_start');
      if (wrong !== undefined) throw damaged(file.name, `from document ${from + 1} on, ${wrong}`);
      return rows;
    }

    function read(ranges: readonly Range[]): Corpus {
      const parts = ranges.map(rowsOf);
      const rowStart = new Uint32Array(1 + parts.reduce((sum, part) => sum + part.rowStart.length - 1, 0));
      const nnz = parts.reduce((sum, part) => sum + part.term.length, 0);
      const [term, count] = [new Uint32Array(nnz), new Uint32Array(nnz)];
      let [d, at] = [0, 0];
      for (const part of parts) {
        for (const end of part.rowStart.subarray(1)) rowStart[++d] = at + end;
        term.set(part.term, at);
        count.set(part.count, at);
        at += part.term.length;
      }
      const ids = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => String(from + i + 1)));
      return { rowStart, term, count, vocabulary, ids, meta: new Map() };
    }

    return use({
      size: file.size,
      documents,
      vocabulary,
      record: parseRecord(metadataOf(file, 'thema.record'), file.name),
      rowStart: () => file.slice('row_start', 0, documents + 1),
      ids: () => unpackText(file.load(['ids', 'ids.offsets']), 'ids'),
      read,
    });
  });
}
