import type { Corpus } from '../corpus/corpus.js';
import { type WriteOptions, writeFile } from './atomic-write.js';
import { damaged, quoted } from './damaged.js';
import { formatRecord, parseRecord } from './record.js';
import { metadataOf, readSafetensors, tensor, vectorOf, writeSafetensors } from './safetensors.js';
import type { Sink } from './sink.js';
import { firstRepeated, packText, unpackText } from './text-list.js';

/**
 * A corpus in a file of thema's, for D documents, V terms and nnz entries:
 *
 * | tensor | type | shape |
 * |---|---|---|
 * | `row_start` | U32 | D + 1 |
 * | `term` `count` | U32 | nnz |
 * | `vocabulary` | text list | V |
 * | `ids` | text list | D |
 * | `meta.0` `meta.1` … | text lists | D each |
 *
 * A text list is the two tensors of {@link packText}. The metadata has `thema.columns`, the names of the meta lists as a JSON
 * array, and `thema.record`, JSON that says how the corpus was made.
 */
export interface CorpusFile {
  readonly corpus: Corpus;
  readonly record: unknown;
}

/**
 * Writes a corpus and its record to `path`; see {@link writeFile} for what becomes of an existing file.
 *
 * @returns the number of bytes written.
 */
export async function writeCorpus(
  path: string,
  options: WriteOptions,
  corpus: Corpus,
  record: unknown,
): Promise<number> {
  return writeFile(path, options, (sink) => writeCorpusTo(sink, corpus, record));
}

/** Writes a corpus and its record to a sink. */
export async function writeCorpusTo(sink: Sink, corpus: Corpus, record: unknown): Promise<void> {
  const wrong = corpusProblem(corpus);
  if (wrong !== undefined) throw new Error(`the corpus to be written is wrong: ${wrong}`);
  const columns = [...corpus.meta];
  const tensors = [
    tensor('row_start', corpus.rowStart),
    tensor('term', corpus.term),
    tensor('count', corpus.count),
    ...packText('vocabulary', corpus.vocabulary),
    ...packText('ids', corpus.ids),
    ...columns.flatMap(([, values], i) => packText(`meta.${i}`, values)),
  ];
  await writeSafetensors(sink, 'corpus', tensors, {
    'thema.columns': JSON.stringify(columns.map(([name]) => name)),
    'thema.record': formatRecord(record),
  });
}

/**
 * Reads a corpus from a file or from the bytes of one.
 *
 * @throws UserError 66 where there is no such file; 65 where it is not a corpus, is damaged or contradicts itself.
 */
export async function readCorpus(from: string | Uint8Array): Promise<CorpusFile> {
  const file = await readSafetensors(from, 'corpus');
  const columns = parseColumns(metadataOf(file, 'thema.columns'), file.name);
  const corpus: Corpus = {
    rowStart: vectorOf(file, 'row_start', 'U32'),
    term: vectorOf(file, 'term', 'U32'),
    count: vectorOf(file, 'count', 'U32'),
    vocabulary: unpackText(file, 'vocabulary'),
    ids: unpackText(file, 'ids'),
    meta: new Map(columns.map((name, i) => [name, unpackText(file, `meta.${i}`)])),
  };
  const wrong = corpusProblem(corpus);
  if (wrong !== undefined) throw damaged(file.name, wrong);
  return { corpus, record: parseRecord(metadataOf(file, 'thema.record'), file.name) };
}

function parseColumns(json: string, file: string): string[] {
  const columns = parseRecord(json, file);
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) {
    throw damaged(file, 'its thema.columns is not a list of names');
  }
  const twice = firstRepeated(columns);
  if (twice !== undefined) throw damaged(file, `it has the column ${quoted(twice)} twice`);
  return columns;
}

/** What contradicts itself in a corpus, if anything does. */
function corpusProblem({ rowStart, term, count, vocabulary, ids, meta }: Corpus): string | undefined {
  const documents = rowStart.length - 1;
  if (documents < 0) return 'its row_start is empty';
  if (rowStart[0] !== 0) return `its first document begins at entry ${rowStart[0]}, not 0`;
  if (term.length !== count.length) return `it has ${term.length} terms but ${count.length} counts`;
  if (rowStart[documents] !== term.length) {
    return `its last document ends at entry ${rowStart[documents]} of ${term.length}`;
  }
  for (let d = 0; d < documents; d++) {
    if (rowStart[d + 1]! < rowStart[d]!) return `document ${d + 1} ends before it begins`;
  }
  for (let d = 0; d < documents; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      if (term[i]! >= vocabulary.length) {
        return `document ${d + 1} has term ${term[i]} of a vocabulary of ${vocabulary.length}`;
      }
      if (i > rowStart[d]! && term[i]! <= term[i - 1]!) return `the terms of document ${d + 1} do not ascend`;
      if (count[i] === 0) return `document ${d + 1} has a term with count 0`;
    }
  }
  if (ids.length !== documents) return `it has ${ids.length} ids for ${documents} documents`;
  for (const [name, values] of meta) {
    if (values.length !== documents) {
      return `its column ${quoted(name)} has ${values.length} values for ${documents} documents`;
    }
  }
  const twice = firstRepeated(vocabulary);
  return twice === undefined ? undefined : `its vocabulary has ${quoted(twice)} twice`;
}
