import type { Corpus, Segments, Vectors } from '../corpus/corpus.js';
import { type WriteOptions, writeFile } from './atomic-write.js';
import { damaged, quoted } from './damaged.js';
import { formatRecord, parseRecord } from './record.js';
import { metadataOf, readSafetensors, type Safetensors, tensor, vectorOf, writeSafetensors } from './safetensors.js';
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
 * | `segment_start` | U32 | D + 1; this and the others of S segments with nnz′ entries only where the documents have them |
 * | `segment_row_start` | U32 | S + 1 |
 * | `segment_term` `segment_count` | U32 | nnz′ |
 *
 * | `vectors` | F64 | D×P, only where the documents are points |
 *
 * A text list is the two tensors of {@link packText}. The metadata has `thema.columns`, the names of the meta lists as a JSON
 * array, `thema.vectors`, those of the columns of `vectors`, and `thema.record`, JSON that says how the corpus was made.
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
  const { vectors } = corpus;
  const tensors = [
    tensor('row_start', corpus.rowStart),
    tensor('term', corpus.term),
    tensor('count', corpus.count),
    ...packText('vocabulary', corpus.vocabulary),
    ...packText('ids', corpus.ids),
    ...columns.flatMap(([, values], i) => packText(`meta.${i}`, values)),
    ...Object.entries(segmentArrays(corpus.segments)).map(([name, array]) => tensor(name, array)),
    ...(vectors === undefined ? [] : [tensor('vectors', vectors.values, [corpus.ids.length, vectors.columns.length])]),
  ];
  await writeSafetensors(sink, 'corpus', tensors, {
    'thema.columns': JSON.stringify(columns.map(([name]) => name)),
    ...(vectors === undefined ? {} : { 'thema.vectors': JSON.stringify(vectors.columns) }),
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
    ...(file.tensors.has('segment_start')
      ? {
          segments: {
            start: vectorOf(file, 'segment_start', 'U32'),
            rowStart: vectorOf(file, 'segment_row_start', 'U32'),
            term: vectorOf(file, 'segment_term', 'U32'),
            count: vectorOf(file, 'segment_count', 'U32'),
          },
        }
      : {}),
    ...(file.tensors.has('vectors') ? { vectors: vectorsOf(file) } : {}),
  };
  const wrong = corpusProblem(corpus);
  if (wrong !== undefined) throw damaged(file.name, wrong);
  return { corpus, record: parseRecord(metadataOf(file, 'thema.record'), file.name) };
}

/** Segments as arrays under the names they have in files; none where there are no segments. */
export function segmentArrays(segments: Segments | undefined): Readonly<Record<string, Uint32Array>> {
  if (segments === undefined) return {};
  const { start, rowStart, term, count } = segments;
  return { segment_start: start, segment_row_start: rowStart, segment_term: term, segment_count: count };
}

function vectorsOf(file: Safetensors): Vectors {
  const columns = parseColumns(metadataOf(file, 'thema.vectors'), file.name, 'thema.vectors');
  const { data, shape } = file.tensors.get('vectors')!;
  if (!(data instanceof Float64Array) || shape.length !== 2 || shape[1] !== columns.length) {
    throw damaged(file.name, `its vectors are not numbers of ${columns.length} columns`);
  }
  const at = data.findIndex((x) => !Number.isFinite(x));
  if (at >= 0) throw damaged(file.name, `element ${at} of its vectors is ${data[at]}`);
  return { columns, values: data };
}

function parseColumns(json: string, file: string, key = 'thema.columns'): string[] {
  const columns = parseRecord(json, file);
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) {
    throw damaged(file, `its ${key} is not a list of names`);
  }
  const twice = firstRepeated(columns);
  if (twice !== undefined) throw damaged(file, `it has the column ${quoted(twice)} twice`);
  return columns;
}

/** What contradicts itself in a corpus, if anything does. */
function corpusProblem(corpus: Corpus): string | undefined {
  const { rowStart, vocabulary, ids, meta, segments, vectors } = corpus;
  const documents = rowStart.length - 1;
  const wrong =
    rowsProblem(corpus, vocabulary.length, 'document', 'row_start') ??
    (segments === undefined
      ? undefined
      : (segmentsProblem(segments, documents, vocabulary.length) ?? sumProblem(corpus, segments)));
  if (wrong !== undefined) return wrong;
  if (vectors !== undefined && vectors.values.length !== documents * vectors.columns.length)
    return `it has ${vectors.values.length / vectors.columns.length} vectors for ${documents} documents`;
  if (ids.length !== documents) return `it has ${ids.length} ids for ${documents} documents`;
  for (const [name, values] of meta) {
    if (values.length !== documents) {
      return `its column ${quoted(name)} has ${values.length} values for ${documents} documents`;
    }
  }
  const twice = firstRepeated(vocabulary);
  return twice === undefined ? undefined : `its vocabulary has ${quoted(twice)} twice`;
}

/** What contradicts itself in the segments of D documents over V terms, if anything does. */
export function segmentsProblem(segments: Segments, D: number, V: number): string | undefined {
  const { start, rowStart } = segments;
  if (start.length !== D + 1) return `its segment_start has ${start.length} numbers for ${D} documents`;
  return (
    startsProblem(start, rowStart.length - 1, 'document', 'segment', 'segment_start') ??
    rowsProblem(segments, V, 'segment', 'segment_row_start')
  );
}

/** A document whose row is not the sum of its segments' rows. */
function sumProblem({ rowStart, term, count, vocabulary }: Corpus, segments: Segments): string | undefined {
  const left = new Float64Array(vocabulary.length);
  for (let d = 0; d + 1 < rowStart.length; d++) {
    const from = segments.rowStart[segments.start[d]!]!;
    const to = segments.rowStart[segments.start[d + 1]!]!;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) left[term[i]!] = count[i]!;
    for (let i = from; i < to; i++) left[segments.term[i]!]! -= segments.count[i]!;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++)
      if (left[term[i]!] !== 0) return `document ${d + 1} is not the sum of its segments`;
    for (let i = from; i < to; i++)
      if (left[segments.term[i]!] !== 0) return `document ${d + 1} is not the sum of its segments`;
  }
  return undefined;
}

/** What is wrong with rows of terms below V and their counts. */
export function rowsProblem(
  { rowStart, term, count }: Pick<Corpus, 'rowStart' | 'term' | 'count'>,
  V: number,
  row: string,
  name: string,
): string | undefined {
  if (term.length !== count.length) return `it has ${term.length} terms but ${count.length} counts`;
  const wrong = startsProblem(rowStart, term.length, row, 'entry', name);
  if (wrong !== undefined) return wrong;
  for (let d = 0; d + 1 < rowStart.length; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      if (term[i]! >= V) return `${row} ${d + 1} has term ${term[i]} of a vocabulary of ${V}`;
      if (i > rowStart[d]! && term[i]! <= term[i - 1]!) return `the terms of ${row} ${d + 1} do not ascend`;
      if (count[i] === 0) return `${row} ${d + 1} has a term with count 0`;
    }
  }
  return undefined;
}

/** What is wrong with the places where rows begin, and the last ends: from 0 up to `end`. */
function startsProblem(starts: Uint32Array, end: number, row: string, thing: string, name: string): string | undefined {
  const rows = starts.length - 1;
  if (rows < 0) return `its ${name} is empty`;
  if (starts[0] !== 0) return `its first ${row} begins at ${thing} ${starts[0]}, not 0`;
  if (starts[rows] !== end) return `its last ${row} ends at ${thing} ${starts[rows]} of ${end}`;
  for (let r = 0; r < rows; r++) if (starts[r + 1]! < starts[r]!) return `${row} ${r + 1} ends before it begins`;
  return undefined;
}
