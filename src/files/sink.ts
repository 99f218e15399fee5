import type { Writable } from 'node:stream';
import { STATUS, UserError } from '../errors.js';

/** Where an output goes. Each `write` is awaited before the next; it resolves when there is room for more. */
export interface Sink {
  write(chunk: Uint8Array | string): Promise<void>;
}

/** A sink that gathers small chunks. `flush` hands on what is gathered; `written` counts bytes that have left. */
export interface BufferedSink extends Sink {
  flush(): Promise<void>;
  written(): number;
}

/** Chunks below this many bytes are gathered, so that a report of many short lines makes few system calls. */
const GATHER = 1 << 16;

/** Larger chunks leave in pieces of this many bytes: one system call moves less than 2 GiB. */
export const PIECE = 1 << 24;

/** Puts a buffer before `writeSome`, which writes a beginning of its argument and returns how many bytes that was. */
export function bufferedSink(writeSome: (bytes: Uint8Array) => Promise<number>): BufferedSink {
  const gathered = Buffer.alloc(GATHER);
  let used = 0;
  let written = 0;

  async function writeAll(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const some = await writeSome(bytes.subarray(from, from + PIECE));
      from += some;
      written += some;
    }
  }

  async function flush(): Promise<void> {
    const ready = gathered.subarray(0, used);
    used = 0;
    await writeAll(ready);
  }

  async function write(chunk: Uint8Array | string): Promise<void> {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (used + bytes.length > GATHER) await flush();
    if (bytes.length >= GATHER) return writeAll(bytes);
    gathered.set(bytes, used);
    used += bytes.length;
  }

  return { write, flush, written: () => written };
}

/**
 * A sink that writes to a stream, one piece at a time.
 *
 * The stream's `error` event gets a listener that does nothing, since the error also rejects the `write` it belongs to:
 * as it came where the reader has gone (`EPIPE`), as {@link outputError} has it otherwise.
 */
export function streamSink(stream: Writable, name: string): BufferedSink {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  const sink = bufferedSink(
    (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          if (error) reject(outputError(error, name, sink.written()));
          else resolve(bytes.length);
        });
      }),
  );
  return sink;
}

function ignore(): void {}

/** What the system's error codes mean to the person whose output they stopped. */
const DISK = new Map([
  ['ENOSPC', 'no space is left on the disk'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be larger than the system allows'],
  ['EIO', 'the disk reports an input/output error'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
]);

/**
 * A system's error while writing, as a sentence with the path and the bytes written so far (status 74).
 * A closed pipe and an error that is not the system's come back as they are.
 */
export function outputError(error: unknown, path: string, written: number): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof UserError || code === 'EPIPE' || code.startsWith('ERR_')) return error;
  const reason = DISK.get(code) ?? `the system refuses with ${code}`;
  return new UserError(`cannot write ${path}: ${reason} (${written} bytes written so far)`, { status: STATUS.io });
}

/** The system's name of an error (`ENOENT`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
