import { finished } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { STATUS, UserError } from '../errors.js';
import { type FieldNames, missingField, usualText } from './fields.js';
import { type Found, LONGEST_RECORD } from './lines.js';

/** Characters that part columns, the likeliest first: it wins a tie. */
const DELIMITERS = [',', '\t', ';', '|'];

/** The delimiter is looked for in the header; a header longer than this is none. */
const LONGEST_HEADER = 1024 * 1024;

/** One record and the line where it begins. */
type Row = { readonly record: readonly string[]; readonly line: number };

/**
 * The records of a CSV or TSV file (RFC 4180, any line ends, blank lines skipped), each a document. In TSV a quote inside
 * a field is a quote, since many TSV files know no quoting.
 *
 * @param chunks text whose line ends are LF
 * @throws {UserError} status 65 with `name:line` for what is no such file
 */
export async function* csvDocuments(
  chunks: AsyncIterable<string>,
  name: string,
  names: FieldNames,
  { format, delimiter }: { format: 'csv' | 'tsv'; delimiter: string | undefined },
): AsyncGenerator<Found[]> {
  const [header, all] = await firstLine(chunks);
  const separator = delimiter ?? (format === 'tsv' ? '\t' : sniffedDelimiter(header));
  let rows: Row[] = [];
  let end = 0;
  let emptyBefore = 0;
  // Records are taken as they are parsed: a stream that fails drops those it still holds, as many as its chunks held.
  const parser = parse({
    delimiter: separator,
    record_delimiter: ['\n'],
    max_record_size: LONGEST_RECORD,
    relax_column_count: true,
    relax_quotes: format === 'tsv',
    skip_empty_lines: true,
    on_record: (record, { lines, empty_lines }) => {
      rows.push({ record, line: end + 1 + empty_lines - emptyBefore });
      end = lines;
      emptyBefore = empty_lines;
      return null;
    },
  });
  parser.on('error', () => {});
  parser.resume();

  let columns: Columns | undefined;
  let width = 0;
  const taken = (): Found[] => {
    const found: Found[] = [];
    for (const { record, line } of rows) {
      if (columns === undefined) {
        columns = chosenColumns(record, names, `${name}:${line}`);
        width = record.length;
        continue;
      }
      if (record.length !== width) throw ragged(record.length, width, `${name}:${line}`, separator);
      const { text, id, meta } = columns;
      found.push({
        text: text.length === 1 ? record[text[0]!]! : text.map((column) => record[column]).join('\n'),
        line,
        id: id === undefined ? undefined : record[id],
        meta: meta.map((column) => record[column]!),
      });
    }
    rows = [];
    return found;
  };
  for await (const chunk of all) {
    const failure = await new Promise<Error | null | undefined>((resolve) => parser.write(chunk, resolve));
    yield taken();
    if (failure) throw syntaxError(failure, name, end + 1 + parser.info.empty_lines - emptyBefore);
  }
  parser.end();
  const failure = await finished(parser).catch((error: Error) => error);
  yield taken();
  if (failure) throw syntaxError(failure, name, end + 1 + parser.info.empty_lines - emptyBefore);
}

/** A delimiter as the user writes it, `\t` and `tab` for the tab. */
export function givenDelimiter(written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  if (written === '\\t' || written.toLowerCase() === 'tab') return '\t';
  if ([...written].length === 1 && !/["\r\n]/.test(written)) return written;
  throw new UserError(`--delimiter: got "${written}", expected one character other than a quote, or \\t`, {
    status: STATUS.usage,
  });
}

/** Positions of the columns that are used. */
type Columns = { readonly text: readonly number[]; readonly id: number | undefined; readonly meta: readonly number[] };

function chosenColumns(header: readonly string[], names: FieldNames, place: string): Columns {
  const columns = header.map((column) => column.trim());
  const position = (name: string): number => {
    const at = columns.indexOf(name);
    if (at < 0) throw missingField(name, columns, place, 'column');
    if (columns.indexOf(name, at + 1) >= 0)
      throw new UserError(`${place}: two columns are called "${name}"`, { hint: 'rename one of them' });
    return at;
  };
  return {
    text: (names.text ?? [usualText(columns, place, 'columns')]).map(position),
    id: names.id !== undefined ? position(names.id) : columns.includes('id') ? position('id') : undefined,
    meta: names.meta.map(position),
  };
}

/** The delimiter that is in the header most often, outside quotes. */
function sniffedDelimiter(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const count = (delimiter: string): number => bare.split(delimiter).length - 1;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

/** The text up to the first line end outside quotes, and all of the text. */
async function firstLine(chunks: AsyncIterable<string>): Promise<[string, AsyncIterable<string>]> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start = '';
  let end = -1;
  while (end < 0 && start.length < LONGEST_HEADER) {
    const next = await iterator.next();
    if (next.done) break;
    start += next.value;
    end = lineEnd(start);
  }
  async function* all(): AsyncGenerator<string> {
    try {
      if (start !== '') yield start;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return [start.slice(0, end < 0 ? LONGEST_HEADER : end), all()];
}

/** Where the first line that is not empty ends, line ends in quotes aside; -1 if it does not. */
function lineEnd(text: string): number {
  let isQuoted = false;
  let from = 0;
  while (text[from] === '\n') from++;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === '\n' && !isQuoted) return at;
  }
  return -1;
}

function ragged(got: number, expected: number, place: string, separator: string): UserError {
  const mark = separator === '\t' ? 'a tab' : `"${separator}"`;
  return new UserError(
    `${place}: got ${got} ${got === 1 ? 'column' : 'columns'}, expected ${expected} as in the header`,
    {
      hint: `columns are parted by ${mark}: put quotes round a value that holds one, or say what parts them with --delimiter`,
    },
  );
}

function syntaxError(error: Error, name: string, recordLine: number): Error {
  if (!(error instanceof CsvError)) return error;
  const { lines, index, column } = error as CsvError & { lines?: number; index?: number; column?: unknown };
  const at = `${name}:${lines ?? recordLine}`;
  const field = `column ${(index ?? (typeof column === 'number' ? column : 0)) + 1}`;
  const double = 'inside quotes, write a quote as two: "she said ""no"""';
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new UserError(`${name}:${recordLine}: the quote that opens in ${field} of this record is never closed`, {
        hint: double,
      });
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new UserError(
        `${at}: a quote in ${field} is followed by other text, expected a delimiter or line end` +
          (lines === recordLine ? '' : ` (the record begins at line ${recordLine})`),
        { hint: double },
      );
    case 'INVALID_OPENING_QUOTE':
      return new UserError(`${at}: a quote inside ${field}, which does not begin with one`, { hint: double });
    case 'CSV_MAX_RECORD_SIZE':
      return new UserError(
        `${name}:${recordLine}: a record of more than ${LONGEST_RECORD / 1024 ** 2} million characters begins here`,
        { hint: 'most likely a quote is not closed' },
      );
    default:
      return new UserError(`${at}: ${error.message}`);
  }
}
