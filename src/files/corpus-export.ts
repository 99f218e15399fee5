import { type Corpus, documentCount } from '../corpus/corpus.js';
import { STATUS, UserError } from '../errors.js';
import { checkOutput, writeFile } from './atomic-write.js';
import { quoted } from './damaged.js';
import type { Sink } from './sink.js';

/** Lines are gathered to about this many characters before they go to the sink. */
const BATCH = 1 << 16;

/**
 * Writes a corpus as lda-c reads it, one document a line, terms counted from 0:
 *
 *     [number of different terms] [term]:[count] [term]:[count] …
 *
 * A document without terms is `0`. `<name>.vocab.txt` beside it has the terms, one a line.
 *
 * @returns the paths written.
 * @throws UserError 73, 74 as {@link writeFile}; 65 where a term has a line break.
 */
export async function writeLdac(path: string, force: boolean, corpus: Corpus): Promise<string[]> {
  const terms = beside(path, 'vocab');
  checkLines('term', corpus.vocabulary);
  await checkAll([path, terms], force);
  await writeFile(terms, { force }, (sink) => writeLines(sink, corpus.vocabulary));
  await writeFile(path, { force }, (sink) => writeLines(sink, ldacLines(corpus)));
  return [path, terms];
}

/**
 * Writes a corpus as a Matrix Market file, documents × terms, both counted from 1: `coordinate integer general`.
 * `<name>.vocab.txt` beside it has the terms and `<name>.ids.txt` the documents' names, one a line.
 *
 * @returns the paths written.
 * @throws UserError 73, 74 as {@link writeFile}; 65 where a term or an id has a line break.
 */
export async function writeMatrixMarket(path: string, force: boolean, corpus: Corpus): Promise<string[]> {
  const [terms, ids] = [beside(path, 'vocab'), beside(path, 'ids')];
  checkLines('term', corpus.vocabulary);
  checkLines('id', corpus.ids);
  await checkAll([path, terms, ids], force);
  await writeFile(terms, { force }, (sink) => writeLines(sink, corpus.vocabulary));
  await writeFile(ids, { force }, (sink) => writeLines(sink, corpus.ids));
  await writeFile(path, { force }, (sink) => writeLines(sink, matrixMarketLines(corpus)));
  return [path, terms, ids];
}

function* ldacLines({ rowStart, term, count }: Corpus): Generator<string> {
  for (let d = 0; d + 1 < rowStart.length; d++) {
    const fields = [String(rowStart[d + 1]! - rowStart[d]!)];
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) fields.push(`${term[i]}:${count[i]}`);
    yield fields.join(' ');
  }
}

function* matrixMarketLines(corpus: Corpus): Generator<string> {
  const { rowStart, term, count, vocabulary } = corpus;
  yield '%%MatrixMarket matrix coordinate integer general';
  yield `${documentCount(corpus)} ${vocabulary.length} ${term.length}`;
  for (let d = 0; d + 1 < rowStart.length; d++) {
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) yield `${d + 1} ${term[i]! + 1} ${count[i]}`;
  }
}

async function writeLines(sink: Sink, lines: Iterable<string>): Promise<void> {
  let batch = '';
  for (const line of lines) {
    batch += `${line}\n`;
    if (batch.length < BATCH) continue;
    await sink.write(batch);
    batch = '';
  }
  await sink.write(batch);
}

/** The path of a companion: `news.ldac` → `news.vocab.txt`. */
function beside(path: string, part: string): string {
  if (path === '-') {
    throw new UserError('a matrix and its vocabulary are several files: expected a path, not -', {
      status: STATUS.usage,
    });
  }
  return `${path.replace(/(?<=[^/\\])\.[^./\\]*$/, '')}.${part}.txt`;
}

/** Checks all outputs before the first is written. */
async function checkAll(paths: readonly string[], force: boolean): Promise<void> {
  for (const path of paths) await checkOutput(path, force);
}

function checkLines(what: string, strings: readonly string[]): void {
  const broken = strings.find((string) => /[\r\n]/.test(string));
  if (broken === undefined) return;
  throw new UserError(`the ${what} ${quoted(broken)} has a line break, which a list of lines cannot hold`);
}
