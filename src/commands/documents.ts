import { STATUS, UserError } from '../errors.js';
import { type DocumentRow, documentsReport, topProportions } from '../report/documents.js';
import { defineCommand } from './_command.js';
import { loadModel } from './_model.js';
import { countOrAll } from './_numbers.js';
import { reportSettings, terminalWidth, writeReport } from './_output.js';
import { documentSettings, segmentsOf } from './_segments.js';

export const command = defineCommand({
  name: 'documents',
  description: 'Prints the expected topic proportions of each document that the model was fitted to, in their order.',
  examples: [
    ['thema documents m.safetensors', 'the three largest topics of each document'],
    ['thema documents m.safetensors -n all --format csv -o theta.csv', 'all proportions, one row a document and topic'],
  ],
  operands: [{ name: 'model' }],
  groups: { Options: documentSettings, Output: reportSettings },
  async run({ operands, values }) {
    const path = operands['model']!;
    const loaded = await loadModel(path);
    const { model, dims, state, documents, record } = loaded;
    if (documents === null) {
      const why = record.stop === 'documents' ? '--schedule online' : '--no-proportions';
      throw new UserError(`${path}: keeps no documents, for it was fitted with ${why}`, {
        status: STATUS.usage,
        hint: `thema infer ${path} DOCUMENTS gives the proportions of any documents`,
      });
    }
    const top = countOrAll(values.top, '--top');
    const { ids, tokens, segments } = documents;
    if (values.segments) {
      // The file keeps the rows of segments, not their sums
      const none = { rowStart: new Uint32Array(ids.length + 1), term: new Uint32Array(0), count: new Uint32Array(0) };
      const corpus = { ...none, ids, vocabulary: loaded.vocabulary, meta: new Map() };
      const all = segments === undefined ? [] : [{ corpus: { ...corpus, segments }, texts: null, state }];
      await writeReport(segmentsOf(path, loaded, all, top, terminalWidth(values)), values);
      return;
    }
    function* rows(): Generator<DocumentRow> {
      const theta = new Float64Array(dims.K);
      for (let d = 0; d < ids.length; d++) {
        model.proportions(state, d, theta);
        yield { id: ids[d]!, tokens: tokens[d]!, unseen: null, topics: topProportions(theta, top) };
      }
    }
    await writeReport(documentsReport(rows()), values);
  },
});
