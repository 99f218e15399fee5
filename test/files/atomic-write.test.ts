import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { checkOutput, removeTemporaries, writeFile } from '../../src/files/atomic-write.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thema-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const keep = { force: false };
const force = { force: true };

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error;
}

test('a new output holds every chunk in order, and nothing else is left in the folder', async () => {
  const path = join(folder, 'out');
  const large = new Uint8Array(20_000_000).map((_, i) => i * 7);
  const written = await writeFile(path, keep, async (sink) => {
    await sink.write('Größe ');
    await sink.write(large);
    await sink.write(new Uint8Array([1, 2]));
    for (let i = 0; i < 30_000; i++) await sink.write(`${i}\n`);
  });
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join('');
  const expected = Buffer.concat([Buffer.from('Größe '), large, Buffer.from([1, 2]), Buffer.from(lines)]);
  expect(readFileSync(path).equals(expected)).toBe(true);
  expect(written).toBe(expected.length);
  expect(readdirSync(folder)).toEqual(['out']);
});

test('an existing output is kept without force and replaced with it', async () => {
  const path = join(folder, 'out');
  writeFileSync(path, 'old');
  for (const attempt of [() => writeFile(path, keep, (sink) => sink.write('new')), () => checkOutput(path, false)]) {
    const error = await failure(attempt());
    expect(error.status).toBe(73);
    expect(error.message).toBe(`${path} exists`);
    expect(error.hint).toContain('--force');
  }
  expect(readFileSync(path, 'utf8')).toBe('old');
  await checkOutput(path, true);
  await writeFile(path, force, (sink) => sink.write('new'));
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['out']);
});

test('a file created meanwhile is not lost', async () => {
  const path = join(folder, 'out');
  const error = await failure(
    writeFile(path, keep, async (sink) => {
      await sink.write('mine');
      writeFileSync(path, 'theirs');
    }),
  );
  expect(error.status).toBe(73);
  expect(readFileSync(path, 'utf8')).toBe('theirs');
  expect(readdirSync(folder)).toEqual(['out']);
});

test('an error in the middle leaves the old file and no temporary', async () => {
  const path = join(folder, 'out');
  writeFileSync(path, 'old');
  let during: string[] = [];
  const mistake = new Error('a mistake');
  const promise = writeFile(path, force, async (sink) => {
    await sink.write(new Uint8Array(1_000_000));
    during = readdirSync(folder);
    throw mistake;
  });
  await expect(promise).rejects.toBe(mistake);
  expect(during.filter((name) => /^\.thema-.*\.tmp$/.test(name))).toHaveLength(1);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['out']);
});

test('the old file stays whole until the new one is complete', async () => {
  const path = join(folder, 'out');
  writeFileSync(path, 'old');
  await writeFile(path, force, async (sink) => {
    await sink.write(new Uint8Array(1_000_000));
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
  expect(statSync(path).size).toBe(1_000_000);
});

test('a handler of signals can remove the temporaries of writes under way', async () => {
  const path = join(folder, 'out');
  const promise = writeFile(path, force, async (sink) => {
    await sink.write(new Uint8Array(1_000_000));
    expect(readdirSync(folder)).toHaveLength(1);
    removeTemporaries();
    expect(readdirSync(folder)).toEqual([]);
    throw new Error('interrupted');
  });
  await expect(promise).rejects.toThrow('interrupted');
  removeTemporaries();
});

test('a missing folder is named with status 73', async () => {
  const missing = join(folder, 'no', 'such');
  for (const attempt of [
    () => writeFile(join(missing, 'out'), keep, (sink) => sink.write('x')),
    () => checkOutput(join(missing, 'out'), true),
  ]) {
    const error = await failure(attempt());
    expect(error.status).toBe(73);
    expect(error.message).toContain(`there is no folder ${missing}`);
  }
});

test('a folder, a file used as a folder, and no name at all are refused with status 73', async () => {
  writeFileSync(join(folder, 'file'), '');
  const cases = [
    [folder, 'it is a folder'],
    [join(folder, 'file', 'out'), 'is not a folder'],
    [`${join(folder, 'new')}/`, 'it names a folder'],
    [join(folder, 'x'.repeat(300)), 'the name is too long'],
    ['', 'without a name'],
  ] as const;
  for (const [path, expected] of cases) {
    const error = await failure(writeFile(path, force, (sink) => sink.write('x')));
    expect(error.status).toBe(73);
    expect(error.message).toContain(expected);
  }
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a folder without permission is refused with status 73', async () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  chmodSync(folder, 0o755);
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534); // for the superuser no folder is closed
  try {
    const error = await failure(writeFile(join(closed, 'out'), keep, (sink) => sink.write('x')));
    expect(error.status).toBe(73);
    expect(error.message).toContain('no permission');
  } finally {
    if (root) process.seteuid?.(0);
  }
  expect(readdirSync(closed)).toEqual([]);
});

test('a full disk is status 74 with the path and the bytes written so far', async () => {
  const error = await failure(writeFile('/dev/full', keep, (sink) => sink.write(new Uint8Array(100_000))));
  expect(error.status).toBe(74);
  expect(error.message).toBe('cannot write /dev/full: no space is left on the disk (0 bytes written so far)');
});

test('a write that fails half-way is status 74, keeps the old file and leaves no temporary', () => {
  const path = join(folder, 'out');
  writeFileSync(path, 'old');
  const script = `
    import { writeFile } from ${JSON.stringify(join(import.meta.dirname, '../../src/files/atomic-write.ts'))};
    await writeFile(${JSON.stringify(path)}, { force: true }, async (sink) => {
      try { await sink.write(new Uint8Array(3_000_000)); } catch {} // a caught failure is still one
    });`;
  const result = limited(script);
  expect(result.stderr).toContain('UserError');
  expect(result.stderr).toContain(`cannot write ${path}: the file would be larger than the system allows`);
  expect(result.stderr).toMatch(/\((1048576) bytes written so far\)/);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['out']);
});

/** Runs a script in a process whose files may have 1 MiB: TypeScript is stripped by esbuild, which every Node can run. */
function limited(script: string): { stderr: string } {
  const entry = join(folder, '..', `thema-limited-${process.pid}.mjs`);
  const esbuild = join(import.meta.dirname, '../../node_modules/.bin/esbuild');
  const bundle = spawnSync(esbuild, ['--bundle', '--platform=node', '--format=esm', '--loader=ts'], { input: script });
  expect(bundle.status, String(bundle.stderr)).toBe(0);
  writeFileSync(entry, bundle.stdout);
  try {
    return spawnSync('bash', ['-c', 'ulimit -f 1024; exec "$0" "$1"', process.execPath, entry], { encoding: 'utf8' });
  } finally {
    rmSync(entry);
  }
}

test('a device takes output without force', async () => {
  expect(await writeFile('/dev/null', keep, (sink) => sink.write('x'))).toBe(1);
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('a symbolic link stays, and its target is replaced', async () => {
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'elsewhere', 'target'), 'old');
  symlinkSync(join('elsewhere', 'target'), join(folder, 'link'));
  expect((await failure(writeFile(join(folder, 'link'), keep, (sink) => sink.write('new')))).status).toBe(73);
  await writeFile(join(folder, 'link'), force, (sink) => sink.write('new'));
  expect(readFileSync(join(folder, 'elsewhere', 'target'), 'utf8')).toBe('new');
  expect(readdirSync(folder).toSorted()).toEqual(['elsewhere', 'link']);
});

test('a symbolic link to nothing is an existing output', async () => {
  symlinkSync('nothing', join(folder, 'link'));
  expect((await failure(checkOutput(join(folder, 'link'), false))).status).toBe(73);
  expect(existsSync(join(folder, 'nothing'))).toBe(false);
});

test('a replaced file keeps its permissions', async () => {
  const path = join(folder, 'out');
  writeFileSync(path, 'old');
  chmodSync(path, 0o640);
  await writeFile(path, force, (sink) => sink.write('new'));
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test('a dash writes to the stream and waits for it', async () => {
  const chunks: Buffer[] = [];
  let pending = 0;
  let most = 0;
  const slow = new Writable({
    write(chunk, _encoding, done) {
      most = Math.max(most, ++pending);
      chunks.push(Buffer.from(chunk));
      setTimeout(() => {
        pending--;
        done();
      }, 1);
    },
  });
  const written = await writeFile('-', { force: false, stdout: slow }, async (sink) => {
    await sink.write('a line\n');
    await sink.write(new Uint8Array(200_000));
    await sink.write('the end\n');
  });
  expect(written).toBe(200_015);
  expect(Buffer.concat(chunks).toString()).toBe(`a line\n${'\0'.repeat(200_000)}the end\n`);
  expect(most).toBe(1);
  expect(slow.writableEnded).toBe(false);
});

test('a closed pipe gives its EPIPE to the caller, and a full stream status 74', async () => {
  const failing = (code: string) =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
  const to = (stdout: Writable) => writeFile('-', { force: false, stdout }, (sink) => sink.write('x'));
  await expect(to(failing('EPIPE'))).rejects.toMatchObject({ code: 'EPIPE' });
  const error = await failure(to(failing('ENOSPC')));
  expect(error.status).toBe(74);
  expect(error.message).toContain('standard output');
});

test('a dash without a stream is a mistake of usage', async () => {
  expect((await failure(writeFile('-', keep, (sink) => sink.write('x')))).status).toBe(2);
  await checkOutput('-', false);
});

test('twenty writers without force make one file, whole', async () => {
  const path = join(folder, 'out');
  const writers = Array.from({ length: 20 }, (_, i) =>
    writeFile(path, keep, (sink) => sink.write(String.fromCharCode(97 + i).repeat(100_000))),
  );
  const results = await Promise.allSettled(writers);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(new Set(readFileSync(path, 'utf8')).size).toBe(1);
  expect(readdirSync(folder)).toEqual(['out']);
});
