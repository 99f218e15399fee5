import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folder, output, rows } from '../_program.js';

const cwd = folder({}, afterAll);
output(['generate', '-d', '60', '-k', '3', '--terms', '80', '-o', 'c.ndjson'], { cwd });
output(['import', 'c.ndjson', '-q', '-o', 'c.safetensors'], { cwd });

function fitted(input: string): string {
  return output(['fit', input, '-k', '3', '-q'], { cwd });
}

test('a fit of the corpus file equals a fit of the text', () => {
  expect(fitted('c.safetensors')).toBe(fitted('c.ndjson'));
});

test('a corpus goes through lda-c and back', () => {
  output(['import', 'c.safetensors', '-q', '-o', 'd.ldac'], { cwd });
  expect(fitted('d.ldac')).toBe(fitted('c.ndjson'));
  output(['import', 'd.ldac', '-q', '-o', 'e.ldac'], { cwd });
  expect(readFileSync(join(cwd, 'e.ldac'), 'utf8')).toBe(readFileSync(join(cwd, 'd.ldac'), 'utf8'));
});

test('MatrixMarket has the entries that inspect counts', () => {
  output(['import', 'c.safetensors', '-q', '-o', 'c.mtx'], { cwd });
  const [facts] = rows(output(['inspect', 'c.safetensors', '--format', 'ndjson'], { cwd }));
  const lines = readFileSync(join(cwd, 'c.mtx'), 'utf8').trimEnd().split('\n');
  expect(lines[0]).toMatch(/^%%MatrixMarket matrix coordinate integer general/);
  const [size, ...entries] = lines.filter((line) => !line.startsWith('%'));
  expect(size).toBe(`${facts.documents} ${facts.terms} ${facts.entries}`);
  expect(entries.reduce((sum, line) => sum + Number(line.split(' ')[2]), 0)).toBe(facts.tokens);
});

test('a corpus imported again keeps its terms and says that nothing limits them', () => {
  output(['import', 'c.safetensors', '-q', '-o', 'again.safetensors'], { cwd });
  const [facts] = rows(output(['inspect', 'again.safetensors', '--format', 'ndjson'], { cwd }));
  expect(facts.cuts.maxVocabulary).toBeNull();
  expect(fitted('again.safetensors')).toBe(fitted('c.ndjson'));
});
