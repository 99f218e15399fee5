import { stat } from 'node:fs/promises';
import { tokenCount } from '../corpus/corpus.js';
import { cutBlocks, cutEvenly, eachBlock } from '../em/blocks.js';
import { fit, type Iteration } from '../em/fit.js';
import { fromDisk, rowsOf } from '../em/from-disk.js';
import { allocateState, allocateSums } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { type CorpusRows, type Range, withCorpusRows } from '../files/corpus-rows.js';
import { random } from '../math/random.js';
import type { TraceRow } from '../report/elbo.js';
import { counted } from '../report/table.js';
import { type AnalysisRecord, checkedRecord } from '../text/analyse.js';
import { type CorpusRecord, isCorpusFile, ofText, refuseFlags, segmentOf, sizeInWords } from './_corpus.js';
import { bestOf, checkMemory, ended, type Fitted, type Making, sizesOf, type Task } from './_fitted.js';
import type { LoadedModel } from './_model.js';
import { bytesOf } from './_numbers.js';
import { type Progress, timed } from './_progress.js';
import { continueFrom, follow, precisely, type Run, startFrom } from './_run.js';

/** Documents that first topics are made of, at most: runs of neighbours from all over the corpus. */
const START = 8192;
const RUN = 64;

/**
 * Hands `use` the rows of a corpus file of text or counts, and how its text became terms.
 *
 * @throws {UserError} if it holds points, or if its vocabulary was to be cut
 */
export async function withRows<T>(
  path: string,
  { values, given, flags }: Pick<Task, 'values' | 'given' | 'flags'>,
  use: (rows: CorpusRows, text: AnalysisRecord | null) => Promise<T>,
): Promise<T> {
  segmentOf(values.segment, 'counts');
  refuseFlags(flags, ofText('input-format', 'vocabulary'), `a corpus file, which ${path} is`);
  for (const name of ['min-df', 'max-df', 'max-vocabulary'].filter((name) => given.has(name))) {
    throw new UserError(`--${name}: has no effect on a corpus file that is read in blocks`, {
      status: STATUS.usage,
      hint: `thema import ${path} --${name} … cuts it`,
    });
  }
  return withCorpusRows(path, async (rows) => {
    if (rows === null) {
      throw new UserError(`${path}: holds points, but the model reads terms`, {
        status: STATUS.usage,
        hint: 'thema fit --model gmm reads points',
      });
    }
    const { text } = rows.record as CorpusRecord;
    return use(rows, text === null ? null : checkedRecord(text, path));
  });
}

/** Whether the input is a corpus file that is larger than --max-memory. */
export async function isReadInBlocks({ inputs, values, variant }: Task): Promise<boolean> {
  const limit = values['max-memory'];
  if (limit === undefined) return false;
  const bytes = bytesOf(limit, '--max-memory');
  if (!(await isCorpusFile(inputs)) || (await stat(inputs[0]!)).size <= bytes) return false;
  if (variant['schedule'] !== undefined) return true;
  throw new UserError(
    `${inputs[0]}: is larger than --max-memory ${limit}, but --model ${values.model} has all documents in memory`,
    { status: STATUS.usage },
  );
}

/** Fits a corpus file of which one block at a time is in memory. */
export async function fitFromDisk(task: Task): Promise<Fitted> {
  const { inputs, values, make, init, say } = task;
  const path = inputs[0]!;
  return withRows(path, task, async (rows, text) => {
    const making = make(rows.vocabulary.length, 0);
    const { model, dims, options } = making;
    checkMemory(model, dims, rows.documents);
    const best = await bestOf(values.restarts, (restart, stage) =>
      runFromDisk(path, rows, making, restart, init, say, stage),
    );
    const { tokens } = best;
    const corpus = sizesOf(tokens);
    return {
      ...making,
      ...ended(best, options.tolerance),
      text,
      vocabulary: rows.vocabulary,
      corpus,
      documents: { ids: rows.ids(), tokens, segments: undefined },
      size: sizeInWords(corpus, dims.V),
    };
  });
}

/**
 * Fits a model to the rows of a corpus file once, as `run` does to a corpus in memory, but for the start: first topics are
 * made of a part of the documents.
 *
 * @returns also the tokens of each document
 */
async function runFromDisk(
  path: string,
  rows: CorpusRows,
  { model, dims, options }: Making,
  restart: number,
  init: LoadedModel | undefined,
  progress: Progress,
  name: string,
): Promise<Run & { readonly tokens: Uint32Array }> {
  const say = timed(progress);
  const D = rows.documents;
  const read = (from: number, to: number) => rows.read([[from, to]]);
  const prepared = (from: number, to: number) => model.prepare(read(from, to), state);
  const blocks = cutBlocks(rows.rowStart());
  const tokens = new Uint32Array(D);
  await eachBlock(blocks, (from, to) => {
    const corpus = read(from, to);
    for (let d = from; d < to; d++) tokens[d] = tokenCount(corpus, d - from, d - from + 1);
  });
  const N = tokens.reduce((sum, n) => sum + n, 0);
  if (N === 0) throw new UserError(`${path}: ${counted(D, 'document')} without a token, expected some`);
  const draws = random(options.seed, restart);
  const state = allocateState(model, dims, D);
  const sums = allocateSums(model, dims);
  const part = rows.read(spread(D));
  model.initialise(part, state, draws);
  if (init !== undefined) continueFrom(init, model, part, dims, state);
  else await startFrom(model, part, dims, state, draws, say);
  await eachBlock(blocks, (from, to) => model.resetPosterior(prepared(from, to), rowsOf(model, dims, state, from, to)));
  const trace: TraceRow[] = [];
  say.begin(name, options.iterations);
  const onDisk = fromDisk(model, dims);
  const iterations = fit(onDisk, prepared, blocks, state, sums, {
    iterations: options.iterations,
    tolerance: options.tolerance ?? 0,
    softIterations: options['soft-iterations'] ?? 0,
  });
  const lastOf = (last: Iteration) => precisely({ model: onDisk, data: prepared, blocks, state, sums }, last);
  const last = await follow(iterations, { model, tokens: N, trace, say, lastOf });
  return { last, state, shares: model.shares(sums.statistics), trace, tokens };
}

/** START of D documents at most: every so many-th run of RUN. */
function spread(D: number): Range[] {
  const cuts = cutEvenly(D, RUN);
  const runs = cuts.slice(1).map((to, i): Range => [cuts[i]!, to]);
  const chosen = cutEvenly(runs.length, Math.max(1, Math.ceil(D / START)));
  return chosen.slice(0, -1).map((at) => runs[at]!);
}
