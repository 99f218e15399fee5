/**
 * The JSON header of a safetensors file, read by hand: strictly, in linear time and without recursion.
 *
 *     header := { "__metadata__": { name: string, … }, name: { "dtype": string, "shape": [n, …], "data_offsets": [n, n] }, … }
 *
 * Anything else is refused: other keys, keys given twice, deeper nesting, numbers that are not integers in [0, 2^53).
 * Names go to maps, so `__proto__` is a name like any other.
 */

import type { UserError } from '../errors.js';
import { damaged, quoted } from './damaged.js';

/** A tensor as the header describes it: type, shape and bytes [begin, end) of the data. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** Where in the header's bytes the value of the metadata key `sha256` stands, between its quotes. */
  readonly digestPlace: { readonly from: number; readonly to: number } | undefined;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** The name that the format reserves. */
export const METADATA = '__metadata__';

/**
 * Parses the text of the header of the file `file`, trailing spaces included.
 *
 * @throws UserError 65 that says what came and what was expected.
 */
export function parseHeader(text: string, file: string): Header {
  const metadata = new Map<string, string>();
  let digestPlace: Header['digestPlace'];
  const tensors = new Map<string, TensorEntry>();
  let at = 0;

  readObject('the header', (name) => {
    if (name === METADATA) {
      readObject(METADATA, (key) => {
        skipSpace();
        const from = at + 1;
        metadata.set(key, readString());
        if (key === 'sha256') digestPlace = { from: bytesBefore(from), to: bytesBefore(at - 1) };
      });
    } else {
      tensors.set(name, readTensor(name));
    }
  });
  skipSpace();
  if (at < text.length) throw unexpected('nothing more');
  return { metadata, digestPlace, tensors };

  function bytesBefore(character: number): number {
    return Buffer.byteLength(text.slice(0, character));
  }

  function readTensor(name: string): TensorEntry {
    const what = `tensor ${quoted(name)}`;
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    readObject(what, (key) => {
      if (key === 'dtype') dtype = readString();
      else if (key === 'shape') shape = readIntegers();
      else if (key === 'data_offsets') offsets = readIntegers();
      else throw damaged(file, `${what} has the unknown key ${quoted(key)}`);
    });
    if (dtype === undefined || shape === undefined || offsets === undefined) {
      throw damaged(file, `${what} lacks dtype, shape or data_offsets`);
    }
    if (offsets.length !== 2) throw damaged(file, `${what} has ${offsets.length} data_offsets where 2 are expected`);
    return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
  }

  function readObject(what: string, readValue: (key: string) => void): void {
    const seen = new Set<string>();
    expect('{');
    if (accept('}')) return;
    do {
      const key = readString();
      if (seen.has(key)) throw damaged(file, `${what} has the key ${quoted(key)} twice`);
      seen.add(key);
      expect(':');
      readValue(key);
    } while (accept(','));
    expect('}');
  }

  function readIntegers(): number[] {
    const integers: number[] = [];
    expect('[');
    if (accept(']')) return integers;
    do {
      skipSpace();
      const from = at;
      while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
      const digits = text.slice(from, at);
      const integer = Number(digits);
      if (digits === '' || (digits.length > 1 && digits.startsWith('0'))) throw unexpected('a whole number');
      if (!Number.isSafeInteger(integer)) throw damaged(file, `the number ${digits.slice(0, 40)} is too large`);
      integers.push(integer);
    } while (accept(','));
    expect(']');
    return integers;
  }

  function readString(): string {
    expect('"');
    const from = at;
    for (; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    const raw = text.slice(from, at);
    if (at >= text.length) throw unexpected('"');
    at++;
    try {
      return JSON.parse(`"${raw}"`);
    } catch {
      throw damaged(file, 'its header has a string that is not JSON');
    }
  }

  function skipSpace(): void {
    while (at < text.length && ' \n\r\t'.includes(text[at]!)) at++;
  }

  function accept(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  }

  function expect(character: string): void {
    if (!accept(character)) throw unexpected(character);
  }

  function unexpected(expected: string): UserError {
    const came = at < text.length ? JSON.stringify(text[at]) : 'its end';
    return damaged(file, `its header has ${came} at character ${at + 1} where ${expected} is expected`);
  }
}

/** Writes a header without padding: the metadata first, then the tensors, each in the order given. */
export function formatHeader(
  metadata: Iterable<readonly [string, string]>,
  tensors: Iterable<readonly [string, TensorEntry]>,
): string {
  const fields = Array.from(metadata, ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const members = [`"${METADATA}":{${fields.join(',')}}`];
  for (const [name, { dtype, shape, begin, end }] of tensors) {
    const info = `{"dtype":${JSON.stringify(dtype)},"shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`;
    members.push(`${JSON.stringify(name)}:${info}`);
  }
  return `{${members.join(',')}}`;
}
