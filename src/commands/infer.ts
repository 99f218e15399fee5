import { documentCount, entryStart, tokenCount } from '../corpus/corpus.js';
import { cutBlocks } from '../em/blocks.js';
import { infer, NO_SUMS } from '../em/infer.js';
import { withDocuments } from '../em/state.js';
import { type DocumentRow, documentsReport, topProportions } from '../report/documents.js';
import { defineCommand } from './_command.js';
import { newDocuments, readGroups } from './_corpus.js';
import { loadModel } from './_model.js';
import { countOrAll } from './_numbers.js';
import { reportSettings, terminalWidth, writeReport } from './_output.js';
import { progress } from './_progress.js';
import { documentSettings, type Segmented, segmentsOf } from './_segments.js';
import { threadsOf, threadsSettings } from './_threads.js';

export const command = defineCommand({
  name: 'infer',
  description: `Prints the expected topic proportions of documents that the model has not seen, one row a document, in their order, as
they come: memory does not grow with their number. The model's own text settings apply; its topics stay as they are.
Of documents that were fitted, thema documents prints what the fit left, which differs by a few hundredths and more where
a document lies between topics: infer begins afresh, and with --inference auto and collapsed takes topics as points.`,
  examples: [
    ['thema infer m.safetensors < new.ndjson > topics.ndjson --format ndjson', 'a nightly batch'],
    ['thema infer m.safetensors new.csv --text body -n all --format csv', 'all proportions'],
  ],
  operands: [{ name: 'model' }, { name: 'inputs', many: true, optional: true }],
  groups: { Options: { ...documentSettings, ...threadsSettings }, ...readGroups, Output: reportSettings },
  async run({ operands, inputs, values, flags }) {
    const path = operands['model']!;
    const loaded = await loadModel(path, threadsOf(values));
    const { model, dims } = loaded;
    const readOut = model.answersWithPoints ? loaded.state.readOut : undefined;
    const say = progress(values);
    const top = countOrAll(values.top, '--top');
    const found = newDocuments(inputs.length > 0 ? inputs : ['-'], loaded, { values, flags }, say);
    async function* segmented(): AsyncGenerator<Segmented> {
      for await (const { corpus, texts } of found) yield { corpus, texts, state: loaded.state };
    }
    if (values.segments) {
      await writeReport(segmentsOf(path, loaded, segmented(), top, terminalWidth(values)), values);
      return;
    }
    async function* rows(): AsyncGenerator<DocumentRow> {
      const theta = new Float64Array(dims.K);
      for await (const { corpus, unseen } of found) {
        const state = withDocuments(model, dims, loaded.state, documentCount(corpus));
        await infer(model, model.prepare(corpus, state), cutBlocks(entryStart(corpus)), state, NO_SUMS);
        for (let d = 0; d < documentCount(corpus); d++) {
          model.proportions(state, d, theta);
          yield {
            id: corpus.ids[d]!,
            tokens: tokenCount(corpus, d, d + 1),
            unseen: unseen[d]!,
            topics: topProportions(theta, top),
            ...(readOut === undefined ? {} : { read_out: readOut }),
          };
        }
      }
    }
    await writeReport(documentsReport(rows(), readOut), values);
  },
});
