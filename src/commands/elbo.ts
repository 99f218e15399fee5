import { UserError } from '../errors.js';
import { elboReport } from '../report/elbo.js';
import { defineCommand } from './_command.js';
import { loadModel } from './_model.js';
import { reportSettings, terminalWidth, writeReport } from './_output.js';

export const command = defineCommand({
  name: 'elbo',
  description: `Prints one row an iteration of the fit: the ELBO (a lower bound on the log probability of the corpus, in nats; where
E-steps are exact it is the log likelihood), its value per token (per point, where documents are points), the terms that
sum to it, and the relative change of what the fit raises: the ELBO, or with a log_prior the log_posterior, their sum. Of
an online fit a row is a step: the ELBO as its batch estimates it, before anything is learned from the batch. Iterations
that follow collapsed passes are numbered on from them.`,
  examples: [
    ['thema elbo m.safetensors', 'a small chart on a terminal, and the table'],
    ['thema elbo m.safetensors --format csv', 'for a plot'],
  ],
  operands: [{ name: 'model' }],
  groups: { Output: reportSettings },
  async run({ operands, values }) {
    const path = operands['model']!;
    const { record } = await loadModel(path);
    if (record.trace.length === 0) throw new UserError(`${path}: was generated, not fitted, and has no ELBO`);
    await writeReport(elboReport(record.trace, terminalWidth(values)), values);
  },
});
