import type { Corpus } from '../corpus/corpus.js';
import { STATUS, UserError } from '../errors.js';
import { commaList, metaNames } from './fields.js';
import { documents, type ReadOptions } from './read.js';

/** Larger numbers are refused: their squares, over small variances, would leave the range of doubles. */
const GREATEST = 1e100;

/**
 * The names of `--columns`.
 *
 * @throws {UserError} status 2 if one is empty or there twice
 */
export function columnNames(list: string): readonly string[] {
  return commaList(list, '--columns');
}

/**
 * Documents as points, from columns of CSV files or fields of NDJSON that hold numbers: corpora of `size` documents
 * without terms, in order. Ids and metadata are as for text.
 *
 * @throws {UserError} status 65, with file, line and column, for a cell that is no number; and as {@link documents}
 */
export async function* pointBatches(
  inputs: readonly string[],
  columns: readonly string[],
  options: ReadOptions,
  stdin: NodeJS.ReadableStream,
  size: number,
): AsyncGenerator<Corpus> {
  if (options.text !== undefined)
    throw new UserError('got --text and --columns, expected one of them', { status: STATUS.usage });
  const names = metaNames(options);
  let values: number[] = [];
  let ids: string[] = [];
  let meta = names.map((): string[] => []);
  const batch = (): Corpus => ({
    rowStart: new Uint32Array(ids.length + 1),
    term: new Uint32Array(0),
    count: new Uint32Array(0),
    vocabulary: [],
    ids,
    meta: new Map(names.map((name, i) => [name, meta[i]!])),
    vectors: { columns, values: Float64Array.from(values) },
  });
  for await (const document of documents(inputs, { ...options, text: columns.join(',') }, stdin)) {
    const cells = document.text.split('\n');
    if (cells.length !== columns.length)
      throw new UserError(`${document.place}: a cell of ${columns.join(', ')} holds a line break, expected a number`);
    for (const [p, name] of columns.entries()) values.push(numberOf(cells[p]!, `${document.place}: column ${name}`));
    ids.push(document.id);
    for (const [i, value] of document.meta.entries()) meta[i]!.push(value);
    if (ids.length === size) {
      yield batch();
      [values, ids, meta] = [[], [], names.map(() => [])];
    }
  }
  if (ids.length > 0) yield batch();
}

function numberOf(cell: string, place: string): number {
  const text = cell.trim();
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Math.abs(number) <= GREATEST) return number;
  if (text === '') throw new UserError(`${place}: is empty, expected a number`, { hint: 'leave such lines out' });
  throw new UserError(`${place}: got "${text}", expected a number${number > 0 || number < 0 ? ' within ±1e100' : ''}`, {
    hint: /^[+-]?\d+,\d+$/.test(text) ? 'decimals are written with a point' : undefined,
  });
}
