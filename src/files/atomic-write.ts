import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import {
  access,
  constants,
  type FileHandle,
  link,
  lstat,
  open,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { STATUS, UserError } from '../errors.js';
import { bufferedSink, errorCode, outputError, type Sink, streamSink } from './sink.js';

export interface WriteOptions {
  /** Replaces an existing output. */
  readonly force: boolean;
  /** The stream that the path `-` stands for. */
  readonly stdout?: Writable | undefined;
}

/** Temporary files that exist now, for {@link removeTemporaries}. */
const temporaries = new Set<string>();

/**
 * Writes an output whole or not at all: a temporary file in the same folder → fsync → rename → fsync of the folder.
 * On any error, also one thrown by `write`, the temporary is removed and an existing output stays as it was.
 *
 * Without `force` an output that exists is kept, also one that appeared meanwhile. With it, a replaced file keeps its
 * permissions and a symbolic link keeps pointing to its target, which is replaced. Devices and pipes (`/dev/null`, `>(gzip)`) are
 * written directly, and so is `-`, the stream `stdout`.
 *
 * @returns the number of bytes written.
 * @throws UserError 73 where the output exists, its folder is missing or may not be written; 74 where the disk is full
 * or fails. A closed pipe's `EPIPE` comes as it is.
 */
export async function writeFile(
  path: string,
  { force, stdout }: WriteOptions,
  write: (sink: Sink) => Promise<void>,
): Promise<number> {
  if (path === '-') return writeStream(stdout, write);
  const place = await locate(path, force);
  return place.kind === 'device' ? writeDevice(path, write) : writeRegular(path, place, force, write);
}

/**
 * Checks that {@link writeFile} could write to `path`, before hours of work.
 *
 * @throws UserError 73 as {@link writeFile}.
 */
export async function checkOutput(path: string, force: boolean): Promise<void> {
  if (path !== '-') await locate(path, force);
}

/** Removes the temporaries of writes under way: for handlers of signals, which cannot wait. */
export function removeTemporaries(): void {
  for (const temporary of temporaries) {
    try {
      unlinkSync(temporary);
    } catch {
      // Renamed or removed already.
    }
  }
  temporaries.clear();
}

interface Place {
  readonly kind: 'file' | 'device';
  /** The path with symbolic links followed. */
  readonly target: string;
  readonly folder: string;
  /** Permissions of the file to be replaced. */
  readonly mode: number | undefined;
}

/** Finds what stands at `path` and whether its folder takes a file. */
async function locate(path: string, force: boolean): Promise<Place> {
  if (path === '') throw cannotCreate('cannot write an output without a name');
  let target = path;
  let mode: number | undefined;
  try {
    const there = await stat(path);
    if (there.isDirectory()) throw cannotCreate(`cannot write ${path}: it is a folder`);
    if (!there.isFile()) return { kind: 'device', target, folder: dirname(path), mode: undefined };
    target = await realpath(path);
    mode = there.mode & 0o777;
    if (!force) throw exists(path);
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof UserError) throw error;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw creationError(error, path, dirname(path));
    if (!force && (await isThere(path))) throw exists(path); // a symbolic link to nothing
  }
  const folder = dirname(target);
  await checkFolder(path, folder);
  if (/[/\\]$/.test(path)) throw cannotCreate(`cannot write ${path}: it names a folder`);
  return { kind: 'file', target, folder, mode };
}

async function checkFolder(path: string, folder: string): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw cannotCreate(`cannot write ${path}: ${folder} is not a folder`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof UserError ? error : creationError(error, path, folder);
  }
}

async function writeStream(stdout: Writable | undefined, write: (sink: Sink) => Promise<void>): Promise<number> {
  if (stdout === undefined) {
    throw new UserError('this output goes to a file: expected a path, not -', { status: STATUS.usage });
  }
  const sink = streamSink(stdout, 'standard output');
  await write(sink);
  await sink.flush();
  return sink.written();
}

async function writeDevice(path: string, write: (sink: Sink) => Promise<void>): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'w');
  } catch (error) {
    throw creationError(error, path, dirname(path));
  }
  try {
    return await fill(handle, path, write);
  } finally {
    await handle.close();
  }
}

async function writeRegular(
  path: string,
  { target, folder, mode }: Place,
  force: boolean,
  write: (sink: Sink) => Promise<void>,
): Promise<number> {
  const temporary = join(folder, `.thema-${randomBytes(8).toString('hex')}.tmp`);
  temporaries.add(temporary);
  try {
    const written = await writeTemporary(temporary, path, folder, mode, write);
    try {
      if (force) await rename(temporary, target);
      else await moveIfAbsent(temporary, target, path);
    } catch (error) {
      throw error instanceof UserError ? error : publishError(error, path, folder, written);
    }
    await syncFolder(folder, path);
    return written;
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // not there, or no more
    throw error;
  } finally {
    temporaries.delete(temporary);
  }
}

/** Creates and fills the temporary and makes sure that its bytes are on the disk. */
async function writeTemporary(
  temporary: string,
  path: string,
  folder: string,
  mode: number | undefined,
  write: (sink: Sink) => Promise<void>,
): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(temporary, 'wx');
  } catch (error) {
    throw creationError(error, path, folder);
  }
  let written: number;
  try {
    written = await fill(handle, path, write);
  } catch (error) {
    await handle.close().catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  try {
    if (mode !== undefined) await handle.chmod(mode).catch(() => undefined); // some file systems have no permissions
    await sync(handle).finally(() => handle.close());
  } catch (error) {
    throw outputError(error, path, written);
  }
  return written;
}

/** Runs `write` on the open file; a failed chunk stays a failure even where `write` caught its error. */
async function fill(handle: FileHandle, path: string, write: (sink: Sink) => Promise<void>): Promise<number> {
  let failure: { error: unknown } | undefined;
  const sink = bufferedSink(async (bytes) => {
    try {
      if (failure) throw failure.error;
      return (await handle.write(bytes, 0, bytes.length, null)).bytesWritten;
    } catch (error) {
      failure ??= { error: outputError(error, path, sink.written()) };
      throw failure.error;
    }
  });
  await write({ write: sink.write });
  await sink.flush();
  if (failure) throw failure.error;
  return sink.written();
}

/**
 * Renames without replacing. Node has no such rename; a hard link fails where its name is taken, which is the same.
 * File systems without hard links get a look before the rename.
 */
async function moveIfAbsent(temporary: string, target: string, path: string): Promise<void> {
  try {
    await link(temporary, target);
    await unlink(temporary).catch(() => undefined); // the output is there under its own name
  } catch {
    if (await isThere(target)) throw exists(path);
    await rename(temporary, target);
  }
}

/** What fsync answers where a file or folder of this kind cannot be synced. */
const UNSYNCABLE = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EPERM', 'EISDIR', 'EACCES', 'EBADF']);

async function sync(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!UNSYNCABLE.has(errorCode(error) ?? '')) throw error;
  }
}

/** Makes the new name in the folder survive a power loss. */
async function syncFolder(folder: string, path: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await sync(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (UNSYNCABLE.has(code)) return;
    const message = `${path} is written, but may not survive a power loss: the folder could not be synced (${code})`;
    throw new UserError(message, { status: STATUS.io });
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function cannotCreate(message: string, hint?: string): UserError {
  return new UserError(message, { status: STATUS.cannotCreate, hint });
}

function exists(path: string): UserError {
  return cannotCreate(`${path} exists`, '--force replaces it');
}

/** Why a file could not be created in `folder`. */
function creationError(error: unknown, path: string, folder: string): unknown {
  switch (errorCode(error)) {
    case 'ENOENT':
      return cannotCreate(`cannot write ${path}: there is no folder ${folder}`, `mkdir -p ${folder} makes it`);
    case 'ENOTDIR':
      return cannotCreate(`cannot write ${path}: ${folder} is not a folder`);
    case 'EACCES':
    case 'EPERM':
      return cannotCreate(`cannot write ${path}: no permission to write in the folder ${folder}`);
    case 'EROFS':
      return cannotCreate(`cannot write ${path}: the folder ${folder} is on a read-only file system`);
    case 'ENAMETOOLONG':
      return cannotCreate(`cannot write ${path}: the name is too long`);
    case 'ELOOP':
      return cannotCreate(`cannot write ${path}: its symbolic links go round in a circle`);
    case 'ENXIO':
      return cannotCreate(`cannot write ${path}: nothing reads from it`);
    default:
      return outputError(error, path, 0);
  }
}

/** Why a finished temporary could not get the output's name. */
function publishError(error: unknown, path: string, folder: string, written: number): unknown {
  const code = errorCode(error);
  const creation = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENAMETOOLONG';
  return creation ? creationError(error, path, folder) : outputError(error, path, written);
}
