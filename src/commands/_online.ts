import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { type Blocks, cutEvenly } from '../em/blocks.js';
import type { Arrays, State, TopicModel } from '../em/model.js';
import { type Chunk, fitOnline as learn, type Step } from '../em/online.js';
import { allocateState, allocateSums, type Dims } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import type { CorpusRows, Range } from '../files/corpus-rows.js';
import { type Random, random } from '../math/random.js';
import type { TraceRow } from '../report/elbo.js';
import { counted, grouped } from '../report/table.js';
import { type AnalysisRecord, analysis, recordAnalysis } from '../text/analyse.js';
import { inputName } from '../text/input.js';
import { ldacBatches, readLdac, readVocabulary, vocabularyBeside } from '../text/ldac.js';
import { countsReader, documents } from '../text/read.js';
import { batches, isCorpusFile, ofText, refuseFlags, segmentOf, sizeInWords, tellOfTerminal } from './_corpus.js';
import { checkMemory, type Fitted, type Task } from './_fitted.js';
import type { LoadedModel } from './_model.js';
import { timed } from './_progress.js';
import { withRows } from './_rows.js';
import { continueFrom, startFrom, traceRow } from './_run.js';

/**
 * Documents held at once, at least: what first topics are made of. 20 Newsgroups in one pass, K = 100, perplexity of
 * completion: 1473 with 4,096, 1430 with 8,192.
 */
const CHUNK = 8192;

/** Documents that lie side by side in a corpus file and are visited together: a pass shuffles such runs. */
const RUN = 64;

/** Rows of a trace at most: a fit of any length keeps about as many, evenly spread. */
const MOST_ROWS = 1000;

/** The settings of the steps. */
interface StepValues {
  readonly batch: number;
  readonly documents: number | undefined;
  readonly delay: number;
  readonly kappa: number;
}

/** Documents that come in chunks. */
interface Source {
  readonly vocabulary: readonly string[];
  readonly text: AnalysisRecord | null;
  /** How many there are, if that is known. */
  readonly documents: number | undefined;
  readonly passes: number;
  chunks(): AsyncIterable<Corpus>;
  /** Tokens that came and are not in the vocabulary, so far. */
  unseen(): number;
}

/** Fits documents that are never all in memory: those of a corpus file, or text as it comes. */
export async function fitOnline(task: Task): Promise<Fitted> {
  const { inputs, values, given, flags } = task;
  for (const [name, isGiven] of [
    ['tolerance', given.has('tolerance')],
    ['max-memory', flags.has('max-memory')],
    ['restarts', values.restarts > 1],
  ] as const)
    if (isGiven) throw usage(`--${name}: has no effect with --schedule online`);
  if (given.has('proportions') && values.proportions)
    throw usage(
      '--proportions: nothing of a document is kept with --schedule online',
      'thema infer gives them, of any documents',
    );
  if (await isCorpusFile(inputs)) {
    return withRows(inputs[0]!, task, (rows, text) => fitChunks(rowsSource(rows, text, task), task));
  }
  return fitChunks(await streamSource(task), task);
}

/** Visits runs of documents in another order in each pass. */
function rowsSource(rows: CorpusRows, text: AnalysisRecord | null, { inputs, values, variant }: Task): Source {
  const { documents: D, vocabulary } = rows;
  const steps = variant as unknown as StepValues;
  if (steps.documents !== undefined)
    throw usage(`--documents: has no effect on a corpus file; ${inputs[0]} has ${grouped(D)}`);
  const passes = values.iterations ?? 1;
  const draws = random(values.seed, 1);
  return {
    vocabulary,
    text,
    documents: D,
    passes,
    async *chunks() {
      for (let pass = 0; pass < passes; pass++) {
        const order = shuffled(cutEvenly(D, RUN), draws);
        const runs = Math.ceil(chunkOf(steps.batch) / RUN);
        for (let at = 0; at < order.length; at += runs) yield rows.read(order.slice(at, at + runs));
      }
    },
    unseen: () => 0,
  };
}

/** The ranges between neighbouring cuts, in random order. */
function shuffled(cuts: Blocks, draws: Random): Range[] {
  const ranges = cuts.slice(1).map((to, i): Range => [cuts[i]!, to]);
  draws.shuffle(ranges);
  return ranges;
}

/** Text or lda-c lines in one pass, over a vocabulary that is given. */
async function streamSource({ inputs, values, variant, given, flags, say }: Task): Promise<Source> {
  const steps = variant as unknown as StepValues;
  const onWarning = (message: string) => say.say(`warning: ${message}`);
  segmentOf(values.segment, 'counts');
  for (const name of ['min-df', 'max-df', 'max-vocabulary'])
    if (given.has(name)) throw usage(`--${name}: has no effect with --schedule online, whose vocabulary is given`);
  if ((values.iterations ?? 1) > 1) {
    throw usage(
      `--iterations: got ${values.iterations}, but --schedule online reads this input once`,
      'thema import makes a corpus file, which is read as often as you like',
    );
  }
  if (values.vocabulary === '-' && inputs.includes('-'))
    throw usage('--vocabulary: got -, but stdin is read as documents');
  const reader = countsReader(inputs, values);
  if (reader !== undefined && reader !== readLdac) {
    throw usage(
      `${inputName(inputs[0]!)}: is a matrix, which --schedule online does not read`,
      `thema import ${inputs[0]} -o corpus.safetensors makes a corpus file, which it does`,
    );
  }
  if (reader === undefined && values.vocabulary === undefined) {
    throw usage(
      '--vocabulary: is missing: --schedule online reads text once, and cannot choose terms first',
      'give a file of terms, one a line; thema import SAMPLE -o sample.ldac writes sample.vocab.txt',
    );
  }
  tellOfTerminal(inputs, say);
  const vocabulary = await readVocabulary(
    values.vocabulary ?? (await vocabularyBeside(inputs)),
    onWarning,
    process.stdin,
  );
  const about = { vocabulary, documents: steps.documents, passes: 1 };
  const size = chunkOf(steps.batch);
  if (reader !== undefined) {
    refuseFlags(flags, ofText(), 'counts of terms');
    const chunks = () => ldacBatches(inputs, { vocabulary, onWarning }, process.stdin, size);
    return { ...about, text: null, chunks, unseen: () => 0 };
  }
  const text = await recordAnalysis({ ...values, segment: 'none' });
  const ready = await analysis(text);
  let unseenTokens = 0;
  return {
    ...about,
    text,
    async *chunks() {
      const found = documents(inputs, { ...values, onWarning, remembersIds: false }, process.stdin);
      for await (const { corpus, unseen } of batches(found, ready, vocabulary, size)) {
        unseenTokens += unseen.reduce((sum, n) => sum + n, 0);
        yield corpus;
      }
    },
    unseen: () => unseenTokens,
  };
}

async function fitChunks(
  source: Source,
  { inputs, values, variant, make, init, say: progress }: Task,
): Promise<Fitted> {
  const say = timed(progress);
  const { vocabulary } = source;
  const steps = variant as unknown as StepValues;
  const { model, dims, options } = make(vocabulary.length, 0);
  checkMemory(model, dims, chunkOf(steps.batch));
  const state = allocateState(model, dims, 0);
  const sums = allocateSums(model, dims);
  const draws = random(values.seed);
  const corpus = { documents: 0, emptyDocuments: 0, tokens: 0 };
  let chunk!: Corpus;
  let mean: Arrays | undefined;
  if (init !== undefined) {
    continueFrom(init, model, { ...NO_DOCUMENTS, vocabulary }, dims, state);
    mean = meanOf(init, model, dims, state);
  }

  async function* chunks(): AsyncGenerator<Chunk<unknown>> {
    let isBegun = false;
    for await (chunk of source.chunks()) {
      const D = documentCount(chunk);
      const tokens = tokenCount(chunk);
      corpus.documents += D;
      corpus.tokens += tokens;
      for (let d = 0; d < D; d++) if (chunk.rowStart[d] === chunk.rowStart[d + 1]) corpus.emptyDocuments++;
      if (tokens === 0) continue;
      if (!isBegun && init === undefined) {
        model.initialise(chunk, state, draws);
        await startFrom(model, chunk, dims, state, draws, say);
      }
      if (!isBegun) say.begin('online', source.documents === undefined ? undefined : source.documents * source.passes);
      isBegun = true;
      yield { data: model.prepare(chunk, state), batches: batchesOf(chunk, steps.batch) };
    }
  }

  const trace = sparseTrace();
  const stepOptions = {
    delay: steps.delay,
    kappa: steps.kappa,
    documents: source.documents,
    softSteps: options['soft-iterations'] ?? 0,
  };
  let last: TraceRow | undefined;
  for await (const step of learn(model, chunks(), dims, state, sums, stepOptions, mean)) {
    last = stepRow(model, step, tokenCount(chunk, step.from, step.to));
    trace.add(last);
    const perToken = last.per_token.toFixed(4);
    say.update(step.visited, `step ${step.step}  ${counted(step.visited, 'document')}  per token ${perToken}`, last);
  }
  say.end();
  if (last === undefined) {
    throw new UserError(
      `${inputs.map(inputName).join(', ')}: no token of ${counted(corpus.documents, 'document')} is in the vocabulary`,
      { hint: 'are its terms as the text settings make them, in lower case and without stop words?' },
    );
  }
  for (const count of ['documents', 'emptyDocuments', 'tokens'] as const) corpus[count] /= source.passes;
  if (source.unseen() > 0) say.say(`${counted(source.unseen(), 'token')} not in the vocabulary: left out`);
  if (source.documents !== undefined && source.documents !== corpus.documents)
    say.say(`warning: --documents said ${grouped(source.documents)}, ${grouped(corpus.documents)} came`);
  return {
    model,
    dims,
    options: { topics: dims.K, iterations: source.passes, 'soft-iterations': stepOptions.softSteps, seed: values.seed },
    vocabulary,
    text: source.text,
    corpus,
    documents: null,
    state,
    shares: model.shares(sums.statistics),
    trace: trace.with(last),
    stop: 'documents',
    size: sizeInWords(corpus, vocabulary.length),
    end: `ELBO per token ${last.per_token.toFixed(4)} in the last of ${counted(last.iteration, 'step')}`,
  };
}

const NO_DOCUMENTS = {
  rowStart: new Uint32Array(1),
  term: new Uint32Array(0),
  count: new Uint32Array(0),
  ids: [],
  meta: new Map(),
} as const satisfies Omit<Corpus, 'vocabulary'>;

/** What a fitted model says of a document's tokens: each topic's share of them, spread over its terms. */
function meanOf(init: LoadedModel, model: TopicModel<Corpus, unknown>, dims: Dims, state: State): Arrays {
  const { statistics } = allocateSums(model, dims);
  const { tokens, documents } = init.record.corpus;
  const topics = model.readings['probability']!(state);
  statistics['topicTerm']!.set(topics.map((p, i) => (p * init.shares[i % dims.K]! * tokens) / documents));
  statistics['tokens']?.set(init.shares.map((share) => (share * tokens) / documents));
  return statistics;
}

/** Documents of a chunk: whole batches. */
function chunkOf(batch: number): number {
  return batch * Math.ceil(CHUNK / batch);
}

/** Cuts documents into batches of this size; one without a token joins its neighbour. */
function batchesOf(corpus: Corpus, size: number): Blocks {
  const { rowStart } = corpus;
  const D = documentCount(corpus);
  const cuts = [0];
  for (let d = size; d < D; d += size) if (rowStart[d]! > rowStart[cuts.at(-1)!]!) cuts.push(d);
  if (rowStart[D] === rowStart[cuts.at(-1)!]!) cuts.pop();
  return [...cuts, D];
}

/** @param tokens of the batch */
function stepRow(model: TopicModel<Corpus, unknown>, found: Step, tokens: number): TraceRow {
  const { step, objective, terms, documents, visited, size, from, to } = found;
  const none = { change: null, heldOut: null, heldOutError: null, stop: null };
  return {
    ...traceRow(model, { ...none, iteration: step, kept: step, objective, terms }, (documents / (to - from)) * tokens),
    visited,
    step_size: size,
  };
}

/** Rows of a trace, every second one of which goes whenever they are too many. */
function sparseTrace() {
  let rows: TraceRow[] = [];
  let every = 1;
  const isKept = ({ iteration }: TraceRow) => (iteration - 1) % every === 0;
  return {
    add(row: TraceRow): void {
      if (isKept(row)) rows.push(row);
      if (rows.length <= MOST_ROWS) return;
      every *= 2;
      rows = rows.filter(isKept);
    },
    /** All rows that are left, and the last one. */
    with: (last: TraceRow): TraceRow[] => (rows.at(-1) === last ? rows : [...rows, last]),
  };
}

function usage(message: string, hint?: string): UserError {
  return new UserError(message, { status: STATUS.usage, hint });
}
