import { elboReport } from '../report/elbo.js';
import { defineCommand } from './_command.js';
import { loadModel } from './_model.js';
import { reportSettings, writeReport } from './_output.js';

export const command = defineCommand({
  name: 'elbo',
  description: `Prints one row an iteration of the fit: the ELBO (a lower bound on the log probability of the corpus, in nats), its
change relative to its size, its value per token, and the terms that sum to it.`,
  examples: [
    ['thema elbo m.safetensors', 'a small chart on a terminal, and the table'],
    ['thema elbo m.safetensors --format csv', 'for a plot'],
  ],
  operands: [{ name: 'model' }],
  groups: { Output: reportSettings },
  async run({ operands, values }) {
    const { record } = await loadModel(operands['model']!);
    const chart = process.stdout.isTTY && values.output === undefined ? process.stdout.columns : undefined;
    await writeReport(elboReport(record.trace, chart), values);
  },
});
