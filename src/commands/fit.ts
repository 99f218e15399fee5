import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { holdOut } from '../corpus/select.js';
import type { Dims } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { checkOutput } from '../files/atomic-write.js';
import { startThreads } from '../kernels/memory.js';
import { random } from '../math/random.js';
import { MODELS, type ModelKind } from '../models/index.js';
import { counted, grouped } from '../report/table.js';
import { topicsReport } from '../report/topics.js';
import { version } from '../version.js';
import { defineCommand } from './_command.js';
import { corpusSize, loadCorpus, textGroups } from './_corpus.js';
import { bestOf, checkMemory, ended, type Fitted, type Making, sizesOf, type Task } from './_fitted.js';
import { loadModel, saveModel } from './_model.js';
import { bytesOf } from './_numbers.js';
import { fitOnline } from './_online.js';
import { outputFileSettings, terminalWidth, writeReport } from './_output.js';
import { progress } from './_progress.js';
import { fitFromDisk, isReadInBlocks } from './_rows.js';
import { heldOutShare, run } from './_run.js';
import { threadsOf, threadsSettings } from './_threads.js';

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
  iterations: {
    kind: 'integer',
    value: 'N',
    min: 1,
    describe: `iterations of EM at most; passes with --schedule online${defaultOf('iterations')}`,
  },
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
    describe: 'fit this often from different starts, keep the one whose objective is highest',
  },
  init: { kind: 'text', value: 'MODEL', describe: 'start from the topics and priors of a model file' },
  ...threadsSettings,
  proportions: {
    kind: 'flag',
    default: true,
    describe: 'leave the documents and their topic proportions out of the model file',
  },
  'max-memory': {
    kind: 'text',
    value: 'SIZE',
    describe:
      'read a corpus file that is larger than this (500M, 2G) in blocks, once an iteration; what is known of its ' +
      'documents, topics × documents numbers, stays in memory. lda of a smaller one has fewer blocks where what is ' +
      'stored of them would take more than a quarter of this',
  },
} as const;

/** The part of --max-memory that may be stored of blocks. */
const STORED = 1 / 4;

/** A default that the model decides, in the words of `--help`. */
function defaultOf(name: keyof ModelKind['defaults']): string {
  const models = new Map<number, string[]>();
  for (const [model, { defaults }] of Object.entries(MODELS)) {
    const value = defaults[name];
    if (value !== undefined) models.set(value, [...(models.get(value) ?? []), model]);
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
    [
      'cat huge.ndjson | thema fit - --schedule online --vocabulary v.txt -o m.safetensors',
      'any number of documents, in the memory of a few thousand',
    ],
  ],
  operands: [{ name: 'inputs', many: true }],
  groups: { Fit: fitSettings, ...textGroups, Output: outputFileSettings },
  variants: {
    by: 'model',
    settings: Object.fromEntries(Object.entries(MODELS).map(([name, { settings }]) => [name, settings])),
  },
  async run({ inputs, values, variant: settingsOfModel, given, flags }) {
    const variant = { ...settingsOfModel };
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
    if (start !== undefined && values.restarts > 1) {
      throw new UserError('--restarts: has no effect with --init, which is the start', { status: STATUS.usage });
    }
    const make = (V: number, columns: number): Making => {
      const limit = values['max-memory'];
      const dims: Dims = {
        V,
        K: start?.dims.K ?? values.topics ?? kind.defaults.topics,
        // documents that are read in blocks have nothing stored
        ...(limit === undefined || !isInMemory ? {} : { storedBytes: bytesOf(limit, '--max-memory') * STORED }),
      };
      const model = kind.create(variant, { ...dims, columns, threads: threadsOf(values) });
      if (start !== undefined && flags.has('eta') && model.params['eta'] !== undefined) {
        throw new UserError(`--eta: has no effect with --init, which has its own`, { status: STATUS.usage });
      }
      const options = { ...kind.defaults, ...defined({ 'soft-iterations': model.softIterations }), ...defined(values) };
      for (const [name, has] of [
        ['soft-iterations', (model.softIterations ?? kind.defaults['soft-iterations']) !== undefined],
        ['tolerance', kind.defaults.tolerance !== undefined],
      ] as const) {
        if (given.has(name) && !has) {
          throw new UserError(`--${name}: has no effect on --model ${values.model}`, { status: STATUS.usage });
        }
      }
      for (const name of ['soft-iterations', 'tolerance', 'schedule']) {
        if (given.has(name) && variant['inference'] === 'collapsed') {
          throw new UserError(`--${name}: has no effect with --inference collapsed`, { status: STATUS.usage });
        }
      }
      return { model, dims, options };
    };
    const task: Task = { inputs, values, variant, given, flags, kind, make, init: start, say };
    const isOnline = variant['schedule'] === 'online';
    const isInMemory = !isOnline && !(await isReadInBlocks(task));
    // The collapsed stage begins a fit, and has all documents in memory: elsewhere, VB.
    if (variant['inference'] === 'auto' && (!isInMemory || start !== undefined)) variant['inference'] = 'vb';
    for (const inference of ['collapsed', 'map']) {
      if (variant['inference'] !== inference || (isInMemory && (inference === 'map' || start === undefined))) continue;
      const how = isInMemory ? '--init' : isOnline ? '--schedule online' : 'blocks of --max-memory';
      throw new UserError(`--inference ${inference}: is not there with ${how}`, { status: STATUS.usage });
    }
    // Statistics of blocks are stored in memory, and do not pay in the few iterations that may end an `auto` fit.
    const isAscent = variant['inference'] === 'vb' || variant['inference'] === 'map';
    if (variant['schedule'] === 'incremental' && !(isInMemory && isAscent)) {
      if (!given.has('schedule')) variant['schedule'] = 'batch';
      else if (!isInMemory) {
        const message = '--schedule incremental: is not there with blocks of --max-memory';
        throw new UserError(message, { status: STATUS.usage });
      }
    }
    // while documents are read
    if (variant['precise'] !== true) startThreads(threadsOf(values));
    const fitted = await (isInMemory ? fitInMemory : isOnline ? fitOnline : fitFromDisk)(task);
    const { model, dims, options, vocabulary, columns, state, shares, trace } = fitted;
    const { readOut } = state;
    const read = readOut === undefined ? '' : `; read-out ${readOut}`;
    say.say(`${model.name}: ${counted(dims.K, 'topic')}, ${fitted.size}; ${fitted.end}${read}`);

    const settings: Record<string, unknown> = { topics: dims.K };
    for (const name of ['iterations', 'tolerance', 'soft-iterations', 'restarts', 'init', 'max-memory'] as const)
      settings[name] = { ...values, ...options }[name] ?? null;
    Object.assign(settings, variant);
    if (output === undefined) {
      const [reading, weights] = Object.entries(model.readings)[0] ?? ['', () => new Float64Array(0)];
      const report = topicsReport(weights(state), shares, vocabulary, {
        reading,
        readOut,
        columns,
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
    const bytes = await saveModel(
      output,
      { force: values.force, stdout: process.stdout },
      {
        name: values.model,
        model,
        dims,
        state,
        shares,
        vocabulary,
        documents: values.proportions ? fitted.documents : null,
        record: {
          version: version(),
          settings,
          seed: values.seed,
          text: fitted.text,
          ...(columns === undefined ? {} : { columns }),
          corpus: fitted.corpus,
          stop: fitted.stop,
          trace,
          ...(readOut === undefined ? {} : { readOut: { by: readOut, heldOut: fitted.readOutScores ?? null } }),
        },
      },
    );
    if (output !== '-') say.say(`wrote ${output} (${size(bytes)}). Next: thema topics ${output}`);
  },
});

/** Fits a corpus that is in memory. */
async function fitInMemory(task: Task): Promise<Fitted> {
  const { values, init, say } = task;
  const { parts, draws, making, ...about } = await readParts(task);
  const { model, dims, options } = making;
  const best = await bestOf(values.restarts, (restart, stage) =>
    run(model, parts, dims, options, restart === 0 ? draws : random(options.seed, restart), init, say, stage),
  );
  return { ...making, ...ended(best, options.tolerance), ...about };
}

/** Reads the corpus, and holds some of it out: what is not returned of it need not be in memory any longer. */
async function readParts({ inputs, values, variant, given, flags, kind, make, init, say }: Task) {
  const chosen = variant['columns'] as string | undefined;
  const { corpus, text } = await loadCorpus(inputs, values, { given, flags }, say, kind.reads, chosen);
  const columns = corpus.vectors?.columns;
  const making = make(corpus.vocabulary.length, columns?.length ?? 0);
  const { model, dims, options } = making;
  if (columns === undefined) checkTokens(inputs, corpus, dims.K);
  checkMemory(model, dims, documentCount(corpus));
  const draws = random(options.seed);
  const tokens = new Uint32Array(documentCount(corpus)).map((_, d) => tokenCount(corpus, d, d + 1));
  return {
    parts: holdOut(corpus, heldOutShare(model, init), draws),
    draws,
    making,
    text,
    vocabulary: corpus.vocabulary,
    columns,
    corpus: sizesOf(tokens),
    documents: { ids: corpus.ids, tokens, segments: corpus.segments },
    size: corpusSize(corpus),
  };
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The settings that have a value. */
function defined<T extends object>(values: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
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
