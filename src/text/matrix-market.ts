import { readFile } from 'node:fs/promises';
import { sortRows } from '../corpus/build.js';
import type { Corpus } from '../corpus/corpus.js';
import { STATUS, UserError } from '../errors.js';
import { decoded } from './decode.js';
import { inputBytes, inputName } from './input.js';
import { type LdacOptions, readVocabulary, vocabularyBeside } from './ldac.js';
import { lineBatches } from './lines.js';

/** A count is kept in 32 bits. */
const LARGEST = 0xffffffff;

/**
 * Reads a document-term matrix in MatrixMarket's coordinate format, documents × terms, both numbered from 1, counts whole.
 * The terms are in `NAME.vocab.txt` or `vocab.txt` beside it, the documents' names in `NAME.ids.txt` if there is one.
 *
 * @throws {UserError} status 65 with file and line for anything else in a file
 */
export async function readMatrixMarket(
  inputs: readonly string[],
  { vocabulary, onWarning = () => {} }: LdacOptions,
  stdin: NodeJS.ReadableStream,
): Promise<Corpus> {
  const [input, another] = inputs;
  if (another !== undefined) {
    throw new UserError(`got ${inputs.length} matrices, expected one`, { status: STATUS.usage });
  }
  const name = inputName(input!);
  const terms =
    typeof vocabulary === 'object'
      ? vocabulary
      : await readVocabulary(vocabulary ?? (await vocabularyBeside(inputs)), onWarning, stdin);
  let line = 0;
  let shape: readonly number[] | undefined;
  let entries = 0;
  let [row, term, count] = [new Uint32Array(0), new Uint32Array(0), new Uint32Array(0)];
  const wrong = (got: string, expected: string): never => {
    throw new UserError(`${name}:${line}: got "${got.slice(0, 60)}", expected ${expected}`);
  };
  for await (const lines of lineBatches(decoded(inputBytes(input!, stdin), name, 'utf-8', onWarning), name)) {
    for (const text of lines) {
      line++;
      if (line === 1 && !/^%%MatrixMarket +matrix +coordinate +(integer|real) +general *$/i.test(text)) {
        wrong(text, '%%MatrixMarket matrix coordinate integer general');
      }
      if (text.startsWith('%') || text.trim() === '') continue;
      const numbers = /^\s*\d+\s+\d+\s+\d+(\.0*)?\s*$/.test(text) ? text.trim().split(/\s+/).map(Number) : [];
      if (shape === undefined) {
        if (numbers.length !== 3) wrong(text, 'the numbers of documents, terms and entries');
        if (numbers[1] !== terms.length) wrong(text, `${terms.length} terms, as the vocabulary has`);
        shape = numbers;
        [row, term, count] = [new Uint32Array(numbers[2]!), new Uint32Array(numbers[2]!), new Uint32Array(numbers[2]!)];
        continue;
      }
      const [d, w, n] = numbers;
      if (d === undefined || w === undefined || n === undefined || d < 1 || w < 1) {
        wrong(text, 'document, term and count, three whole numbers, the first two from 1');
      }
      if (d! > shape[0]! || w! > shape[1]!) wrong(text, `a document up to ${shape[0]} and a term up to ${shape[1]}`);
      if (n! < 1 || n! > LARGEST) wrong(text, `a count from 1 to ${LARGEST}`);
      if (entries === shape[2]) wrong(text, `the end of the file after ${shape[2]} entries`);
      row[entries] = d! - 1;
      term[entries] = w! - 1;
      count[entries++] = n!;
    }
  }
  if (shape === undefined) throw new UserError(`${name}: is empty, expected a matrix`);
  if (entries !== shape[2])
    throw new UserError(`${name}: got ${entries} entries, expected ${shape[2]} as its second line says`);
  return byRows(row, term, count, shape[0]!, terms, await idsBeside(input!, shape[0]!), name);
}

/** The corpus of entries in any order. */
function byRows(
  row: Uint32Array,
  term: Uint32Array,
  count: Uint32Array,
  D: number,
  vocabulary: readonly string[],
  ids: readonly string[],
  name: string,
): Corpus {
  const rowStart = new Uint32Array(D + 1);
  for (const d of row) rowStart[d + 1]!++;
  for (let d = 0; d < D; d++) rowStart[d + 1]! += rowStart[d]!;
  const next = rowStart.slice(0, D);
  const corpus = { rowStart, term: new Uint32Array(term.length), count: new Uint32Array(term.length) };
  for (let i = 0; i < row.length; i++) {
    const place = next[row[i]!]!++;
    corpus.term[place] = term[i]!;
    corpus.count[place] = count[i]!;
  }
  const lastIn = new Int32Array(vocabulary.length).fill(-1);
  for (let d = 0; d < D; d++) {
    for (const w of corpus.term.subarray(rowStart[d]!, rowStart[d + 1]!)) {
      if (lastIn[w] === d)
        throw new UserError(`${name}: has term ${w + 1} of document ${d + 1} twice, expected it once`);
      lastIn[w] = d;
    }
  }
  sortRows(corpus, vocabulary.length);
  return { ...corpus, vocabulary, ids, meta: new Map() };
}

async function idsBeside(input: string, D: number): Promise<string[]> {
  const numbered = Array.from({ length: D }, (_, d) => String(d + 1));
  if (input === '-') return numbered;
  const path = input.replace(/(\.mtx)?(\.gz|\.br)?$/, '.ids.txt');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return numbered;
  const ids = text.replace(/\n$/, '').split('\n');
  if (ids.length !== D)
    throw new UserError(`${path}: got ${ids.length} names, expected one for each of the ${D} documents`);
  return ids;
}
