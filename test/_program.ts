import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';

// A test of the program starts it a few times; on a busy machine each start takes a second.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const BINARY = fileURLToPath(new URL('../bin/thema.js', import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program; stdin is `input`, or empty. */
export function run(
  args: readonly string[],
  { input = '', cwd, env = {} }: { input?: string | Uint8Array; cwd?: string; env?: Record<string, string> } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BINARY, ...args], {
    input,
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** Runs the program, which must succeed; its stdout. */
export function output(args: readonly string[], options: Parameters<typeof run>[1] = {}): string {
  const { status, stdout, stderr } = run(args, options);
  if (status !== 0) throw new Error(`thema ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Objects of an NDJSON text. */
// biome-ignore lint/suspicious/noExplicitAny: rows of many reports
export function rows(ndjson: string): any[] {
  return ndjson
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A folder with these files, gone after the test, or after the file's tests with `keep` of `afterAll`. */
export function folder(
  files: Readonly<Record<string, string | Uint8Array>> = {},
  whenDone: (remove: () => void) => void = onTestFinished,
): string {
  const path = mkdtempSync(join(tmpdir(), 'thema-test-'));
  whenDone(() => rmSync(path, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}
