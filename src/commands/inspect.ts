import { prune } from '../corpus/build.js';
import { UserError } from '../errors.js';
import { readCorpus } from '../files/corpus-file.js';
import { kindOf } from '../files/safetensors.js';
import { inspectCorpusReport, inspectModelReport } from '../report/inspect.js';
import { isFolder } from '../text/input.js';
import { countsReader } from '../text/read.js';
import { defineCommand } from './_command.js';
import type { CorpusRecord } from './_corpus.js';
import { loadModel } from './_model.js';
import { reportSettings, writeReport } from './_output.js';

export const command = defineCommand({
  name: 'inspect',
  description: `Tells what a file of thema's holds, after verifying its checksum. Of a corpus: sizes, document lengths, the most frequent
and the rarest terms, what was left out and why. Of a model: its arrays, settings, priors, and how the fit ended.`,
  examples: [
    ['thema inspect corpus.safetensors', 'before a fit'],
    ['thema inspect m.safetensors --json | jq .[0].settings', 'how a model was made'],
  ],
  operands: [{ name: 'file' }],
  groups: { Output: reportSettings },
  async run({ operands, values }) {
    const path = operands['file']!;
    switch (await kindOf(path)) {
      case 'corpus': {
        const { corpus, record } = await readCorpus(path);
        await writeReport(inspectCorpusReport(corpus, record as CorpusRecord), values);
        return;
      }
      case 'model': {
        const { name, model, dims, state, record, documents } = await loadModel(path);
        await writeReport(
          inspectModelReport({
            name,
            dims,
            params: state.params,
            posterior: Object.keys(model.posterior),
            per: model.predictor === undefined ? 'point' : 'token',
            facts: Array.from({ length: dims.K }, (_, k) => model.facts(state, k)),
            record,
            documents: documents?.ids.length ?? null,
            readOut:
              state.readOut === undefined ? null : { by: state.readOut, held_out: record.readOut?.heldOut ?? null },
          }),
          values,
        );
        return;
      }
      default: {
        await isFolder(path); // throws where there is nothing
        const readCounts = countsReader([path], { 'input-format': undefined });
        if (readCounts !== undefined) {
          const { corpus, pruning } = prune(await readCounts([path], {}, process.stdin), {});
          await writeReport(inspectCorpusReport(corpus, { version: null, text: null, pruning }), values);
          return;
        }
        throw new UserError(`${path}: is not a file of thema's, expected a corpus or a model`, {
          hint: `thema import ${path} -o corpus.safetensors makes a corpus of text`,
        });
      }
    }
  },
});
