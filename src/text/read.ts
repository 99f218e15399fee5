import { basename, join } from 'node:path';
import { STATUS, UserError } from '../errors.js';
import { csvDocuments, givenDelimiter } from './csv.js';
import { checkEncoding, decoded } from './decode.js';
import { fieldNames, groupNames } from './fields.js';
import { filesUnder } from './folder.js';
import { type Bytes, formatExtension, inputBytes, inputName, isFolder, peeked } from './input.js';
import { readLdac } from './ldac.js';
import { type Found, fileDocument, lineDocuments, paragraphDocuments } from './lines.js';
import { readMatrixMarket } from './matrix-market.js';
import { ndjsonDocuments } from './ndjson.js';
import type { ReadValues } from './settings.js';

/** One document of the inputs. */
export type Document = {
  readonly id: string;
  readonly text: string;
  /** Values of the metadata asked for, in the order of `metaNames`. */
  readonly meta: string[];
  /** Where it comes from: `file:line`. */
  readonly place: string;
};

export type ReadOptions = ReadValues & {
  readonly onWarning?: (message: string) => void;
  /** Whether ids that come twice are noticed; it takes memory for all of them. Yes, unless said otherwise. */
  readonly remembersIds?: boolean;
};

/** A file of the inputs: its path (`-` for stdin), its name in messages, and what the ids of its documents begin with. */
type File = { readonly path: string; readonly name: string; readonly label: string; readonly inFolder: boolean };

type Format = 'txt' | 'csv' | 'tsv' | 'ndjson';

/**
 * The documents of files, folders and stdin (`-`), in the order given; at any time one document and one chunk are held.
 *
 * An id comes from the id column or field. Without one it is the number of the document in its file, from 1, after the
 * file's name and a colon where there are several; a file that is one document is called by its name.
 *
 * @throws {UserError} status 66 for a missing input; 65 for bad data, with file, line and column, and for no document at
 *   all; 2 for options that do not fit the input
 */
export async function* documents(
  inputs: readonly string[],
  options: ReadOptions,
  stdin: NodeJS.ReadableStream,
): AsyncGenerator<Document> {
  checkInputs(inputs);
  checkEncoding(options.encoding);
  const warn = options.onWarning ?? (() => {});
  const repeats = repeatedIds();
  let total = 0;
  for await (const file of filesOf(inputs, options, warn)) {
    const per = options.per ?? (file.inFolder ? 'file' : 'line');
    const [format, bytes] = await formatOf(file, options, inputBytes(file.path, stdin));
    checkOptions(format, file.name, options);
    const isWhole = format === 'txt' && per === 'file';
    let number = 0;
    const records = found(format, per, decoded(bytes, file.name, options.encoding, warn), file.name, options);
    const names = groupNames(options);
    for await (const batch of names.length === 0 ? records : joined(records, names, file.name)) {
      for (const { text, line, id, meta } of batch) {
        number++;
        const place = `${file.name}:${line}`;
        if (id && options.remembersIds !== false) repeats.see(id, place);
        yield { id: id || numberedId(file, isWhole, number), text, meta: meta ?? [], place };
      }
    }
    if (number === 0) warn(`${file.name}: is empty`);
    total += number;
  }
  if (repeats.message() !== undefined) warn(repeats.message()!);
  if (total === 0) throw noDocuments(inputs);
}

/** Formats of counts, and who reads them. */
const COUNTS = { ldac: readLdac, mtx: readMatrixMarket } as const;

/**
 * The reader of the inputs, if they are counts, by `--input-format` or by name (`.ldac`, `.mtx`).
 *
 * @throws {UserError} status 2 if only some are
 */
export function countsReader(
  inputs: readonly string[],
  options: Pick<ReadValues, 'input-format'>,
): (typeof COUNTS)[keyof typeof COUNTS] | undefined {
  const given = options['input-format'];
  if (given !== undefined) return given === 'ldac' || given === 'mtx' ? COUNTS[given] : undefined;
  for (const format of ['ldac', 'mtx'] as const) {
    const counts = inputs.filter((input) => formatExtension(input) === `.${format}`);
    if (counts.length === 0) continue;
    if (counts.length === inputs.length) return COUNTS[format];
    throw new UserError(`got counts (${counts[0]}) and other inputs together, expected one kind`, {
      status: STATUS.usage,
    });
  }
  return undefined;
}

function checkInputs(inputs: readonly string[]): void {
  const usage = (message: string, hint?: string): UserError => new UserError(message, { status: STATUS.usage, hint });
  if (inputs.length === 0) throw usage('got no input, expected files, folders or - for stdin');
  const twice = inputs.find((input, i) => inputs.indexOf(input) < i);
  if (twice !== undefined) throw usage(`got the input ${twice} twice, expected each once`);
}

/** The files of the inputs, those of a folder in the order of their paths. */
async function* filesOf(
  inputs: readonly string[],
  options: ReadOptions,
  warn: (message: string) => void,
): AsyncGenerator<File> {
  const several = inputs.length > 1;
  for (const input of inputs) {
    const name = inputName(input);
    if (await isFolder(input)) {
      const skipped = (links: number): void =>
        warn(`${name}: ${links} symbolic ${links === 1 ? 'link was' : 'links were'} not followed`);
      for (const inside of await filesUnder(input, skipped)) {
        const path = join(input, inside);
        yield { path, name: path, label: several ? path : inside, inFolder: true };
      }
    } else if (options['input-format'] === 'folder') {
      throw new UserError(`${name}: is a file, expected a folder (--input-format folder)`, { status: STATUS.usage });
    } else yield { path: input, name, label: several ? name : '', inFolder: false };
  }
}

function found(
  format: Format,
  per: 'line' | 'paragraph' | 'file',
  chunks: AsyncIterable<string>,
  name: string,
  options: ReadOptions,
): AsyncGenerator<Found[]> {
  switch (format) {
    case 'csv':
    case 'tsv':
      return csvDocuments(chunks, name, fieldNames(options), { format, delimiter: givenDelimiter(options.delimiter) });
    case 'ndjson':
      return ndjsonDocuments(chunks, name, fieldNames(options));
    case 'txt':
      if (per === 'line') return lineDocuments(chunks, name);
      return per === 'paragraph' ? paragraphDocuments(chunks, name) : fileDocument(chunks, name);
  }
}

/**
 * Consecutive records with equal values of the fields `names`, the last of their metadata, as one: its id is their values
 * joined by `-`, its text theirs on lines of their own, the rest that of the first.
 */
async function* joined(
  records: AsyncIterable<Found[]>,
  names: readonly string[],
  file: string,
): AsyncGenerator<Found[]> {
  let group: (Found & { readonly id: string; readonly texts: string[] }) | undefined;
  for await (const batch of records) {
    const done: Found[] = [];
    for (const record of batch) {
      const values = record.meta!.slice(-names.length);
      const missing = values.indexOf('');
      if (missing >= 0)
        throw new UserError(`${file}:${record.line}: no value of "${names[missing]}", expected one to group by`);
      const id = values.join('-');
      if (group?.id === id) group.texts.push(record.text);
      else {
        if (group !== undefined) done.push({ ...group, text: group.texts.join('\n') });
        group = { ...record, id, meta: record.meta!.slice(0, -names.length), texts: [record.text] };
      }
    }
    yield done;
  }
  if (group !== undefined) yield [{ ...group, text: group.texts.join('\n') }];
}

/** The format as given; else, but for files of a folder, by the name; else by the first character: `{` is NDJSON. */
async function formatOf(file: File, options: ReadOptions, bytes: Bytes): Promise<[Format, Bytes]> {
  const given = options['input-format'];
  if (given === 'ldac' || given === 'mtx')
    throw new UserError(`${file.name}: --input-format ${given} is counts, expected text`, { status: STATUS.usage });
  if (given !== undefined && given !== 'folder') return [given, bytes];
  if (file.inFolder) return ['txt', bytes];
  switch (formatExtension(file.path)) {
    case '.csv':
      return ['csv', bytes];
    case '.tsv':
      return ['tsv', bytes];
    case '.ndjson':
    case '.jsonl':
    case '.json':
      return ['ndjson', bytes];
    case '.txt':
      return ['txt', bytes];
    case '.ldac':
    case '.mtx':
      throw new UserError(`${file.name}: holds counts, expected text`, { status: STATUS.usage });
  }
  const [start, all] = await peeked(bytes, 4);
  return [/^[\xEF\xBB\xBF\xFE\xFF\0\s]*\{/.test(start.toString('latin1')) ? 'ndjson' : 'txt', all];
}

/** @throws {UserError} status 2 if an option was given that says nothing about this format */
function checkOptions(format: Format, name: string, options: ReadOptions): void {
  const useless =
    format === 'txt'
      ? (['text', 'id', 'meta', 'group', 'delimiter'] as const)
      : format === 'ndjson'
        ? (['per', 'delimiter'] as const)
        : (['per'] as const);
  const given = useless.find((option) => options[option] !== undefined);
  if (given === undefined) return;
  const what = format === 'txt' ? 'plain text, which has no columns or fields' : `${format}: each record is a document`;
  throw new UserError(`--${given}: ${name} is read as ${what}`, {
    status: STATUS.usage,
    hint: format === 'txt' ? 'if it is another format, say which with --input-format csv, tsv or ndjson' : undefined,
  });
}

function numberedId(file: File, isWhole: boolean, number: number): string {
  if (isWhole) return file.label || basename(file.name);
  return file.label === '' ? String(number) : `${file.label}:${number}`;
}

/** Notices ids from the data that name two documents. */
function repeatedIds(): { see(id: string, place: string): void; message(): string | undefined } {
  const seen = new Set<string>();
  let count = 0;
  let first = '';
  return {
    see(id, place) {
      if (seen.size === seen.add(id).size && count++ === 0) first = `"${id}" at ${place}`;
    },
    message: () => (count === 0 ? undefined : `${count} ids name a document that is not their first (first ${first})`),
  };
}

function noDocuments(inputs: readonly string[]): UserError {
  const names = inputs.length === 1 ? inputName(inputs[0]!) : `${inputs.length} inputs`;
  return new UserError(`${names}: no documents, expected at least one`, {
    hint: inputs[0] === '-' ? 'did the command before the pipe print anything?' : undefined,
  });
}
