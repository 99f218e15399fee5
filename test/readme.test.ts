import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STATUS } from '../src/errors.js';
import { MODELS } from '../src/models/index.js';

/** `UPDATE_README=1 npx vitest run --testTimeout=60000 test/readme.test.ts` writes into the README what the commands print. */
const isUpdate = process.env['UPDATE_README'] === '1';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = join(root, 'README.md');
const readme = readFileSync(path, 'utf8');

/** A line of shown output that stands for any number of lines. */
const GAP = '…';

/** Options that change what a model adds to files and reports. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  lda: ['', '--inference vb --beta point', '--inference map'],
  mixture: ['', '--inference em'],
  gmm: ['', '--columns x,y', '--columns x,y --inference vb'],
  hmm: ['', '--inference vb'],
  vae: ['', '--decoder mixture'],
};

/** Lines of the README that show what a command prints, and the lines it printed. */
interface Shown {
  readonly command: string;
  readonly from: number;
  readonly to: number;
  printed?: string[];
}

const examples = exampleCommands(readme.split('\n'));
const picture = pictureOfStart(readme.split('\n'));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thema-readme-'));
  mkdirSync(join(folder, '.bin'));
  symlinkSync(join(root, 'bin', 'thema.js'), join(folder, '.bin', 'thema'));
  cpSync(join(root, 'corpora'), join(folder, 'corpora'), { recursive: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  if (isUpdate) writeFileSync(path, withPrinted(readme.split('\n'), [picture, ...examples]).join('\n'));
});

describe('the examples run and print what the README shows', () => {
  test.each(examples.map((example) => [example.command, example] as const))('%s', { timeout: 120_000 }, (_, example) =>
    check(example),
  );

  test('the picture is what npm start prints', { timeout: 300_000 }, () => check(picture));

  test('there are examples of every command', () => {
    const used = examples.flatMap(({ command }) => [...command.matchAll(/\bthema (\w+)/g)].map(([, name]) => name));
    expect(used).toEqual(expect.arrayContaining(commands()));
  });
});

describe('nothing is missing from the README, and nothing in it is made up', () => {
  test('commands', () => {
    expect(commands().filter((command) => !readme.includes(`\n| \`${command}\` |`))).toEqual([]);
    const named = [...readme.matchAll(/\bthema ([a-z]+)\b(?=[^\n]*`)/g)].map(([, command]) => command!);
    expect(named.filter((command) => !commands().includes(command))).toEqual([]);
  });

  test('flags', { timeout: 60_000 }, () => {
    const inHelp = new Set(['--version', '-V']);
    for (const command of commands()) {
      for (const [, short, long] of run(`thema ${command} --help`).output.matchAll(/^ +(?:(-\w), )?(--[a-z-]+)/gm)) {
        inHelp.add(long!);
        if (short !== undefined) inHelp.add(short);
      }
    }
    const ours = readme.replace(/^```(bash|python)\n[\s\S]*?^```/gm, '');
    expect([...inHelp].filter((flag) => !new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(ours))).toEqual([]);
    const inReadme = [...ours.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
    // --help shows an option that is on by its --no- form
    const isKnown = (flag: string) => inHelp.has(flag) || inHelp.has(flag.replace('--', '--no-'));
    expect(inReadme.filter((flag) => !isKnown(flag))).toEqual([]);
  });

  test('fields of JSON reports', { timeout: 60_000 }, () => {
    const reports = [
      'topics tour.safetensors',
      'documents tour.safetensors',
      'infer tour.safetensors corpora/tour.txt',
      'infer addresses.safetensors --segments corpora/tour.txt',
      'perplexity tour.safetensors corpora/tour.txt',
      'elbo tour.safetensors',
      'inspect tour.safetensors',
      'inspect tour-corpus.safetensors',
    ];
    const fields = reports.flatMap((report) => fieldsOf(jsonOf(report)));
    expect(undocumented(fields)).toEqual([]);
  });

  test('arrays and metadata of files', () => {
    const names = ['tour.safetensors', 'tour-corpus.safetensors', 'points.safetensors'].flatMap((file) => {
      const { __metadata__, ...tensors } = headerOf(file);
      return [...Object.keys(__metadata__), ...Object.keys(tensors)];
    });
    expect(undocumented(names)).toEqual([]);
  });

  test.each(
    Object.keys(MODELS).flatMap((model) => (VARIANTS[model] ?? ['']).map((options) => [model, options] as const)),
  )('arrays, columns of the trace and facts of topics: %s %s', { timeout: 60_000 }, (model, options) => {
    const input = options.includes('--columns') ? 'points.csv' : 'corpora/tour.txt';
    const fit = `thema fit ${input} --model ${model} ${options} -k 2 --iterations 2 -o any.safetensors --force --quiet`;
    expect(run(fit)).toEqual({ status: 0, output: '' });
    const { __metadata__, ...tensors } = headerOf('any.safetensors');
    const { trace } = JSON.parse(__metadata__['thema.record']!) as { trace: readonly object[] };
    const facts = jsonOf('topics any.safetensors');
    expect(trace.length).toBeGreaterThan(0);
    expect(undocumented([...Object.keys(tensors), ...trace.flatMap(Object.keys), ...fieldsOf(facts)])).toEqual([]);
  });

  test('exit statuses', () => {
    expect(Object.values(STATUS).filter((status) => !readme.includes(`\n| ${status} |`))).toEqual([]);
  });
});

/** The commands of the `sh` blocks; a line that begins with a dollar is one, the lines under it are its output. */
function exampleCommands(lines: readonly string[]): Shown[] {
  const found: Shown[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```sh') continue;
    const end = lines.indexOf('```', at);
    let command: string | undefined;
    let from = at;
    for (at++; at <= end; at++) {
      if (at < end && !lines[at]!.startsWith('$ ')) continue;
      if (command !== undefined) found.push({ command, from, to: at });
      command = lines[at]!.slice(2);
      from = at + 1;
    }
  }
  return found;
}

/** The first `text` block, and what `npm start` runs. */
function pictureOfStart(lines: readonly string[]): Shown {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const from = lines.indexOf('```text') + 1;
  return {
    command: `${scripts.start.replace(/^node bin\/thema\.js/, 'thema')} --quiet`,
    from,
    to: lines.indexOf('```', from),
  };
}

function check(example: Shown): void {
  const { status, output } = run(example.command);
  expect({ status, output }).toMatchObject({ status: 0 });
  example.printed = output.split('\n').slice(0, -1);
  if (isUpdate) return;
  const shown = readme.split('\n').slice(example.from, example.to);
  while (shown.at(-1) === '') shown.pop();
  const gap = shown.indexOf(GAP);
  const tail = gap < 0 ? 0 : shown.length - gap - 1;
  const seen = gap < 0 ? example.printed : [...example.printed.slice(0, gap), GAP, ...lastOf(example.printed, tail)];
  if (shown.length > 0) expect(seen).toEqual(shown);
}

/** The README with what was printed in place of what was shown; a gap keeps the number of lines around it. */
function withPrinted(lines: readonly string[], all: readonly Shown[]): string[] {
  const result = [...lines];
  for (const { from, to, printed } of [...all].sort((a, b) => b.from - a.from)) {
    const shown = lines.slice(from, to);
    const blank = shown.length > 0 && shown.at(-1) === '' ? [''] : [];
    const content = shown.slice(0, shown.length - blank.length);
    if (printed === undefined || content.length === 0) continue;
    const gap = content.indexOf(GAP);
    const now = gap < 0 ? printed : [...printed.slice(0, gap), GAP, ...lastOf(printed, content.length - gap - 1)];
    result.splice(from, to - from, ...now, ...blank);
  }
  return result;
}

function lastOf(lines: readonly string[], count: number): readonly string[] {
  return lines.slice(lines.length - count);
}

function commands(): string[] {
  const { output } = run('thema --help');
  return [...output.slice(output.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
}

/** Runs a line of shell in the folder with the corpora; stdout and stderr come together, as on a terminal. */
function run(command: string): { status: number | null; output: string } {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(THEMA_|FORCE_COLOR|NO_COLOR|NODE_OPTIONS)/.test(name)),
  );
  env['PATH'] = `${join(folder, '.bin')}${delimiter}${process.env['PATH']}`;
  const { status, stdout } = spawnSync('sh', ['-c', `exec 2>&1 < /dev/null; ${command}`], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, output: stdout };
}

function jsonOf(report: string): unknown {
  return JSON.parse(run(`thema ${report} --json`).output);
}

/** The header of a safetensors file in the folder. */
function headerOf(file: string): { readonly __metadata__: Readonly<Record<string, string>> } {
  const bytes = readFileSync(join(folder, file));
  return JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
}

/** The names that the README does not have as code. */
function undocumented(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => !readme.includes(`\`${name}\``));
}

/** Names of all fields, but not of those that hold options by their names. */
function fieldsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  return Object.entries(value).flatMap(([name, inner]) => [
    name,
    ...(name === 'settings' || name === 'dropped' ? [] : fieldsOf(inner)),
  ]);
}
