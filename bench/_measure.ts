import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A command that ran: seconds by the clock and of the processor, and its most resident memory in MB. */
export interface Measured {
  readonly wall: number;
  /** Of it and of the processes it waited for; with `peak` NaN where there is no /usr/bin/time of GNU. */
  readonly cpu: number;
  /** Of the largest of its processes. */
  readonly peak: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIME = '/usr/bin/time';

/**
 * Runs a command to its end.
 *
 * @throws {Error} with the end of its stderr, where it fails and may not
 */
export async function measure(
  [command, ...args]: readonly [string, ...string[]],
  {
    env = {},
    discard = false,
    mayFail = false,
  }: { env?: Readonly<Record<string, string>>; discard?: boolean; mayFail?: boolean } = {},
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const usage = join(folder, 'usage');
  const timed = process.platform === 'linux' && existsSync(TIME);
  const [program, ...rest] = timed
    ? [TIME, '-q', '-f', '%U %S %M', '-o', usage, '--', command, ...args]
    : [command, ...args];
  try {
    const begun = performance.now();
    const child = spawn(program!, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', discard ? 'ignore' : 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const status = await new Promise<number | string | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? signal));
    });
    const wall = (performance.now() - begun) / 1000;
    if (status !== 0 && !mayFail)
      throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2000)}`);
    const [user, system, kilobytes] = timed ? readFileSync(usage, 'utf8').trim().split(' ').map(Number) : [];
    return { wall, cpu: (user ?? NaN) + (system ?? NaN), peak: (kilobytes ?? NaN) / 1000, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The median; of an even number of values the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Measures each subject in turn, `repetitions` times over, so that a slower machine slows all alike. */
export async function interleaved<T>(
  repetitions: number,
  subjects: Readonly<Record<string, () => Promise<T>>>,
): Promise<Map<string, T[]>> {
  const found = new Map<string, T[]>(Object.keys(subjects).map((name) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [name, subject] of Object.entries(subjects)) found.get(name)!.push(await subject());
  }
  return found;
}

/** The same of numbers: their medians. */
export async function medians(
  repetitions: number,
  subjects: Readonly<Record<string, () => Promise<number>>>,
): Promise<Map<string, number>> {
  const found = await interleaved(repetitions, subjects);
  return new Map([...found].map(([name, values]) => [name, median(values)]));
}

/** Says what is being measured. */
export function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
