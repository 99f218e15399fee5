/**
 * How near is the kernel to what this machine can do?
 *
 * An update is one topic of one document-term pair in one round of a document: two multiplications and two additions. The
 * kernel's rate is that of the rounds alone: pairs × K × 20 more rounds, over how much longer a pass of 25 rounds takes
 * than one of 5, one thread, MAP, in which no topic is left out of a document, priors 0.1. The roof is the same loop
 * (roof.assembly.ts) over rows that never leave the first cache, in turns with it. It is a yardstick and no law: on some
 * processors documents do better than its endless repetition of one tile.
 *
 * Where passes of 5, 15 and 25 rounds do not grow alike, rounds ended early or the machine was busy: then there is no rate.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, medians, say } from './_measure.js';
import { corpusFolder, pairsOf, ROOT, WORK } from './_places.js';
import type { Question } from './_question.js';
import { short } from './_table.js';
import { isWhole, plainPass } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  /** Updates a second. */
  readonly kernel: number;
  readonly roof: number;
  /** 1 if all rounds were done. */
  readonly whole: 0 | 1;
}

const NAME = 'kernel';
const FEW = 5;
const SOME = 15;
const MANY = 25;
const PRIOR = 0.1;

/** Updates a second of the loop of roof.assembly.ts. */
function roofOf(): (k: number) => number {
  const wasm = join(WORK, 'roof.wasm');
  const asc = join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
  const flags = ['--enable', 'simd', '--runtime', 'stub', '--noAssert', '-O3', '--initialMemory', '2'];
  execFileSync(process.execPath, [asc, join(ROOT, 'bench', 'roof.assembly.ts'), '--outFile', wasm, ...flags]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), {});
  const roof = exports['roof'] as (times: number, K4: number) => void;
  return (k) => {
    const K4 = Math.ceil(k / 4) * 4;
    const times = Math.ceil(2e8 / (4 * K4));
    const seconds = Array.from({ length: 7 }, () => {
      const begun = performance.now();
      roof(times, K4);
      return (performance.now() - begun) / 1000;
    });
    return (4 * k * times) / median(seconds.slice(2));
  };
}

export const question: Question = {
  name: NAME,
  asks: 'How near is the kernel of LDA to what this machine can do in WebAssembly?',
  async run({ corpora = ['20ng'], topics = [20, 100, 500], repetitions = 5 }, results) {
    const roof = roofOf();
    for (const corpus of corpora) {
      const input = `${corpusFolder(corpus)}/train.ldac`;
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const pass = (rounds: number) => async () =>
          (await plainPass(input, { k, rounds, prior: PRIOR, threads: 1 }, ['--inference', 'map'])).seconds;
        const subjects = { few: pass(FEW), some: pass(SOME), many: pass(MANY), roof: async () => roof(k) };
        const found = await medians(repetitions, subjects);
        const [few, some, many] = [found.get('few')!, found.get('some')!, found.get('many')!];
        const kernel = (pairsOf(input) * k * (MANY - FEW)) / (many - few);
        const whole = isWhole([
          [FEW, few],
          [SOME, some],
          [MANY, many],
        ])
          ? 1
          : 0;
        results.save<Row>(NAME, ['corpus', 'k'], [{ corpus, k, kernel, roof: found.get('roof')!, whole }]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'kernel, 10⁹ updates a second', 'roof', 'share'],
        ...rows.map(({ corpus, k, kernel, roof, whole }) => [
          ...[
            corpus,
            `${k}`,
            whole === 1 ? short(kernel / 1e9) : 'none: time did not grow with rounds',
            short(roof / 1e9),
          ],
          whole === 1 ? `${short((100 * kernel) / roof)} %` : '',
        ]),
      ],
    ];
  },
};
