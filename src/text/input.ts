import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { STATUS, UserError } from '../errors.js';

/** Bytes that are read one after another and never held whole. */
export type Bytes = AsyncIterable<Buffer>;

const READ_AT_ONCE = 256 * 1024;

/** The name of an input in messages and ids. */
export function inputName(input: string): string {
  return input === '-' ? 'stdin' : input;
}

/** Whether the input is a folder. @throws {UserError} status 66 if there is no such input */
export async function isFolder(input: string): Promise<boolean> {
  if (input === '-') return false;
  try {
    return (await stat(input)).isDirectory();
  } catch (error) {
    throw fileError(error, input);
  }
}

/** The extension that tells the format, in lower case, without a compression's: `.csv` of `A.CSV.gz`. */
export function formatExtension(input: string): string {
  const name = basename(input).toLowerCase();
  return extname(name.replace(/\.(gz|br)$/, ''));
}

/** The bytes of a file or of stdin (`-`), decompressed: gzip by its first bytes, Brotli, which has no mark, by `.br`. */
export async function* inputBytes(input: string, stdin: NodeJS.ReadableStream): Bytes {
  const name = inputName(input);
  const [start, bytes] = await peeked(input === '-' ? streamBytes(stdin) : fileBytes(input), 2);
  if (start[0] === 0x1f && start[1] === 0x8b) yield* decompressed(bytes, createGunzip(), name, 'gzip');
  else if (/\.gz$/i.test(input))
    throw new UserError(`${name}: named .gz, but does not begin as gzip data does`, {
      hint: 'if it is not compressed, take .gz from its name',
    });
  else if (/\.br$/i.test(input)) yield* decompressed(bytes, createBrotliDecompress(), name, 'Brotli');
  else yield* bytes;
}

async function* fileBytes(path: string): Bytes {
  const stream = createReadStream(path, { highWaterMark: READ_AT_ONCE });
  try {
    yield* stream;
  } catch (error) {
    throw fileError(error, path);
  } finally {
    stream.destroy();
  }
}

async function* streamBytes(stream: NodeJS.ReadableStream): Bytes {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function* decompressed(bytes: Bytes, codec: Transform, name: string, format: string): Bytes {
  // The callback has nothing to do: whatever fails on the way up reaches the loop below through the codec.
  pipeline(Readable.from(bytes, { objectMode: false, highWaterMark: READ_AT_ONCE }), codec, () => {});
  try {
    yield* codec as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const truncated = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
    throw new UserError(
      `${name}: ${truncated ? `the ${format} data ends too early` : `broken ${format} data: ${(error as Error).message}`}`,
      { hint: truncated ? 'the file was cut short: copy or download it again' : undefined },
    );
  } finally {
    codec.destroy();
  }
}

/** At least the first `length` bytes, if there are as many, and all of the bytes. */
export async function peeked(bytes: Bytes, length: number): Promise<[Buffer, Bytes]> {
  const iterator = bytes[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let size = 0;
  let done = false;
  while (size < length && !done) {
    const next = await iterator.next();
    if (next.done) done = true;
    else {
      held.push(next.value);
      size += next.value.length;
    }
  }
  async function* all(): Bytes {
    try {
      while (held.length > 0) yield held.shift()!;
      while (!done) {
        const next = await iterator.next();
        if (next.done) done = true;
        else yield next.value;
      }
    } finally {
      if (!done) await iterator.return?.();
    }
  }
  return [Buffer.concat(held), all()];
}

/** What the user is told of a file that cannot be read. */
export function fileError(error: unknown, path: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const hint = path.includes('\uFFFD') ? 'its name is not UTF-8: rename it' : undefined;
    return new UserError(`${path}: no such file or folder`, { status: STATUS.noInput, hint });
  }
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(`${path}: not allowed to read it`, { status: STATUS.noInput });
  if (code === 'EISDIR') return new UserError(`${path}: is a folder, expected a file`, { status: STATUS.noInput });
  return new UserError(`${path}: cannot be read: ${message}`, { status: STATUS.io });
}
