import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folder, output } from './_program.js';

function digest(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

it.each(['auto', 'vb', 'map'])(
  'makes the same model, byte for byte, and the same proportions on 1, 2, 3 and 7 threads: %s',
  (inference) => {
    const cwd = folder();
    output(['generate', '-d', '400', '--length', '120', '-k', '20', '-o', 'c.ldac'], { cwd });
    const results = ['1', '2', '3', '7'].map((threads) => {
      const model = `m${threads}.safetensors`;
      const fit = ['fit', 'c.ldac', '-k', '20', '--inference', inference, '--iterations', '8', '-q'];
      output([...fit, '-j', threads, '-o', model], { cwd });
      const proportions = output(['infer', model, 'c.ldac', '-n', 'all', '--format', 'ndjson', '-j', threads], { cwd });
      return [digest(readFileSync(join(cwd, model))), digest(proportions)];
    });
    for (const result of results) expect(result).toEqual(results[0]);
  },
);
