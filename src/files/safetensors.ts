/**
 * The safetensors format, and what thema adds to it.
 *
 *     8 bytes    n, the length of the header: little-endian, at most 100,000,000
 *     n bytes    the header: JSON, then spaces up to a multiple of 8
 *     the rest   the tensors' elements, little-endian, row after row, without holes
 *
 * The header maps each tensor's name to its type, shape and bytes; `__metadata__` maps strings to strings. Thema's files have
 *
 *     sha256         SHA-256 of the whole file with these 64 digits as ASCII zeros; lower case
 *     thema.kind     model or corpus
 *     thema.format   1
 *
 * as its first three keys. No time stamp: the same input makes the same bytes.
 *
 * @see https://github.com/huggingface/safetensors
 */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { STATUS, UserError } from '../errors.js';
import { type ByteSource, withSource } from './byte-source.js';
import { damaged, quoted } from './damaged.js';
import { formatHeader, type Header, METADATA, parseHeader, type TensorEntry } from './safetensors-header.js';
import { PIECE, type Sink } from './sink.js';

/** The element types that thema's files use. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  U8: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;
export type TensorData = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;

/** An array with a name. `data` has as many elements as `shape` multiplies to, row-major. */
export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
  /** Of a matrix to be written: `data` has column after column. */
  readonly byColumn?: boolean | undefined;
}

export type FileKind = 'model' | 'corpus';

export interface Safetensors {
  /** What messages call the file. */
  readonly name: string;
  readonly kind: FileKind;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** All of `__metadata__`, thema's three keys included. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The version of thema's files that this program writes and reads. */
export const FORMAT = 1;

/** The format's own limit on its header, in bytes. */
const LONGEST_HEADER = 100_000_000;

const ZEROS = '0'.repeat(64);

/** The tensor of a typed array. */
export function tensor(name: string, data: TensorData, shape: readonly number[] = [data.length]): Tensor {
  const dtype = (Object.keys(ARRAYS) as Dtype[]).find((type) => data instanceof ARRAYS[type])!;
  return { name, dtype, shape, data };
}

/**
 * Writes tensors in the order given, but larger elements before smaller ones, so that each array starts at a multiple of its
 * element's size. The arrays are read twice, for the checksum and to be written: they must not change meanwhile.
 *
 * @throws Error where names, types, shapes and lengths do not fit each other: the caller's mistake.
 */
export async function writeSafetensors(
  sink: Sink,
  kind: FileKind,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  requireLittleEndian();
  const inOrder = tensors.toSorted((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries = layOut(inOrder);
  const own = { 'thema.kind': kind, 'thema.format': String(FORMAT) };
  for (const key of ['sha256', ...Object.keys(own)]) {
    if (Object.hasOwn(metadata, key)) throw new Error(`the metadata key ${key} is taken`);
  }
  const header = (sha256: string) =>
    encodeHeader(formatHeader(Object.entries({ sha256, ...own, ...metadata }), entries));

  const hash = createHash('sha256').update(header(ZEROS));
  for (const tensor of inOrder) for (const piece of inRows(tensor)) hash.update(piece);
  await sink.write(header(hash.digest('hex')));
  for (const tensor of inOrder) for (const piece of inRows(tensor)) await sink.write(piece);
}

/** Gives each tensor its bytes, one after another. */
function layOut(tensors: readonly Tensor[]): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  let end = 0;
  for (const { name, dtype, shape, data } of tensors) {
    if (entries.has(name) || name === METADATA) throw new Error(`the tensor name ${name} is taken`);
    if (!(data instanceof ARRAYS[dtype])) throw new Error(`tensor ${name} is not of type ${dtype}`);
    if (elements(shape) !== data.length) throw new Error(`tensor ${name} has ${data.length} elements, not [${shape}]`);
    const begin = end;
    end += data.byteLength;
    entries.set(name, { dtype, shape, begin, end });
  }
  return entries;
}

/** The header with its length before it and spaces after it. */
function encodeHeader(json: string): Buffer {
  const bytes = Buffer.byteLength(json);
  const length = Math.ceil(bytes / 8) * 8;
  if (length > LONGEST_HEADER) throw new Error(`the header would have ${length} bytes, more than safetensors allows`);
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.write(json, 8);
  return header;
}

/**
 * Reads a file of thema's, or the bytes of one. The checksum is verified before anything is returned.
 *
 * @throws UserError 66 where there is no such file; 65 where it is not one of thema's, not of the `kind` expected, of a newer
 * version or damaged.
 */
export async function readSafetensors(from: string | Uint8Array, kind?: FileKind): Promise<Safetensors> {
  requireLittleEndian();
  return withSource(from, async (source) => {
    const { entries, begin, checksum, ...about } = await readAbout(source, kind);
    const tensors = new Map<string, Tensor>();
    for (const [name, { dtype, shape }] of entries) {
      tensors.set(name, { name, dtype, shape, data: allocate(dtype, elements(shape), about.name) });
    }
    let at = begin;
    for (const { data } of tensors.values()) {
      for (const piece of pieces(data)) {
        await source.read(piece, at);
        checksum.update(piece);
        at += piece.length;
      }
    }
    checksum.verify();
    return { ...about, tensors };
  });
}

/** A file of thema's whose tensors are read when they are needed. */
export interface OpenSafetensors extends Omit<Safetensors, 'tensors'> {
  /** Bytes of the file. */
  readonly size: number;
  has(tensor: string): boolean;
  /** The file as if these were its only tensors; a name that it does not have is left out. */
  load(names: readonly string[]): Safetensors;
  /** The number of elements of a U32 tensor of one dimension that the file must have. */
  lengthOf(tensor: string): number;
  /** Its elements [from, to). */
  slice(tensor: string, from: number, to: number): Uint32Array;
}

/**
 * Hands `use` a file of thema's, open while `use` runs. The checksum is verified before, a piece at a time, so that memory
 * does not grow with the file.
 *
 * @throws UserError as {@link readSafetensors}
 */
export async function withSafetensors<T>(
  path: string | Uint8Array,
  kind: FileKind,
  use: (file: OpenSafetensors) => Promise<T>,
): Promise<T> {
  requireLittleEndian();
  return withSource(path, async (source) => {
    const { entries, begin, checksum, ...about } = await readAbout(source, kind);
    const buffer = new Uint8Array(PIECE);
    for (let at = begin; at < source.size; at += PIECE) {
      const piece = buffer.subarray(0, Math.min(PIECE, source.size - at));
      await source.read(piece, at);
      checksum.update(piece);
    }
    checksum.verify();
    const found = new Map(entries);
    const read = (name: string, from: number, length: number): Tensor => {
      const { dtype, shape, begin: place } = found.get(name)!;
      const data = allocate(dtype, length, about.name);
      let at = begin + place + from * data.BYTES_PER_ELEMENT;
      for (const piece of pieces(data)) {
        source.readSync(piece, at);
        at += piece.length;
      }
      return { name, dtype, shape, data };
    };
    const load = (names: readonly string[]): Safetensors => {
      const there = names.filter((name) => found.has(name));
      const tensors = new Map(there.map((name) => [name, read(name, 0, elements(found.get(name)!.shape))]));
      return { ...about, tensors };
    };
    return use({
      ...about,
      size: source.size,
      has: (name) => found.has(name),
      load,
      lengthOf: (name) => lengthOfVector(about.name, name, found.get(name), 'U32'),
      slice: (name, from, to) => read(name, from, to - from).data as Uint32Array,
    });
  });
}

/** What a file says before its data: checked, but for the checksum, which is still to be fed the data. */
async function readAbout(source: ByteSource, expected: FileKind | undefined) {
  const { name } = source;
  const bytes = await readHeader(source);
  const header = parseHeader(decodeUtf8(bytes.subarray(8), name), name);
  const kind = checkIdentity(header, name, expected);
  const entries = checkLayout(header, source.size - bytes.length, name);
  const digest = blankDigest(bytes, header, name);
  const hash = createHash('sha256').update(bytes);
  const checksum = {
    update(piece: Uint8Array): void {
      hash.update(piece);
    },
    verify(): void {
      if (hash.digest('hex') !== digest) throw damaged(name, 'its checksum does not match');
    },
  };
  return { name, kind, metadata: header.metadata, entries, begin: bytes.length, checksum };
}

/** The elements of a tensor of one dimension that a file must have. */
export function vectorOf<D extends Dtype>(
  { name, tensors }: Safetensors,
  tensorName: string,
  dtype: D,
): InstanceType<(typeof ARRAYS)[D]> {
  const found = tensors.get(tensorName);
  lengthOfVector(name, tensorName, found, dtype);
  return found!.data as InstanceType<(typeof ARRAYS)[D]>;
}

/** The number of elements of a tensor of one dimension that the file `file` must have. */
function lengthOfVector(
  file: string,
  name: string,
  found: { readonly dtype: Dtype; readonly shape: readonly number[] } | undefined,
  dtype: Dtype,
): number {
  if (found === undefined) throw damaged(file, `it has no tensor ${quoted(name)}`);
  if (found.dtype !== dtype || found.shape.length !== 1) {
    const came = `${found.dtype} of ${found.shape.length} dimensions`;
    throw damaged(file, `tensor ${quoted(name)} is ${came} where ${dtype} of 1 dimension is expected`);
  }
  return found.shape[0]!;
}

/** The value of a metadata key that a file must have. */
export function metadataOf({ name, metadata }: Pick<Safetensors, 'name' | 'metadata'>, key: string): string {
  const value = metadata.get(key);
  if (value === undefined) throw damaged(name, `its metadata has no ${quoted(key)}`);
  return value;
}

/**
 * Says whether a file is a model or a corpus of thema's by its first bytes, without reading or checking the rest.
 * A file that cannot be read, a folder and a pipe are neither.
 */
export async function kindOf(path: string): Promise<FileKind | undefined> {
  try {
    // Opening a pipe would wait for its writer, and take what it writes from the reader.
    if (!(await stat(path)).isFile()) return undefined;
  } catch {
    return undefined;
  }
  try {
    return await withSource(path, async (source) => {
      const bytes = new Uint8Array(Math.min(source.size, 4096));
      await source.read(bytes, 0);
      if (!looksLikeSafetensors(bytes)) return undefined;
      const match = /"thema\.kind":"(model|corpus)"/.exec(Buffer.from(bytes).toString('latin1'));
      return match?.[1] as FileKind | undefined;
    });
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A length that may be, and a JSON object after it. */
function looksLikeSafetensors(start: Uint8Array): boolean {
  return start.length > 8 && start[8] === 0x7b && headerLength(start) <= LONGEST_HEADER;
}

function headerLength(start: Uint8Array): number {
  return Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
}

/** Reads the header with the 8 bytes before it. */
async function readHeader(source: ByteSource): Promise<Uint8Array> {
  const { name, size } = source;
  const start = new Uint8Array(Math.min(size, 9));
  await source.read(start, 0);
  if (start.length < 9 || start[8] !== 0x7b) throw new UserError(`${name} is not a thema file`);
  const length = headerLength(start);
  if (length > LONGEST_HEADER) {
    throw damaged(name, `its header claims ${length} bytes where at most ${LONGEST_HEADER} are allowed`);
  }
  if (length > size - 8) throw damaged(name, `its header claims ${length} bytes, but only ${size - 8} follow`);
  const bytes = new Uint8Array(8 + length);
  await source.read(bytes, 0);
  return bytes;
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(name, 'its header is not UTF-8');
  }
}

/** Checks that the file is thema's, of a version this program knows and of the kind expected. */
function checkIdentity({ metadata }: Header, name: string, expected: FileKind | undefined): FileKind {
  const kind = metadata.get('thema.kind');
  const format = metadata.get('thema.format');
  if (kind === undefined && format === undefined) {
    throw new UserError(`${name} is a safetensors file, but thema did not write it: its metadata has no thema.kind`);
  }
  if (format === undefined || !/^[1-9][0-9]{0,8}$/.test(format)) {
    throw damaged(name, `its thema.format is ${format === undefined ? 'missing' : quoted(format)}`);
  }
  if (Number(format) > FORMAT) {
    throw new UserError(`${name} was written by a newer thema (format ${format}; this one reads ${FORMAT})`, {
      hint: 'update thema',
    });
  }
  if (kind !== 'model' && kind !== 'corpus') {
    throw damaged(name, `its thema.kind is ${kind === undefined ? 'missing' : quoted(kind)}`);
  }
  if (expected !== undefined && kind !== expected) {
    throw new UserError(`${name} is a ${kind} file; a ${expected} file is expected`);
  }
  return kind;
}

type CheckedEntry = TensorEntry & { readonly dtype: Dtype };

/** Checks that the tensors cover the `size` bytes after the header exactly; returns them in the data's order. */
function checkLayout({ tensors }: Header, size: number, name: string): [string, CheckedEntry][] {
  const entries = [...tensors].toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  let before = '';
  for (const [entryName, { dtype, shape, begin, end }] of entries) {
    const what = `tensor ${quoted(entryName)}`;
    if (!Object.hasOwn(ARRAYS, dtype)) throw damaged(name, `${what} has the type ${quoted(dtype)}, unknown to thema`);
    if (end < begin) throw damaged(name, `${what} ends before it begins`);
    if (begin < at) throw damaged(name, `${what} overlaps tensor ${quoted(before)}`);
    if (begin > at) throw damaged(name, `${begin - at} bytes before ${what} belong to no tensor`);
    const expected = elements(shape) * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT;
    if (!Number.isSafeInteger(expected)) throw damaged(name, `the shape of ${what} is too large`);
    if (expected !== end - begin) {
      throw damaged(name, `${what} has ${end - begin} bytes where its shape needs ${expected}`);
    }
    at = end;
    before = entryName;
  }
  if (at > size) throw damaged(name, `it ends after ${size} of ${at} bytes of data`);
  if (at < size) throw damaged(name, `${size - at} bytes follow its last tensor`);
  return entries as [string, CheckedEntry][];
}

/** The product of a shape; not a safe integer where it overflows on the way. */
function elements(shape: readonly number[]): number {
  if (shape.includes(0)) return shape.every(Number.isSafeInteger) ? 0 : Number.NaN;
  let product = 1;
  for (const length of shape) {
    product *= length;
    if (!Number.isSafeInteger(product)) return Number.NaN;
  }
  return product;
}

function allocate(dtype: Dtype, length: number, name: string): TensorData {
  try {
    return new ARRAYS[dtype](length);
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`${name} needs more memory than there is: ${error.message}`);
    throw error;
  }
}

/** Replaces the digest in the header's bytes with zeros; returns it. */
function blankDigest(bytes: Uint8Array, { digestPlace }: Header, name: string): string {
  if (digestPlace === undefined) throw damaged(name, 'it has no checksum');
  const place = bytes.subarray(8 + digestPlace.from, 8 + digestPlace.to);
  const digest = Buffer.from(place).toString('latin1');
  if (!/^[0-9a-f]{64}$/.test(digest)) throw damaged(name, 'its checksum is not 64 lower-case hexadecimal digits');
  place.fill(0x30);
  return digest;
}

/** The bytes of an array, some at a time: no copy. */
function* pieces(data: TensorData): Generator<Uint8Array> {
  for (let from = 0; from < data.byteLength; from += PIECE) {
    yield new Uint8Array(data.buffer, data.byteOffset + from, Math.min(PIECE, data.byteLength - from));
  }
}

/** Rows that are gathered at once from columns: a cache line of eight numbers. */
const GATHERED = 8;

/** The bytes of a tensor as a file has them, some at a time; each piece is good until the next. */
function* inRows({ shape, data, byColumn }: Tensor): Generator<Uint8Array> {
  if (!byColumn) {
    yield* pieces(data);
    return;
  }
  const [rows, columns] = shape as [number, number];
  const gathered = data.slice(0, GATHERED * columns);
  for (let from = 0; from < rows; from += GATHERED) {
    const count = Math.min(GATHERED, rows - from);
    for (let c = 0; c < columns; c++)
      for (let r = 0; r < count; r++) gathered[r * columns + c] = data[c * rows + from + r]!;
    yield* pieces(gathered.subarray(0, count * columns));
  }
}

function requireLittleEndian(): void {
  if (endianness() !== 'LE') {
    throw new UserError('this machine is big-endian, which thema does not support', { status: STATUS.io });
  }
}
