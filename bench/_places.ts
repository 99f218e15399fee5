import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { measure, say } from './_measure.js';

/** The project's folder: npm runs scripts there. */
export const ROOT = process.cwd();

/** What `npm run bench` makes and may use again: synthetic corpora, models. */
export const WORK = join(ROOT, 'node_modules', '.cache', 'thema-bench');
mkdirSync(WORK, { recursive: true });

/** The folder with the corpora, the common scorer and the runner of other tools. */
export const SHARED = resolve(ROOT, process.env['THEMA_SHARED'] ?? '../shared');

export const THEMA = [process.execPath, join(ROOT, 'bin', 'thema.js')] as const;

/** The folder of a corpus: train.ldac, observed.ldac, heldout.ldac, vocab.txt. */
export function corpusFolder(name: string): string {
  const folder = join(SHARED, 'data', name);
  if (!existsSync(folder)) throw new Error(`${folder}: no such corpus; THEMA_SHARED names the folder that has data/`);
  return folder;
}

/** Document-term pairs of an lda-c file. */
export function pairsOf(ldac: string): number {
  // bytes: a file of a gigabyte is longer than a string may be
  const bytes = readFileSync(ldac);
  let pairs = 0;
  for (const byte of bytes) if (byte === 58) pairs++;
  return pairs;
}

/** A corpus drawn by `thema generate`, 100 tokens a document; drawn once in a folder. */
export async function synthetic(folder: string, tokens: number, terms: number, topics: number): Promise<string> {
  const path = join(folder, `${tokens}-${terms}-${topics}.ldac`);
  if (existsSync(path)) return path;
  say(`drawing ${tokens / 1e6} M tokens of ${terms} terms…`);
  const shape = ['-d', `${Math.round(tokens / 100)}`, '--length', '100', '--terms', `${terms}`, '-k', `${topics}`];
  await measure([...THEMA, 'generate', ...shape, '-o', path, '--quiet']);
  return path;
}

/** Documents of an lda-c file as lines of words `w7 w7 w12`, each after `before`. */
export function asText(ldac: string, before = ''): string {
  const path = join(WORK, 'text.txt');
  const lines = readFileSync(ldac, 'utf8').trimEnd().split('\n');
  const words = (pair: string) => {
    const [term, count] = pair.split(':');
    return `w${term} `.repeat(Number(count)).trimEnd();
  };
  writeFileSync(path, lines.map((line) => `${before}${line.split(' ').slice(1).map(words).join(' ')}\n`).join(''));
  return path;
}

/** Python with the packages of the other tools. */
const PYTHON = process.env['THEMA_PYTHON'] ?? 'python3';

/** What the other tools run in: threads as asked for, and nothing written beside the shared scripts. */
const ENVIRONMENT = { PYTHONDONTWRITEBYTECODE: '1', NUMBA_CACHE_DIR: join(WORK, 'numba'), PYTHONWARNINGS: 'ignore' };

/** Runs a Python script: of `bench/`, or of the shared folder by its whole path. */
export function python(script: string, ...args: readonly (string | number)[]) {
  return measure([PYTHON, resolve(ROOT, 'bench', script), ...args.map(String)], { env: ENVIRONMENT });
}

/** Runs a line of Python. */
export function pythonLine(line: string) {
  return measure([PYTHON, '-c', line], { env: ENVIRONMENT });
}

/** The number a script prints last. */
export async function pythonNumber(script: string, ...args: readonly (string | number)[]): Promise<number> {
  return Number((await python(script, ...args)).stdout.trim().split(/\s+/).at(-1));
}

/** The class path of MALLET and MalletLadder. */
const MALLET_CP = process.env['MALLET_CP'] ?? '';

/** Runs a class of MALLET. */
export function mallet(main: string, ...args: readonly (string | number)[]) {
  // its help ends with status 255
  return measure(['java', '-cp', MALLET_CP, main, ...args.map(String)], { mayFail: args[0] === '--help' });
}

let installed: Promise<Readonly<Record<string, string>>> | undefined;

/** Versions of the other tools, by package; those that are not there are missing. */
export function peers(): Promise<Readonly<Record<string, string>>> {
  installed ??= find();
  return installed;
}

async function find(): Promise<Record<string, string>> {
  const script = `
import importlib.metadata as m
for name in "numpy scipy numba scikit-learn gensim tomotopy topica".split():
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass`;
  const found: Record<string, string> = {};
  try {
    const { stdout } = await measure([PYTHON, '-c', script]);
    for (const line of stdout.trim().split('\n').filter(Boolean)) {
      const [name, version] = line.split(' ');
      found[name!] = version!;
    }
  } catch {
    say(`no ${PYTHON}: THEMA_PYTHON names the Python of the other tools`);
  }
  const jar = MALLET_CP.split(delimiter).find((path) => /\bmallet-[\d.]+.*\.jar$/.test(path));
  if (jar !== undefined && existsSync(jar)) found['mallet'] = /mallet-([\d.]+\d)/.exec(jar)![1]!;
  return found;
}

/** The package of a tool: `sklearn-batch` is of scikit-learn. */
function packageOf(tool: string): string {
  const name = tool.split('-')[0]!;
  return name === 'sklearn' ? 'scikit-learn' : name;
}

/** Those of `tools` that are installed; says which are not. */
export async function available(tools: readonly string[]): Promise<string[]> {
  const versions = await peers();
  const missing = tools.filter((tool) => versions[packageOf(tool)] === undefined);
  if (missing.length > 0) say(`not installed, left out: ${missing.join(', ')} (see bench/README.md)`);
  return tools.filter((tool) => versions[packageOf(tool)] !== undefined);
}
