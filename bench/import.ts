/**
 * How many MB of text a second, against scikit-learn's CountVectorizer and MALLET's import?
 *
 * The bundled addresses, 19 times over (100 MB), a passage a line; English stop words are left out, terms of fewer than 5
 * documents as thema does by default and as `min_df=5` does; MALLET has no such cut. Of thema and MALLET it is the whole
 * command to the saved corpus; of scikit-learn, to its advantage, reading and counting alone.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { measure, medians } from './_measure.js';
import { available, mallet, pythonNumber, ROOT, THEMA } from './_places.js';
import type { Question } from './_question.js';
import { nameOf, ratio, short } from './_table.js';

interface Row {
  readonly tool: string;
  readonly megabytesPerSecond: number;
  readonly thema: number;
}

const NAME = 'import';
const TOOLS = ['sklearn', 'mallet'];

export const question: Question = {
  name: NAME,
  asks: 'How many MB of text are imported a second, against other tools?',
  async run({ quick, tools = TOOLS, repetitions = 3 }, results) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-import-'));
    const text = join(folder, 'text.txt');
    const passages = gunzipSync(readFileSync(join(ROOT, 'corpora', 'sotu.ndjson.gz')))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => `${(JSON.parse(line) as { text: string }).text.replaceAll(/\s+/g, ' ')}\n`)
      .join('');
    writeFileSync(text, passages.repeat(quick ? 1 : 19));
    const subjects: Record<string, () => Promise<number>> = {
      thema: async () => (await measure([...THEMA, 'import', text, '-o', `${text}.safetensors`, '-qf'])).wall,
    };
    for (const tool of await available(tools)) {
      // no name and no label: the line is the text
      const lines = ['--line-regex', '^(.*)$', '--data', 1, '--name', 0, '--label', 0];
      const args = ['--input', text, '--output', `${text}.mallet`, '--keep-sequence', '--remove-stopwords', ...lines];
      subjects[tool] =
        tool === 'mallet'
          ? async () => (await mallet('cc.mallet.classify.tui.Csv2Vectors', ...args)).wall
          : () => pythonNumber('import.py', text);
    }
    const seconds = await medians(repetitions, subjects);
    const megabytes = statSync(text).size / 1e6;
    rmSync(folder, { recursive: true });
    const thema = megabytes / seconds.get('thema')!;
    const rows = [...seconds].map(([tool, time]) => ({ tool, megabytesPerSecond: megabytes / time, thema }));
    results.save<Row>(NAME, ['tool'], rows);
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['tool', 'MB a second', 'thema in the same session'],
        ...rows.map(({ tool, megabytesPerSecond, thema }) => [
          ...[tool === 'sklearn' ? 'CountVectorizer' : nameOf(tool), short(megabytesPerSecond)],
          tool === 'thema' ? '' : ratio(megabytesPerSecond, thema),
        ]),
      ],
    ];
  },
};
