import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Each layer may import those below it. */
const LAYERS = [
  ['cli'],
  ['commands'],
  ['report', 'evaluate'],
  ['files', 'text', 'em', 'models'],
  ['kernels'],
  ['corpus', 'pool'],
  ['math', 'settings', 'errors', 'version'],
];
/** Imports within a layer. */
const SIBLINGS = new Set(['math→errors', 'settings→errors']);
const DOORS: Readonly<Record<string, RegExp>> = {
  yargs: /^commands\/_arguments\.ts$/,
  'cli-progress': /^commands\/_progress\.ts$/,
  'csv-parse': /^text\//,
  stopword: /^text\//,
  natural: /^text\//,
  'ml-matrix': /^math\/matrix\.ts$/,
  'node:worker_threads': /^(pool|text\/threads)\.ts$/,
  'string-width': /^report\/table\.ts$/,
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  // AssemblyScript is another language
  (name) => name.endsWith('.ts') && !name.startsWith('kernels/assembly/'),
);
const sources = files.map((name) => ({ name, text: readFileSync(join(SRC, name), 'utf8') }));
const imports = sources.flatMap(({ name, text }): Import[] =>
  [...text.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm)].map(
    ([, type, to, lazy, bare]) => ({ from: name, to: (to ?? lazy ?? bare)!, isType: type !== undefined }),
  ),
);
const inside = imports
  .filter(({ to }) => to.startsWith('.'))
  .map((found) => ({
    ...found,
    to: relative(SRC, join(SRC, dirname(found.from), found.to)).replace(/\.js$/, '.ts'),
  }));

/** The layer's member a file belongs to: its folder, or its own name. */
function member(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '');
}

function layer(file: string): number {
  return LAYERS.findIndex((members) => members.includes(member(file)));
}

function isAllowed({ from, to, isType }: Import): boolean {
  const pair = `${member(from)}→${member(to)}`;
  if (member(from) === member(to) || SIBLINGS.has(pair)) return true;
  if (pair === 'models→em') return isType;
  return layer(from) < layer(to);
}

test('the imports of the program were found', () => {
  expect(inside.length).toBeGreaterThan(100);
  expect(files.filter((file) => layer(file) < 0)).toEqual([]);
});

test('imports point down the layers', () => {
  expect(inside.filter((found) => !isAllowed(found))).toEqual([]);
});

test('no command imports another', () => {
  expect(inside.filter(({ from, to }) => member(from) === 'commands' && /^commands\/[^_]/.test(to))).toEqual([]);
});

test('each package has one door', () => {
  const packages = imports.filter(({ to }) => !to.startsWith('.') && (!to.startsWith('node:') || to in DOORS));
  expect(packages.length).toBeGreaterThan(0);
  expect(packages.filter(({ from, to }) => !DOORS[to.split('/')[0]!]?.test(from))).toEqual([]);
});

/** The code without comments and strings. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'/g, '');
}

test('only the command line touches process and console', () => {
  const found = sources.filter(
    ({ name, text }) => !['cli', 'commands'].includes(member(name)) && /(?<![.\w])(process|console)\./.test(code(text)),
  );
  expect(found.map(({ name }) => name)).toEqual([]);
});

test('whatever reaches a model file or a score uses our elementary functions', () => {
  const found = sources.flatMap(({ name, text }) =>
    ['em', 'models', 'corpus', 'math', 'evaluate'].includes(member(name))
      ? [...code(text).matchAll(/Math\.(exp|log|log2|log10|pow|sin|cos|tan|log1p|expm1|tanh)\b|\*\*/g)].map(
          ([call]) => `${name}: ${call}`,
        )
      : [],
  );
  expect(found).toEqual([]);
});
