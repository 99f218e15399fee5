import { readFileSync } from 'node:fs';
import type { Corpus } from '../src/corpus/corpus.js';

/** A file of test/fixtures. */
export function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
}

/** A corpus of documents given as [term, count] pairs. */
export function corpusOf(documents: readonly (readonly (readonly [number, number])[])[], V: number): Corpus {
  const rowStart = [0];
  const term: number[] = [];
  const count: number[] = [];
  for (const document of documents) {
    for (const [w, n] of [...document].sort((a, b) => a[0] - b[0])) {
      term.push(w);
      count.push(n);
    }
    rowStart.push(term.length);
  }
  return {
    rowStart: Uint32Array.from(rowStart),
    term: Uint32Array.from(term),
    count: Uint32Array.from(count),
    vocabulary: Array.from({ length: V }, (_, w) => `w${w}`),
    ids: documents.map((_, d) => String(d)),
    meta: new Map(),
  };
}

/** A corpus in lda-c format, without the checks of the product's reader. */
export function ldacFixture(name: string, V: number): Corpus {
  const lines = fixture(name).trimEnd().split('\n');
  return corpusOf(
    lines.map((line) =>
      line
        .split(' ')
        .slice(1)
        .map((pair) => pair.split(':').map(Number) as [number, number]),
    ),
    V,
  );
}

/** Columns of numbers of a fixture, a row a line. */
export function numbersFixture(name: string): number[][] {
  return fixture(name)
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** A corpus of documents given as segments, each the terms of its tokens. */
export function segmentedCorpus(documents: readonly (readonly (readonly number[])[])[], V: number): Corpus {
  const pairs = (tokens: readonly number[]) => {
    const counts = new Map<number, number>();
    for (const w of tokens) counts.set(w, (counts.get(w) ?? 0) + 1);
    return [...counts];
  };
  const { rowStart, term, count } = corpusOf(documents.flat().map(pairs), V);
  const start = Uint32Array.from([0, ...documents.map((_, d) => documents.slice(0, d + 1).flat().length)]);
  return {
    ...corpusOf(
      documents.map((segments) => pairs(segments.flat())),
      V,
    ),
    segments: { start, rowStart, term, count },
  };
}
