import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sortRows } from '../corpus/build.js';
import type { Corpus } from '../corpus/corpus.js';
import { type Growing, growing } from '../corpus/growing.js';
import { STATUS, UserError } from '../errors.js';
import { decoded } from './decode.js';
import { inputBytes, inputName } from './input.js';
import { LONGEST_RECORD, lineBatches } from './lines.js';

export type LdacOptions = {
  /** The terms, or the file that has them one a line; by default `vocab.txt` beside the inputs. */
  readonly vocabulary?: string | readonly string[] | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
};

/**
 * Reads bags of words in the format of Blei's lda-c: each line a document, `N term:count term:count …`, with N the number
 * of pairs and terms numbered from 0 as in the vocabulary. `0`, or an empty line, is a document without terms. Several
 * inputs make one corpus. Ids are line numbers, after the input's name where there are several.
 *
 * @throws {UserError} status 65 with file, line and column for anything else in a file
 */
export async function readLdac(
  inputs: readonly string[],
  options: LdacOptions,
  stdin: NodeJS.ReadableStream,
): Promise<Corpus> {
  const { value } = await ldacBatches(inputs, options, stdin, Number.POSITIVE_INFINITY).next();
  return value as Corpus;
}

/** The same in batches of `size` documents, of which one is held at any time. */
export async function* ldacBatches(
  inputs: readonly string[],
  { vocabulary, onWarning = () => {} }: LdacOptions,
  stdin: NodeJS.ReadableStream,
  size: number,
): AsyncGenerator<Corpus> {
  const terms =
    typeof vocabulary === 'object'
      ? vocabulary
      : await readVocabulary(vocabulary ?? (await vocabularyBeside(inputs)), onWarning, stdin);
  const lastIn = new Uint32Array(terms.length);
  let document = 0;
  let batch = emptyMatrix(lastIn);
  for (const input of inputs) {
    const name = inputName(input);
    let line = 0;
    for await (const lines of byteLines(input, stdin)) {
      for (const bytes of lines) {
        line++;
        batch.ids.push(inputs.length > 1 ? `${name}:${line}` : String(line));
        addLine(bytes, `${name}:${line}`, ++document, batch);
        batch.rowStart.push(batch.term.length());
        if (batch.ids.length < size) continue;
        yield corpusOf(batch, terms);
        batch = emptyMatrix(lastIn);
      }
    }
    if (line === 0) onWarning(`${name}: is empty`);
  }
  if (document === 0) throw new UserError(`${inputs.map(inputName).join(', ')}: no documents, expected at least one`);
  if (batch.ids.length > 0) yield corpusOf(batch, terms);
}

/** The rows so far, and for each term the last document (from 1 in all batches) that has it. */
type Matrix = {
  readonly rowStart: Growing;
  readonly term: Growing;
  readonly count: Growing;
  readonly ids: string[];
  readonly lastIn: Uint32Array;
};

function emptyMatrix(lastIn: Uint32Array): Matrix {
  const rowStart = growing();
  rowStart.push(0);
  return { rowStart, term: growing(), count: growing(), ids: [], lastIn };
}

function corpusOf({ rowStart, term, count, ids }: Matrix, vocabulary: readonly string[]): Corpus {
  const corpus: Corpus = {
    rowStart: rowStart.take(),
    term: term.take(),
    count: count.take(),
    vocabulary,
    ids,
    meta: new Map(),
  };
  sortRows(corpus, vocabulary.length);
  return corpus;
}

const [TAB, CR, SPACE, ZERO, NINE, COLON] = [9, 13, 32, 48, 57, 58];
const LARGEST_COUNT = 0xffff_ffff;

/** Adds the pairs of one line. Digit by digit: a regular expression or `split` takes ten times as long. */
function addLine(bytes: Buffer, place: string, document: number, { term, count, lastIn }: Matrix): void {
  const terms = lastIn.length;
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === CR || bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
  let at = 0;
  const wrong = (from: number, expected: string): never => {
    let to = from;
    while (to < end && bytes[to] !== SPACE && bytes[to] !== TAB && to < from + 40) to++;
    const came = to === from ? 'the end of the line' : `"${bytes.toString('utf8', from, to)}"`;
    throw new UserError(`${place}:${from + 1}: got ${came}, expected ${expected}`);
  };
  /** The whole number that begins here, or -1; one beyond 2^53 is too large all the same. */
  const number = (): number => {
    const from = at;
    let value = 0;
    while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) value = 10 * value + bytes[at++]! - ZERO;
    return at === from ? -1 : value;
  };
  const isBreak = (): boolean => at === end || bytes[at] === SPACE || bytes[at] === TAB;
  const skipSpace = (): void => {
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  };

  skipSpace();
  if (at === end) return;
  const declaredAt = at;
  const declared = number();
  if (declared < 0 || !isBreak()) wrong(declaredAt, 'the number of term:count pairs in the line');
  let pairs = 0;
  for (skipSpace(); at < end; skipSpace()) {
    const from = at;
    const t = number();
    if (t < 0 || bytes[at] !== COLON || at === end) wrong(from, 'term:count, two whole numbers');
    if (t >= terms) wrong(from, `a term below ${terms}, the size of the vocabulary`);
    at++;
    const n = number();
    if (n < 0 || !isBreak()) wrong(from, 'term:count, two whole numbers');
    if (n < 1 || n > LARGEST_COUNT) wrong(from, `a count from 1 to ${LARGEST_COUNT}`);
    if (lastIn[t] === document) wrong(from, `each term once in a line: term ${t} was there before`);
    lastIn[t] = document;
    term.push(t);
    count.push(n);
    pairs++;
  }
  if (pairs !== declared) {
    const found = `${pairs} term:count ${pairs === 1 ? 'pair' : 'pairs'} in the line`;
    throw new UserError(`${place}:${declaredAt + 1}: got ${found}, expected ${declared} as its first number says`);
  }
}

/** The lines of an input as bytes, in batches of those that came together. */
async function* byteLines(input: string, stdin: NodeJS.ReadableStream): AsyncGenerator<Buffer[]> {
  let begun: Buffer[] = [];
  let length = 0;
  let line = 1;
  let isFirst = true;
  for await (const chunk of inputBytes(input, stdin)) {
    const lines: Buffer[] = [];
    let from = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? 3 : 0;
    isFirst = false;
    for (let to = chunk.indexOf(10, from); to >= 0; to = chunk.indexOf(10, from)) {
      const rest = chunk.subarray(from, to);
      lines.push(begun.length > 0 ? Buffer.concat([...begun, rest]) : rest);
      begun = [];
      length = 0;
      from = to + 1;
    }
    line += lines.length;
    if (from < chunk.length) begun.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LONGEST_RECORD)
      throw new UserError(`${inputName(input)}:${line}: a line of more than ${LONGEST_RECORD / 1024 ** 2} MB`);
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [Buffer.concat(begun)];
}

/**
 * The terms of a vocabulary file, one a line, in its order.
 *
 * @throws {UserError} status 65 with `file:line` for an empty line or a term that was there before
 */
export async function readVocabulary(
  path: string,
  onWarning: (message: string) => void,
  stdin: NodeJS.ReadableStream,
): Promise<string[]> {
  const name = inputName(path);
  const lineOf = new Map<string, number>();
  for await (const lines of lineBatches(decoded(inputBytes(path, stdin), name, 'utf-8', onWarning), name)) {
    for (const line of lines) {
      const term = line.trim();
      const place = `${name}:${lineOf.size + 1}`;
      if (term === '') throw new UserError(`${place}: got an empty line, expected one term a line`);
      const before = lineOf.get(term);
      if (before !== undefined) throw new UserError(`${place}: got "${term}", which line ${before} has already`);
      lineOf.set(term, lineOf.size + 1);
    }
  }
  if (lineOf.size === 0) throw new UserError(`${name}: no terms, expected one a line`);
  return [...lineOf.keys()];
}

/** `NAME.vocab.txt` beside a single `NAME.ldac` or `NAME.mtx`, as thema writes it, or `vocab.txt` in the one folder of the inputs. */
export async function vocabularyBeside(inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.map((input) => (input === '-' ? '-' : dirname(input))));
  const [folder] = folders;
  const usage = (message: string): UserError =>
    new UserError(message, { status: STATUS.usage, hint: 'name the file of terms, one a line: --vocabulary FILE' });
  if (folder === '-' || folders.size !== 1)
    throw usage(`which vocabulary do ${inputs.map(inputName).join(', ')} have?`);
  const own = inputs.length === 1 ? [inputs[0]!.replace(/(\.ldac|\.mtx)?(\.gz|\.br)?$/, '.vocab.txt')] : [];
  for (const path of [...own, join(folder!, 'vocab.txt')]) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  throw usage(`${inputs[0]}: no vocab.txt beside it`);
}
