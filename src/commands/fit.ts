import { totalmem } from 'node:os';
import { type Corpus, documentCount, entryStart, tokenCount } from '../corpus/corpus.js';
import { holdOut } from '../corpus/select.js';
import { cutBlocks, cutEvenly } from '../em/blocks.js';
import { type FitOptions, fit, type Iteration } from '../em/fit.js';
import { infer } from '../em/infer.js';
import type { Model, StartModel, State, TopicModel } from '../em/model.js';
import { allocateState, allocateSums, type Dims, sizeOf, withDocuments } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { checkOutput } from '../files/atomic-write.js';
import { type Random, random } from '../math/random.js';
import { MODELS, type ModelKind } from '../models/index.js';
import type { TraceRow } from '../report/elbo.js';
import { counted, grouped } from '../report/table.js';
import { topicsReport } from '../report/topics.js';
import { defineCommand } from './_command.js';
import { loadCorpus, textGroups } from './_corpus.js';
import { type LoadedModel, loadModel, saveModel } from './_model.js';
import { outputFileSettings, terminalWidth, writeReport } from './_output.js';
import { type Progress, progress } from './_progress.js';
import { version } from './_version.js';

const fitSettings = {
  model: {
    kind: 'choice',
    choices: Object.keys(MODELS),
    default: 'lda',
    describe: 'what the documents are taken to come from',
  },
  topics: {
    kind: 'integer',
    alias: 'k',
    value: 'K',
    min: 1,
    max: 1_000_000,
    describe: `number of topics${defaultOf('topics')}`,
  },
  iterations: { kind: 'integer', value: 'N', min: 1, describe: `iterations of EM at most${defaultOf('iterations')}` },
  tolerance: {
    kind: 'number',
    value: 'T',
    min: 0,
    describe: `stop when an iteration raises the objective by less than this fraction of it${defaultOf('tolerance')}`,
  },
  'soft-iterations': {
    kind: 'integer',
    value: 'N',
    min: 0,
    describe: `first iterations in which documents are also tried afresh, the better kept, and priors stay as given`,
  },
  seed: { kind: 'integer', value: 'S', alias: 's', min: 0, default: 1, describe: 'seed of the random start' },
  restarts: {
    kind: 'integer',
    value: 'R',
    min: 1,
    default: 1,
    describe: 'fit this often from different starts, keep the best ELBO',
  },
  init: { kind: 'text', value: 'MODEL', describe: 'start from the topics and priors of a model file' },
  documents: { kind: 'flag', default: true, describe: "keep the documents' topic proportions in the model file" },
} as const;

/** A default that the model decides, in the words of `--help`. */
function defaultOf(name: keyof ModelKind['defaults']): string {
  const models = new Map<number, string[]>();
  for (const [model, { defaults }] of Object.entries(MODELS)) {
    models.set(defaults[name], [...(models.get(defaults[name]) ?? []), model]);
  }
  const parts = [...models].map(([value, of]) => (models.size === 1 ? `${value}` : `${value} for ${of.join(', ')}`));
  return ` [default: ${parts.join('; ')}]`;
}

export const command = defineCommand({
  name: 'fit',
  description: `Fits a topic model by variational EM. Without -o, prints the topics and keeps nothing.

${Object.entries(MODELS)
  .map(([name, { summary }]) => `  --model ${name.padEnd(8)} ${summary}`)
  .join('\n')}

INPUTS are folders of text files, .txt, .csv, .tsv, .ndjson or .jsonl files, lda-c .ldac files, each also as .gz or .br,
or a corpus file made by thema import; - is stdin.`,
  examples: [
    ['thema fit articles.csv --text body -k 50 -o news.safetensors', 'a column of a CSV file'],
    ['zcat dump.ndjson.gz | thema fit - -k 200 -o m.safetensors', 'a pipe'],
    ['thema fit folder-of-texts', 'look at the topics first'],
  ],
  operands: [{ name: 'inputs', many: true }],
  groups: { Fit: fitSettings, ...textGroups, Output: outputFileSettings },
  variants: {
    by: 'model',
    settings: Object.fromEntries(Object.entries(MODELS).map(([name, { settings }]) => [name, settings])),
  },
  async run({ inputs, values, variant, given }) {
    const kind = MODELS[values.model]!;
    const say = progress(values);
    const { output } = values;
    if (output !== undefined) await checkOutput(output, values.force);
    const start = values.init === undefined ? undefined : await loadModel(values.init);
    if (start !== undefined && given.has('topics') && start.dims.K !== values.topics) {
      throw new UserError(`--topics: got ${values.topics}, but ${values.init} has ${start.dims.K} topics`, {
        status: STATUS.usage,
      });
    }
    const { corpus, text } = await loadCorpus(
      inputs,
      values,
      given,
      say,
      kind.reads,
      variant['columns'] as string | undefined,
    );
    const dims: Dims = { V: corpus.vocabulary.length, K: start?.dims.K ?? values.topics ?? kind.defaults.topics };
    const model = kind.create(variant, { ...dims, columns: corpus.vectors?.columns.length ?? 0 });
    const options = { ...kind.defaults, ...defined({ 'soft-iterations': model.softIterations }), ...defined(values) };
    if (corpus.vectors === undefined) checkTokens(inputs, corpus, dims.K);
    checkMemory(model, dims, documentCount(corpus));

    let best: Run | undefined;
    for (let restart = 0; restart < values.restarts; restart++) {
      const stage = values.restarts === 1 ? 'fit' : `fit ${restart + 1} of ${values.restarts}`;
      const run = await runOnce(model, corpus, dims, options, restart, start, say, stage);
      if (best === undefined || run.last.objective > best.last.objective) best = run;
    }
    const { last, state, shares, trace } = best!;
    const reason = {
      converged: `converged (change below ${options.tolerance})`,
      iterations: 'stopped at --iterations',
      'held-out': 'stopped as the held-out bound no longer rises, at its best',
    }[last.stop!];
    const error = best!.standardError === undefined ? '' : ` ± ${best!.standardError.toFixed(2)}`;
    say.say(
      `${model.name}: ${counted(dims.K, 'topic')}, ${counted(documentCount(corpus), 'document')}, ${counted(dims.V, 'term')}; ` +
        `ELBO ${last.objective.toFixed(2)}${error} after ${counted(last.iteration, 'iteration')}, ${reason}`,
    );

    const settings: Record<string, unknown> = { topics: dims.K };
    for (const name of ['iterations', 'tolerance', 'soft-iterations', 'restarts', 'init'] as const)
      settings[name] = options[name] ?? null;
    Object.assign(settings, variant);
    if (output === undefined) {
      const [reading, weights] = Object.entries(model.readings)[0] ?? ['', () => new Float64Array(0)];
      const report = topicsReport(weights(state), shares, corpus.vocabulary, {
        reading,
        columns: corpus.vectors?.columns,
        terms: 10,
        order: 'share',
        weights: false,
        width: terminalWidth(values),
        facts: (k) => model.facts(state, k),
      });
      await writeReport(report, { format: 'text', json: false, output: undefined, force: false });
      say.say('nothing was kept; to keep the model add -o FILE.safetensors');
      return;
    }
    const tokens = new Uint32Array(documentCount(corpus)).map((_, d) => tokenCount(corpus, d, d + 1));
    const bytes = await saveModel(
      output,
      { force: values.force, stdout: process.stdout },
      {
        name: values.model,
        model,
        dims,
        state,
        shares,
        vocabulary: corpus.vocabulary,
        documents: values.documents ? { ids: corpus.ids, tokens, segments: corpus.segments } : null,
        record: {
          version: version(),
          settings,
          seed: values.seed,
          text,
          ...(corpus.vectors === undefined ? {} : { columns: corpus.vectors.columns }),
          corpus: {
            documents: documentCount(corpus),
            emptyDocuments: tokens.reduce((empty, n) => empty + (n === 0 ? 1 : 0), 0),
            tokens: tokenCount(corpus),
          },
          stop: last.stop!,
          trace,
        },
      },
    );
    if (output !== '-') say.say(`wrote ${output} (${size(bytes)}). Next: thema topics ${output}`);
  },
});

interface Run {
  /** The last iteration; where the model is stochastic, its parameters evaluated on all documents. */
  readonly last: Iteration;
  /** Of the objective, where it is estimated from samples. */
  readonly standardError?: number;
  readonly state: State;
  readonly shares: Float64Array;
  readonly trace: TraceRow[];
}

async function runOnce(
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  values: ModelKind['defaults'] & { readonly seed: number },
  restart: number,
  start: LoadedModel | undefined,
  say: Progress,
  stage: string,
): Promise<Run> {
  const draws = random(values.seed, restart);
  const { fitted, heldOut } = holdOut(corpus, model.heldOut?.share ?? 0, draws);
  const state = allocateState(model, dims, documentCount(fitted));
  const sums = allocateSums(model, dims);
  const tokens = tokenCount(fitted);
  model.initialise(fitted, state, draws);
  if (start !== undefined) continueFrom(start, model, corpus, dims, state);
  else if (model.start !== undefined) await startFrom(model.start, model, fitted, dims, state, draws, say);
  const data = model.prepare(fitted, state);
  model.resetPosterior(data, state);
  const trace: TraceRow[] = [];
  let last: Iteration | undefined;
  say.begin(stage, values.iterations);
  const options = {
    iterations: values.iterations,
    tolerance: values.tolerance,
    softIterations: values['soft-iterations'],
    heldOut: heldOut === null ? undefined : heldOutOf(model, heldOut, dims, state),
  };
  const blocks =
    model.batch === undefined ? cutBlocks(entryStart(fitted)) : cutEvenly(documentCount(fitted), model.batch);
  for await (last of fit(model, data, blocks, state, sums, options)) {
    const row = traceRow(model, last, tokens);
    trace.push(row);
    const change = row.change === null ? '' : `  change ${row.change.toExponential(1)}`;
    say.update(
      last.iteration,
      `iteration ${last.iteration}  ELBO ${row.elbo.toFixed(1)}  per token ${row.per_token.toFixed(4)}${change}`,
      row,
    );
  }
  say.end();
  if (model.stochastic !== true) return { last: last!, state, shares: model.shares(sums.statistics), trace };
  // What noisy passes over some of the documents left is evaluated on all of them: the last row of the trace.
  const whole = withDocuments(model, dims, state, documentCount(corpus));
  const found = { ...allocateSums(model, dims), variance: new Float64Array(1) };
  model.globalTerms(whole, found.terms);
  const terms = await infer(model, model.prepare(corpus, whole), cutBlocks(entryStart(corpus)), whole, found);
  const evaluated: Iteration = { ...last!, terms, objective: terms.reduce((sum, term) => sum + term), change: null };
  const standardError = Math.sqrt(found.variance[0]!);
  trace[trace.length - 1] = {
    ...traceRow(model, evaluated, tokenCount(corpus)),
    standard_error: standardError,
  };
  return { last: evaluated, standardError, state: whole, shares: model.shares(found.statistics), trace };
}

function heldOutOf(
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  parameters: State,
): NonNullable<FitOptions<unknown>['heldOut']> {
  const state = withDocuments(model, dims, parameters, documentCount(corpus));
  const data = model.prepare(corpus, state);
  return { data, blocks: cutBlocks(entryStart(corpus)), state, patience: model.heldOut!.patience };
}

/** Fits the start of a model, and gives its statistics to the model's first M-step. */
async function startFrom(
  start: StartModel<Corpus, unknown>,
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  state: State,
  draws: Random,
  say: Progress,
): Promise<void> {
  const data = start.prepare(corpus);
  const startState = allocateState(start, dims, documentCount(corpus));
  const sums = allocateSums(start, dims);
  start.initialise(data, sums.statistics, draws);
  start.resetPosterior(data, startState);
  const { iterations, tolerance, softIterations } = start;
  say.begin('start', iterations);
  for await (const { iteration, objective } of fit(start, data, start.blocks(data), startState, sums, {
    iterations,
    tolerance,
    softIterations,
  })) {
    say.update(iteration, `pass ${iteration}  ${start.objective} ${objective.toFixed(1)}`, {
      iteration,
      [start.objective]: objective,
    });
  }
  say.end();
  model.mStep(state, { ...allocateSums(model, dims).statistics, ...sums.statistics }, true);
}

/** The ELBO is the objective but for the log prior of the point estimates, if it has one. */
function traceRow(
  model: Model<unknown>,
  { iteration, objective, change, heldOut, heldOutError, terms }: Iteration,
  tokens: number,
): TraceRow {
  const named: Record<string, number> = Object.fromEntries(model.terms.map((name, i) => [name, terms[i]!]));
  const elbo = objective - (named['log_prior'] ?? 0);
  return {
    iteration,
    elbo,
    // An objective of 0 has no relative change.
    change: change !== null && Number.isFinite(change) ? change : null,
    per_token: elbo / tokens,
    ...(model.objective === 'log_posterior' ? { log_posterior: objective } : {}),
    ...(heldOut === null ? {} : { held_out: heldOut, held_out_error: heldOutError }),
    ...(model.stochastic ? { standard_error: null } : {}),
    ...named,
  };
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The settings that have a value. */
function defined<T extends object>(values: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** Copies the parameters of a fitted model; a term it does not know starts with each topic's smallest value. */
function continueFrom(
  start: LoadedModel,
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  { V, K }: Dims,
  state: State,
): void {
  const row = new Map(start.vocabulary.map((term, w) => [term, w]));
  for (const [name, to] of Object.entries(state.params)) {
    const from = start.state.params[name];
    if (from === undefined) {
      throw new UserError(`--init: the model has no ${name}: it is another model, or was fitted with other settings`, {
        status: STATUS.usage,
      });
    }
    const [first, ...rest] = model.params[name]!;
    const width = sizeOf(rest, { V, K });
    if (first === 'V' ? from.length !== start.vocabulary.length * width : from.length !== to.length) {
      throw new UserError(
        `--init: ${name} has ${from.length} numbers, expected ${to.length}: fitted with other settings`,
        {
          status: STATUS.usage,
        },
      );
    }
    if (first !== 'V') {
      to.set(from);
      continue;
    }
    if (rest[0] !== 'K') {
      for (let w = 0; w < V; w++) {
        const known = row.get(corpus.vocabulary[w]!);
        if (known === undefined) to.fill(0, w * width, (w + 1) * width);
        else to.set(from.subarray(known * width, (known + 1) * width), w * width);
      }
      continue;
    }
    const smallest = new Float64Array(K).fill(Number.POSITIVE_INFINITY);
    for (let i = 0; i < from.length; i++) smallest[i % K] = Math.min(smallest[i % K]!, from[i]!);
    for (let w = 0; w < V; w++) {
      const known = row.get(corpus.vocabulary[w]!);
      to.set(known === undefined ? smallest : from.subarray(known * K, (known + 1) * K), w * K);
    }
  }
  model.derive(state);
}

function checkTokens(inputs: readonly string[], corpus: Corpus, K: number): void {
  const tokens = tokenCount(corpus);
  if (tokens === 0)
    throw new UserError(`${inputs.join(', ')}: ${documentCount(corpus)} documents without a token, expected some`);
  if (K > tokens) {
    throw new UserError(`--topics: got ${grouped(K)}, expected at most one for each of the ${grouped(tokens)} tokens`, {
      status: STATUS.usage,
      hint: '-k N chooses the number of topics',
    });
  }
}

/** Refuses a fit whose arrays cannot fit into the machine, before it begins. */
function checkMemory(model: TopicModel<Corpus, unknown>, dims: Dims, D: number): void {
  let numbers = 0;
  for (const shapes of [model.params, model.derived, model.statistics])
    for (const axes of Object.values(shapes)) numbers += sizeOf(axes, dims);
  for (const axes of Object.values(model.posterior)) numbers += D * sizeOf(axes, dims);
  const gigabytes = (8 * numbers) / 2 ** 30;
  if (gigabytes > totalmem() / 2 ** 30) {
    throw new UserError(
      `--topics: ${grouped(dims.K)} topics of ${grouped(dims.V)} terms and ${grouped(D)} documents need ${gigabytes.toFixed(1)} GiB, ` +
        `this machine has ${(totalmem() / 2 ** 30).toFixed(1)}`,
      { status: STATUS.usage, hint: 'fewer topics, or fewer terms with --max-vocabulary' },
    );
  }
}
