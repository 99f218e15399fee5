import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { splitTokens } from '../corpus/split.js';
import { STATUS, UserError } from '../errors.js';
import { completionScore, documentScore, type Score } from '../evaluate/perplexity.js';
import { random } from '../math/random.js';
import { exp } from '../math/special.js';
import { perplexityReport, type ScoreRow } from '../report/perplexity.js';
import { grouped } from '../report/table.js';
import { readSettings } from '../text/settings.js';
import { defineCommand } from './_command.js';
import { allNewDocuments, readGroups, refuseFlags } from './_corpus.js';
import { type LoadedModel, loadModel } from './_model.js';
import { reportSettings, writeReport } from './_output.js';
import { progress } from './_progress.js';
import { threadsOf, threadsSettings } from './_threads.js';

const settings = {
  seed: { kind: 'integer', alias: 's', value: 'S', min: 0, default: 1, describe: 'seed of the split into halves' },
  observed: {
    kind: 'text',
    value: 'INPUT',
    describe: 'the observed half of the documents, row by row; INPUTS are then the other half, and nothing is split',
  },
} as const;

export const command = defineCommand({
  name: 'perplexity',
  description: `Scores documents under the model, per token, by two definitions that must not be compared with each other: whole documents
by what the model ascends, a bound on their log probability (some models have the likelihood, or a density, and say so); and
completion, which takes topic proportions from one half of a document and scores the tokens of the other half.
Without INPUTS, prints what the fit itself reached on its training documents. Perplexities are exp(−nats per token).`,
  examples: [
    ['thema perplexity m.safetensors held-out.csv --text body', 'documents that were not fitted'],
    ['thema perplexity m.safetensors', 'the training documents'],
  ],
  operands: [{ name: 'model' }, { name: 'inputs', many: true, optional: true }],
  groups: { Options: { ...settings, ...threadsSettings }, ...readGroups, Output: reportSettings },
  async run({ operands, inputs, values, flags }) {
    const path = operands['model']!;
    const loaded = await loadModel(path, threadsOf(values));
    const say = progress(values);
    if (loaded.model.predictor === undefined) {
      throw new UserError(
        `${path}: a ${loaded.name} has densities of points and no probability of a token, so there is no perplexity`,
        { status: STATUS.usage, hint: `thema elbo ${path} shows the objective of the fit` },
      );
    }
    if (inputs.length === 0) {
      refuseFlags(flags, Object.keys({ ...settings, ...readSettings }), 'the training documents: there are no INPUTS');
      await writeReport(perplexityReport([trainingScore(path, loaded)], []), values);
      return;
    }
    const { corpus, unseen } = await allNewDocuments(inputs, loaded, { values, flags }, say);
    let unknown = unseen.reduce((sum, n) => sum + n, 0);
    let halves: { observed: Corpus; heldOut: Corpus };
    let split: string;
    if (values.observed === undefined) {
      halves = splitTokens(corpus, random(values.seed));
      split = `halves: ⌈n/2⌉ of a document's n tokens observed, drawn with seed ${values.seed}`;
    } else {
      refuseFlags(flags, ['seed'], '--observed, with which nothing is drawn');
      const observed = await allNewDocuments([values.observed], loaded, { values, flags }, say);
      if (documentCount(observed.corpus) !== documentCount(corpus)) {
        throw new UserError(
          `${values.observed}: ${documentCount(observed.corpus)} documents, expected the observed halves of the ${documentCount(corpus)} given`,
        );
      }
      unknown += observed.unseen.reduce((sum, n) => sum + n, 0);
      halves = { observed: observed.corpus, heldOut: corpus };
      split = `halves: ${values.observed} observed`;
    }
    if (tokenCount(corpus) === 0)
      throw new UserError(`${inputs.join(', ')}: no token to score, expected terms of the model`);
    const scores: Score[] = [];
    if (values.observed === undefined) scores.push(await documentScore(loaded, corpus));
    if (tokenCount(halves.heldOut) > 0) scores.push(await completionScore(loaded, halves.observed, halves.heldOut));
    else split = 'no completion: no document has a second token to hold out';
    const notes = [split, `${grouped(unknown)} tokens that are not in the model's vocabulary were left out`];
    await writeReport(
      perplexityReport(
        scores.map((score) => row(score, 'given documents', values.seed)),
        notes,
      ),
      values,
    );
  },
});

function row(score: Score, scored: string, seed: number | null): ScoreRow {
  return {
    measure: score.measure,
    scored_on: scored,
    documents: score.documents,
    tokens: score.tokens,
    nats_per_token: score.nats_per_token,
    perplexity: score.perplexity,
    seed,
    read_out: score.read_out,
    definition: score.definition,
  };
}

/** The ELBO that the fit ended with; the topics' own terms are part of it, where they are posteriors. */
function trainingScore(path: string, { model, record }: LoadedModel): ScoreRow {
  const last = record.trace.at(-1);
  if (last === undefined)
    throw new UserError(`${path}: was generated, not fitted, and has no ELBO`, {
      hint: `thema perplexity ${path} DOCUMENTS scores documents under it`,
    });
  const { documents, emptyDocuments, tokens } = record.corpus;
  const { per_token: perToken } = last;
  const estimate = record.stop === 'documents' ? ', estimated from the last batch of an online fit' : '';
  const what =
    model.objective !== 'elbo'
      ? '; with points for parameters ELBO is log p(documents | points)'
      : model.terms.includes('entropy_topics')
        ? ', what the topics cost included'
        : '';
  const definition = `exp(−ELBO / tokens) of the training documents${what}${estimate}`;
  return row(
    {
      measure: 'elbo',
      definition,
      documents: documents - emptyDocuments,
      tokens,
      nats_per_token: perToken,
      perplexity: exp(-perToken),
      read_out: null,
    },
    'training documents',
    null,
  );
}
