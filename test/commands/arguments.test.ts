import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { folder, output, run } from '../_program.js';

const COMMANDS = ['import', 'fit', 'topics', 'documents', 'infer', 'perplexity', 'elbo', 'inspect', 'generate'];
const TEXT = 'river bank water\nriver water fish\nmoney bank loan\n';
const cwd = folder({ 'a.txt': TEXT, '-x.txt': TEXT }, afterAll);
const FIT = ['fit', 'a.txt', '-k', '2', '--iterations', '1', '-o', '-'];

/** K of the model that a fit writes to stdout. */
function fittedTopics(args: readonly string[], env: Record<string, string> = {}, where = cwd): number {
  const header = output(['fit', 'a.txt', '--iterations', '1', '-q', '-o', '-', ...args], { cwd: where, env });
  return Number(/"share":\{"dtype":"F64","shape":\[(\d+)\]/.exec(header)![1]);
}

test.each(COMMANDS)('%s --help begins with examples, fits 100 columns and goes to stdout', (command) => {
  const { status, stdout, stderr } = run([command, '--help']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^thema ${command} .*\n\nExamples:\n  .*thema ${command} `));
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  expect(run(['help', command]).stdout).toBe(stdout);
});

test('the overview lists every command; without a command it is an error', () => {
  const { status, stdout, stderr } = run([]);
  expect([status, stdout]).toEqual([2, '']);
  for (const command of COMMANDS) expect(stderr).toContain(`\n  ${command} `);
  expect(run(['--help'])).toEqual({ status: 0, stdout: stderr, stderr: '' });
  expect(output(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each<[args: string, stderr: RegExp]>([
  ['fti', /there is no command "fti"\nhint: did you mean fit\?/],
  ['--debug fit', /got --debug before a command/],
  ['fit a.txt --topicz 4', /fit has no option --topicz\nhint: did you mean --topics\?/],
  ['fit a.txt --no-proportion', /did you mean --no-proportions\?/],
  ['fit a.txt --beta pont', /--beta: got "pont", expected one of dirichlet, point\nhint: did you mean point\?/],
  ['fit a.txt -z', /fit has no option -z\nhint: thema fit --help/],
  ['fit a.txt --constructor x', /fit has no option --constructor/],
  ['fit a.txt --__proto__ x', /fit has no option --__proto__/],
  ['fit a.txt -k abc', /--topics: got "abc", expected a whole number of at least 1/],
  ['fit a.txt -k', /a value is missing after -k/],
  ['fit a.txt --tolerance=', /--tolerance: got "", expected a number of at least 0/],
  ['fit a.txt --tolerance -1', /--tolerance: got "-1", expected a number of at least 0/],
  ['fit a.txt --seed 9007199254740993', /--seed: got "9007199254740993", expected a whole number/],
  ['fit a.txt --proportions=maybe', /--proportions: got "maybe", expected true or false/],
  ['fit', /fit: got no INPUTS, expected at least one, or - for stdin/],
  ['topics', /topics: got no MODEL, expected a file/],
  ['topics a b', /topics: got "b", expected no further operand/],
  ['import a.txt', /import: -o is missing/],
])('thema %s is a usage error', (args, stderr) => {
  const ran = run(args.split(' '), { cwd });
  expect(ran.stderr).toMatch(stderr);
  expect([ran.status, ran.stdout]).toEqual([2, '']);
});

test('the message is the same in every locale', () => {
  expect(run(['fit', '-k'], { env: { LC_ALL: 'de_DE.UTF-8' } }).stderr).toContain('a value is missing after -k');
});

describe('of several settings', () => {
  test('the later flag wins', () => {
    expect(fittedTopics(['-k', '5', '-k', '3'])).toBe(3);
    expect(fittedTopics(['-k5', '--topics=4'])).toBe(4);
    const keeps = (...flags: string[]) => output([...FIT, '-q', ...flags], { cwd }).includes('"gamma"');
    expect(keeps('--proportions', '--no-proportions')).toBe(false);
    expect(keeps('--no-proportions', '--proportions')).toBe(true);
  });

  test('flags go over variables, variables over thema.json', () => {
    const project = folder({ 'a.txt': TEXT, 'thema.json': '{"topics": 3, "terms": 5}' });
    expect(fittedTopics([], {}, project)).toBe(3);
    expect(fittedTopics([], { THEMA_TOPICS: '4' }, project)).toBe(4);
    expect(fittedTopics(['-k', '2'], { THEMA_TOPICS: '4' }, project)).toBe(2);
  });

  test.each([
    ['{"topicz": 3}', 'thema.json: no command has an option "topicz"\nhint: did you mean topics?'],
    ['{"topics": 3,\n x}', 'thema.json:2:2: is not JSON from here on'],
    ['{"topics": null}', 'thema.json: topics: got null, expected'],
    ['{"topics": "x"}', 'thema.json: topics: got "x", expected a whole number'],
    ['[]', 'thema.json: expected an object of options'],
  ])('thema.json %s is refused', (text, message) => {
    const { status, stderr } = run(['fit', 'a.txt'], { cwd: folder({ 'a.txt': TEXT, 'thema.json': text }) });
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  test('a variable is checked and named', () => {
    const { status, stderr } = run(['fit', 'a.txt'], { cwd, env: { THEMA_TOPICS: 'x' } });
    expect([status, stderr]).toEqual([2, expect.stringContaining('THEMA_TOPICS: got "x"')]);
  });
});

test('- is stdin, and -- ends the options', () => {
  const fromFile = output(['fit', 'a.txt', '-k', '2', '-q'], { cwd });
  expect(output(['fit', '-', '-k', '2', '-q'], { input: TEXT })).toBe(fromFile);
  expect(output(['fit', '-k', '2', '-q', '--', '-x.txt'], { cwd })).toBe(fromFile);
  const ndjson = TEXT.trimEnd()
    .split('\n')
    .map((text) => `${JSON.stringify({ text })}\n`);
  expect(output(['fit', '-', '-k', '2', '-q'], { input: ndjson.join('') })).toBe(fromFile);
});

test('--progress json writes events, none and --quiet nothing but their due', () => {
  const events = run(['fit', 'a.txt', '-k', '2', '--progress', 'json'], { cwd }).stderr.trimEnd().split('\n');
  const names = events.map((line) => JSON.parse(line).event);
  expect(new Set(names)).toEqual(new Set(['begin', 'update', 'end', 'message']));
  expect(run(['fit', 'a.txt', '-k', '2', '--progress', 'plain'], { cwd }).stderr).toContain('fit…\n');
  expect(run(['fit', 'a.txt', '-k', '2', '--progress', 'none'], { cwd }).stderr).not.toContain('fit…');
  expect(run(['fit', 'a.txt', '-k', '2', '-q'], { cwd }).stderr).toBe('');
});

test('a reader that has gone is success', () => {
  const binary = fileURLToPath(new URL('../../bin/thema.js', import.meta.url));
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `"${process.execPath}" "${binary}" generate -q | head -c 20; echo " \${PIPESTATUS[0]}"`],
    { encoding: 'utf8' },
  );
  expect(stdout).toMatch(/ 0\n$/);
  expect(stderr).toBe('');
});

test('colours are for terminals, and for FORCE_COLOR', () => {
  const topics = (env: Record<string, string>) => output(['fit', 'a.txt', '-k', '2', '-q'], { cwd, env });
  expect(topics({})).not.toContain('\u001b');
  expect(topics({ FORCE_COLOR: '1' })).toContain('\u001b[1m');
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s leaves nothing half-written', async (signal) => {
  const { spawn } = await import('node:child_process');
  const { readdirSync } = await import('node:fs');
  const where = folder();
  const binary = fileURLToPath(new URL('../../bin/thema.js', import.meta.url));
  const child = spawn(process.execPath, [binary, 'generate', '-d', '5000000', '-q', '-o', 'g.ndjson'], { cwd: where });
  await expect.poll(() => readdirSync(where).length, { timeout: 20_000 }).toBe(1);
  child.kill(signal);
  const ended = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  expect(ended).toBe(signal);
  expect(readdirSync(where)).toEqual([]);
});
