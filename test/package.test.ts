import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = json<Manifest>('package.json');
const { packages } = json<{ packages: Readonly<Record<string, Locked>> }>('package-lock.json');
const locked = Object.entries(packages).filter(([path]) => path !== '');
const atRunTime = locked.filter(([, { dev }]) => dev !== true);

test('the lock file names no registry and holds a checksum of every package', () => {
  expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
});

test('the lock file holds the packages of every platform, so that npm ci works on each', () => {
  const missing = locked.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test('no package that users install runs a script while it is installed', () => {
  expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
});

test('users install one package, the lists of stop words: all others are bundled', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['stopword']);
  expect(atRunTime.map(([path]) => path)).toEqual(['node_modules/stopword']);
});

test('the versions of Node that are asked for are those of the most demanding package', () => {
  expect(manifest.engines.node).toBe('^20.19 || ^22.12 || >=24');
  expect(packages['node_modules/yargs']!.engines!.node).toBe('^20.19.0 || ^22.12.0 || >=23');
});

test('the package holds the program, its corpora and its notices, and nothing else', () => {
  expect(manifest.files).toEqual(['bin', 'dist', 'corpora', 'CHANGELOG.md', 'NOTICE.md']);
  const there = readdirSync(root);
  expect(manifest.files.filter((name) => !there.includes(name))).toEqual([]);
  expect(there).toEqual(expect.arrayContaining(['README.md', 'LICENSE']));
});

test('the newest entry of the changelog is this version', () => {
  const [, newest] = /^## \[?(\d+\.\d+\.\d+)/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'))!;
  expect(newest).toBe(manifest.version);
});

test('the program runs from a symbolic link in another folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thema-link-'));
  try {
    const link = join(folder, 'thema');
    symlinkSync(join(root, manifest.bin['thema']!), link);
    const { status, stdout, stderr } = spawnSync(process.execPath, [link, '--version'], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
    const direct = spawnSync(link, ['--version'], { encoding: 'utf8', cwd: folder });
    expect(direct.stdout).toBe(`${manifest.version}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every package that the build takes in is named in the notices, with its copyright', () => {
  const notices = readFileSync(join(root, 'NOTICE.md'), 'utf8');
  const code = readdirSync(join(root, 'dist'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(root, 'dist', name), 'utf8'))
    .join('');
  // esbuild writes above each module where it is from
  const folders = [...code.matchAll(/^ *\/\/ ((?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+)/gm)].map(
    ([, folder]) => folder!,
  );
  expect(folders).toEqual(expect.arrayContaining(['node_modules/natural/', 'node_modules/yargs/']));
  // ml-matrix has bundled these itself
  for (const name of ['is-any-array', 'ml-array-max', 'ml-array-min', 'ml-array-rescale'])
    folders.push(`node_modules/${name}/`);
  for (const folder of new Set(folders)) {
    const name = folder.split('node_modules/').at(-1)!.slice(0, -1);
    expect(notices).toMatch(new RegExp(`(?<![\\w-])${name}(?![\\w-])`));
    expect(['MIT', 'ISC']).toContain(packages[folder.slice(0, -1)]!.license);
    for (const name of readdirSync(join(root, folder)).filter((name) => /^licen[cs]e/i.test(name)))
      for (const [line] of readFileSync(join(root, folder, name), 'utf8').matchAll(/^Copyright .*\S/gm))
        expect(notices).toContain(line);
  }
  expect(notices).toContain(`/natural) ${packages['node_modules/natural']!.version}`);
  for (const { holder, words } of [
    { holder: 'Chris Umbel, Rob Ellis, Russell Mull', words: 'tokenizeAndStem' },
    { holder: 'Taku Kudo', words: 'BIAS__' },
  ]) {
    expect(code).toContain(words);
    expect(notices).toContain(holder);
  }
  // stopwords-iso is asked for by natural's German stemmer, and left out by the build
  expect(code).toMatch(/stopwords-iso\.json"\(\) \{\s*\}/);
});

function json<T>(name: string): T {
  return JSON.parse(readFileSync(join(root, name), 'utf8')) as T;
}
