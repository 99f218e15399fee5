import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folder, output } from './_program.js';

function digest(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

it.each([
  ['auto', 20],
  // documents have few of so many, and late passes visit them with these
  ['auto', 120],
  ['vb', 20],
  ['map', 20],
])(
  'makes the same model, byte for byte, and the same proportions on 1, 2, 3 and 7 threads: %s, K = %i',
  (inference, K) => {
    const cwd = folder();
    output(['generate', '-d', '400', '--length', '120', '-k', '20', '-o', 'c.ldac'], { cwd });
    const results = ['1', '2', '3', '7'].map((threads) => {
      const model = `m${threads}.safetensors`;
      const fit = ['fit', 'c.ldac', '-k', `${K}`, '--inference', inference, '--iterations', '9', '-q'];
      output([...fit, '-j', threads, '-o', model], { cwd });
      const proportions = output(['infer', model, 'c.ldac', '-n', 'all', '--format', 'ndjson', '-j', threads], { cwd });
      return [digest(readFileSync(join(cwd, model))), digest(proportions)];
    });
    for (const result of results) expect(result).toEqual(results[0]);
  },
);

it('threads serve several memories, also after a kernel has failed', async () => {
  const dist = new URL('../dist/', import.meta.url);
  // threads start from what is built
  const { createPool } = (await import(new URL('pool.js', dist).href)) as typeof import('../src/pool.js');
  const module = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', dist)));
  const [K4, N] = [4, 400];
  const PART = 2 ** 18;
  const [ZEROS, TERMS, ONES, TOPICS, TOTALS] = [PART, 2 * PART, 3 * PART, 4 * PART, 5 * PART];
  const pools = [3, 5].map((value) => {
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 65_536, shared: true });
    const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as Parameters<typeof createPool>[3];
    new Float32Array(memory.buffer, 1024, 4 * N * K4).fill(value);
    new Float32Array(memory.buffer, ONES, 4 * N * K4).fill(1);
    new Uint32Array(memory.buffer, TERMS, 4 * N).forEach((_, i, terms) => {
      terms[i] = i;
    });
    const { run } = createPool(3, module, memory, kernels);
    // sums of four rows each, from what lies at `rows`
    const sum = (rows: number) => {
      const tasks = Array.from({ length: N }, (_, i) => [
        ...[4 * i, 4 * (i + 1), K4, TERMS, TOPICS, rows, ONES, ZEROS, ZEROS, TOTALS + 8 * K4 * i],
      ]);
      run('collapsedTokens', tasks);
    };
    return { sum, totals: () => new Set(new Float64Array(memory.buffer, TOTALS, N * K4)), value };
  });
  // until the other threads are there
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const { sum } of pools) {
    expect(() => {
      sum(2 ** 31);
    }).toThrow();
  }
  for (const { sum, totals, value } of pools) {
    sum(1024);
    expect(totals()).toEqual(new Set([4 * value]));
  }
});
