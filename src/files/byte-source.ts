import { constants, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { STATUS, UserError } from '../errors.js';
import { damaged } from './damaged.js';
import { errorCode, PIECE } from './sink.js';

/** Bytes of a known number, read at any place. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  /** Fills `into` with the bytes from `position` on. */
  read(into: Uint8Array, position: number): Promise<void>;
  /** The same, before it returns: for those who cannot wait. */
  readSync(into: Uint8Array, position: number): void;
}

/**
 * Hands `use` a regular file, open while `use` runs, or bytes in memory.
 *
 * @throws UserError 66 where the file cannot be opened; 74 where the disk fails; 65 where it ends before its size.
 */
export async function withSource<T>(from: string | Uint8Array, use: (source: ByteSource) => Promise<T>): Promise<T> {
  if (typeof from !== 'string') return use(memorySource(from));
  const handle = await openFile(from);
  try {
    const there = await handle.stat();
    if (!there.isFile()) {
      const what = there.isDirectory() ? 'a folder' : 'a pipe or device';
      throw new UserError(`cannot read ${from}: it is ${what}, not a file`, { status: STATUS.noInput });
    }
    return await use(fileSource(handle, from, there.size));
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK a named pipe would wait for its writer before it could be told from a file.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const reason =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `there is no file ${path}`
        : code === 'EACCES' || code === 'EPERM'
          ? `no permission to read ${path}`
          : `cannot read ${path}: the system refuses with ${code}`;
    throw new UserError(reason, { status: STATUS.noInput });
  }
}

function fileSource(handle: FileHandle, name: string, size: number): ByteSource {
  const failed = (error: unknown) =>
    new UserError(`cannot read ${name}: the system reports ${errorCode(error)}`, { status: STATUS.io });
  const ended = (at: number) => damaged(name, `it ends after ${at} of ${size} bytes`);
  return {
    name,
    size,
    async read(into, position) {
      for (let done = 0; done < into.length; ) {
        const length = Math.min(PIECE, into.length - done);
        const { bytesRead } = await handle.read(into, done, length, position + done).catch((error) => {
          throw failed(error);
        });
        if (bytesRead === 0) throw ended(position + done);
        done += bytesRead;
      }
    },
    readSync(into, position) {
      for (let done = 0; done < into.length; ) {
        const length = Math.min(PIECE, into.length - done);
        let bytesRead: number;
        try {
          bytesRead = readSync(handle.fd, into, done, length, position + done);
        } catch (error) {
          throw failed(error);
        }
        if (bytesRead === 0) throw ended(position + done);
        done += bytesRead;
      }
    },
  };
}

function memorySource(bytes: Uint8Array): ByteSource {
  const readSync = (into: Uint8Array, position: number) => into.set(bytes.subarray(position, position + into.length));
  return { name: 'the file', size: bytes.length, read: async (into, position) => readSync(into, position), readSync };
}
