import { STATUS, UserError } from '../errors.js';
import { checkOutput } from '../files/atomic-write.js';
import { writeLdac, writeMatrixMarket } from '../files/corpus-export.js';
import { writeCorpus } from '../files/corpus-file.js';
import { version } from '../version.js';
import { defineCommand } from './_command.js';
import { type CorpusRecord, corpusSize, loadCorpus, textGroups } from './_corpus.js';
import { outputFileSettings } from './_output.js';
import { progress } from './_progress.js';
import { threadsSettings } from './_threads.js';

const pointSettings = {
  columns: {
    kind: 'text',
    value: 'NAMES',
    describe: 'columns or fields of numbers that each document is, in place of text, separated by commas',
  },
} as const;

export const command = defineCommand({
  name: 'import',
  description: `Turns text into a document-term matrix and writes it. The name of the output chooses its format: .ldac (lda-c, the
vocabulary beside it), .mtx (MatrixMarket, vocabulary and ids beside it), anything else a corpus file of thema.

INPUTS are folders of text files, .txt, .csv, .tsv, .ndjson or .jsonl files, lda-c .ldac files, each also as .gz or .br,
or a corpus file made by thema import; - is stdin.`,
  examples: [
    ['thema import articles.csv --text body --meta year -o corpus.safetensors', 'then fit it as often as you like'],
    ['thema import corpus.safetensors --min-df 10 -o corpus.ldac', 'convert, and cut rare terms'],
  ],
  operands: [{ name: 'inputs', many: true }],
  groups: { ...textGroups, Points: pointSettings, Options: threadsSettings, Output: outputFileSettings },
  async run({ inputs, values, given, flags }) {
    const say = progress(values);
    const { output, force } = values;
    if (output === undefined) {
      throw new UserError('thema import: -o is missing, expected the file to write', {
        status: STATUS.usage,
        hint: '-o corpus.safetensors',
      });
    }
    await checkOutput(output, force);
    const { corpus, text, pruning, leftOut } = await loadCorpus(
      inputs,
      values,
      { given, flags },
      say,
      undefined,
      values.columns,
    );
    const written = output.endsWith('.ldac')
      ? await writeLdac(output, force, corpus)
      : output.endsWith('.mtx')
        ? await writeMatrixMarket(output, force, corpus)
        : [output];
    if (written.length === 1) {
      const record: CorpusRecord = { version: version(), text, pruning, ...(leftOut === undefined ? {} : { leftOut }) };
      await writeCorpus(output, { force, stdout: process.stdout }, corpus, record);
    }
    if (output === '-') return;
    say.say(`wrote ${written.join(', ')}: ${corpusSize(corpus)}. Next: thema fit ${output}`);
  },
});
