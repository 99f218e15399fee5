import { type Corpus, documentCount, entryStart, tokenCount } from '../corpus/corpus.js';
import type { Parts } from '../corpus/select.js';
import { type Blocks, cutBlocks, cutEvenly, cutMemoised } from '../em/blocks.js';
import { type FitOptions, fit, type Iteration, type StopReason } from '../em/fit.js';
import { objectiveOf, patienceFor, type Score, type Watch, watchHeldOut } from '../em/held-out.js';
import { infer } from '../em/infer.js';
import type { Model, Stage, State, TopicModel } from '../em/model.js';
import { type FitSums, type Pass, SCHEDULES } from '../em/schedules.js';
import { allocateState, allocateSums, clear, type Dims, inOrderOfCorpus, sizeOf, withDocuments } from '../em/state.js';
import { NumericalError, STATUS, UserError } from '../errors.js';
import type { Random } from '../math/random.js';
import type { ModelKind } from '../models/index.js';
import { PASSES, type TraceRow } from '../report/elbo.js';
import type { LoadedModel, ReadOutScores } from './_model.js';
import { type Progress, timed } from './_progress.js';

/** EM that follows a stage goes on for as long as it gains so much, in nats a token, in so many iterations. */
const POLISH = { patience: 2, gain: 0.001 };

/** A fit, from its start to its trace. */
export interface Run {
  /** The last iteration; where its schedule is stochastic, its parameters evaluated on all documents. */
  readonly last: Iteration;
  /** Of the objective, where it is estimated from samples. */
  readonly standardError?: number;
  readonly state: State;
  readonly shares: Float64Array;
  readonly trace: TraceRow[];
  /** What held-out documents said of each read-out that they chose from. */
  readonly readOutScores?: ReadOutScores | undefined;
}

/** The share of the documents that a fit of `model` holds out, from a start of its own or from a model file. */
export function heldOutShare(model: TopicModel<Corpus, unknown>, init: LoadedModel | undefined): number {
  const watches = (model.stage !== undefined && init === undefined) || model.schedule === 'stochastic';
  return watches ? (model.heldOut?.share ?? 0) : 0;
}

/** Fits `model` to some documents once: from `init`, or from a start that is drawn. */
export async function run(
  model: TopicModel<Corpus, unknown>,
  { ordered, fitted, heldOut, isFitted }: Parts,
  dims: Dims,
  values: ModelKind['defaults'],
  draws: Random,
  init: LoadedModel | undefined,
  progress: Progress,
  name: string,
): Promise<Run> {
  const say = timed(progress);
  const D = documentCount(fitted);
  const state = allocateState(model, dims, documentCount(ordered));
  const sums = allocateSums(model, dims);
  let stage = init === undefined ? model.stage?.(fitted, heldOut, draws) : undefined;
  if (stage === undefined) model.initialise(fitted, state, draws);
  if (init !== undefined) continueFrom(init, model, ordered, dims, state);
  const data = model.prepare(fitted, state);
  const whole = heldOut === null ? data : model.prepare(ordered, state);
  if (stage === undefined) model.resetPosterior(data, state);
  const blocks =
    model.batch !== undefined
      ? cutEvenly(D, model.batch)
      : model.schedule === 'incremental'
        ? cutMemoised(entryStart(fitted), dims)
        : cutBlocks(entryStart(fitted));
  const heldOutBlocks = heldOut === null ? [] : cutBlocks(entryStart(heldOut)).map((d) => D + d);
  const score: Score =
    stage === undefined
      ? objectiveOf(model, whole, heldOutBlocks, state)
      : async () => ({ score: stage!.score(state)!, error: null });
  const watch =
    heldOut === null ? undefined : watchHeldOut(model, state, score, patienceFor(model.heldOut!, tokenCount(heldOut)));
  // what is said per token is said per point where documents are points
  const lengthOf: (corpus: Corpus) => number = model.predictor === undefined ? documentCount : tokenCount;
  const trace: TraceRow[] = [];
  const told = { model, tokens: lengthOf(fitted), trace, say };
  /** With documents held out, it is one more row that has the last word. */
  const lastOf =
    watch === undefined ? (last: Iteration) => precisely({ model, data, blocks, state, sums }, last) : undefined;

  /** Lets go of what it has of every document. */
  function endStage(): void {
    stage?.close();
    stage = undefined;
  }

  let last: Iteration | undefined;
  /** Passes of a stage before EM's iterations. */
  let after = 0;
  let readOutScores: ReadOutScores | undefined;
  let { iterations } = values;
  try {
    const next = stage?.next ?? 'em';
    if (stage !== undefined) {
      const found = passes(model, stage, data, blocks, state, sums, iterations, watch);
      say.begin(next === 'em' ? 'start' : name, Math.min(iterations, stage.iterations));
      last = await follow(found, { ...told, stage: stage.name, lastOf: next === 'em' ? undefined : lastOf });
      if (next === 'em') iterations += last.iteration;
    }
    if (next === 'em' || (next === 'em if it pays' && watch !== undefined && last!.iteration < iterations)) {
      after = last?.iteration ?? 0;
      if (stage !== undefined) {
        watch?.keep();
        stage.handOver(state);
        watch?.renew(after, POLISH);
      }
      const emStage = stage && (model.objective === 'elbo' ? 'vb' : 'map');
      if (next === 'em') endStage();
      const options: FitOptions = {
        iterations,
        tolerance: values.tolerance ?? 0,
        softIterations: values['soft-iterations'] ?? 0,
        watch,
        after,
      };
      say.begin(next === 'em' ? name : 'polish', iterations - after);
      last = await follow(fit(model, data, blocks, state, sums, options), { ...told, stage: emStage, after, lastOf });
    }
    if (stage !== undefined && heldOut !== null) readOutScores = chooseReadOut(model, stage, state);
  } finally {
    endStage();
  }
  if (watch === undefined && model.schedule !== 'stochastic')
    return { last: last!, state, shares: model.shares(sums.statistics), trace };

  // What some of the documents left is completed with the others and evaluated on all of them: one more row.
  const found = { ...sums, variance: new Float64Array(1) };
  clear(found);
  const allBlocks = cutBlocks(entryStart(ordered));
  if (model.absorb === undefined) {
    model.globalTerms(state, found.terms);
    await infer(model, whole, allBlocks, state, found);
  } else {
    await infer(model, whole, heldOutBlocks, state, found);
    model.absorb(state, found.statistics);
    await SCHEDULES.batch({ model, data: whole, blocks: allBlocks, state, sums: found })('fixed', true);
  }
  inOrderOfCorpus(state, isFitted);
  const { terms } = found;
  const { kept } = last!;
  const evaluated: Iteration = {
    ...last!,
    iteration: kept,
    terms,
    objective: terms.reduce((sum, term) => sum + term),
    change: null,
  };
  const atKept = trace.find(({ iteration }) => iteration === kept)!;
  const standardError = model.schedule === 'stochastic' ? Math.sqrt(found.variance[0]!) : undefined;
  const row: TraceRow = {
    ...traceRow(model, evaluated, lengthOf(ordered), atKept['stage'] as string | undefined),
    held_out: atKept['held_out']!,
    ...(standardError === undefined
      ? {}
      : { held_out_error: atKept['held_out_error']!, standard_error: standardError }),
  };
  trace.push(row);
  say.update(last!.iteration - after, `all documents  ELBO ${row.elbo.toFixed(1)}`, row);
  return {
    last: { ...evaluated, iteration: last!.iteration, change: last!.change },
    ...(standardError === undefined ? {} : { standardError }),
    state,
    shares: model.shares(found.statistics),
    trace,
    readOutScores,
  };
}

/** Has held-out documents choose how topics are read: the first read-out, unless another gains what it has to. */
function chooseReadOut(model: TopicModel<Corpus, unknown>, stage: Stage, state: State): ReadOutScores | undefined {
  const readOuts = Object.entries(model.readOuts ?? {});
  if (readOuts.length < 2) return undefined;
  const scores = Object.fromEntries(readOuts.map(([name]) => [name, stage.score(state, name)!]));
  const [best] = readOuts.reduce((a, b) => (scores[b[0]]! > scores[a[0]]! + b[1] ? b : a));
  state.readOut = best;
  return scores;
}

/** What a fit tells of its iterations. */
interface Told {
  readonly model: Model<unknown>;
  readonly tokens: number;
  readonly trace: TraceRow[];
  readonly say: Progress;
  /** Where a fit has stages, whose iterations these are, and how many came before them. */
  readonly stage?: string | undefined;
  readonly after?: number;
  /** What is told of the last iteration in its place. */
  readonly lastOf?: ((last: Iteration) => Promise<Iteration>) | undefined;
}

/**
 * The last iteration with its objective computed again from the parameters and posteriors that it leaves, in double
 * precision, where E-steps err by more. The q of what is not kept, such as the topics of tokens, is the best given those:
 * the objective does not fall by it.
 */
export async function precisely<Data>(pass: Pass<Data>, last: Iteration): Promise<Iteration> {
  if (pass.model.rounding === undefined) return last;
  await SCHEDULES.batch(pass)('fixed', true);
  const terms = pass.sums.terms.slice();
  const objective = terms.reduce((sum, term) => sum + term);
  const previous = last.objective - last.change! * Math.abs(last.objective);
  return {
    ...last,
    terms,
    objective,
    change: last.change === null ? null : (objective - previous) / Math.abs(objective),
  };
}

/** Goes to the last of some iterations; each adds a row to the trace, and a line to what is said. */
export async function follow(
  found: AsyncIterable<Iteration>,
  { model, tokens, trace, say, stage, after = 0, lastOf }: Told,
): Promise<Iteration> {
  let last: Iteration | undefined;
  for await (last of found) {
    if (last.stop !== null && lastOf !== undefined) last = await lastOf(last);
    const row = traceRow(model, last, tokens, stage);
    trace.push(row);
    const done = last.iteration - after;
    const change = row.change === null ? '' : `  change ${row.change.toExponential(1)}`;
    const kind = stage === PASSES ? 'pass' : 'iteration';
    say.update(
      done,
      `${kind} ${done}  ELBO ${row.elbo.toFixed(1)}  per token ${row.per_token.toFixed(4)}${change}`,
      row,
    );
  }
  say.end();
  return last!;
}

/** The passes of a stage, each as an iteration with the terms of the objective at what it has reached. */
async function* passes(
  model: TopicModel<Corpus, unknown>,
  stage: Stage,
  data: unknown,
  blocks: Blocks,
  state: State,
  sums: FitSums,
  iterations: number,
  watch: Watch | undefined,
): AsyncGenerator<Iteration, void> {
  const evaluate = SCHEDULES.batch({ model, data, blocks, state, sums });
  let previous: number | null = null;
  for (let iteration = 1; ; iteration++) {
    await stage.pass();
    const isLast = iteration >= Math.min(iterations, stage.iterations);
    if (iteration % stage.every !== 0 && !isLast) continue;
    stage.read(state);
    await evaluate('fixed', true);
    const terms = sums.terms.slice();
    const objective = terms.reduce((sum, term) => sum + term);
    if (!Number.isFinite(objective))
      throw new NumericalError(`${model.objective} of ${model.name} is ${objective} after pass ${iteration}`);
    const change = previous === null ? null : (objective - previous) / Math.abs(objective);
    previous = objective;
    const seen = await watch?.see(iteration);
    const stop: StopReason | null = seen?.isPast
      ? 'held-out'
      : !isLast
        ? null
        : iteration >= iterations
          ? 'iterations'
          : 'passes';
    const kept = stop === null || watch === undefined ? iteration : watch.restore();
    yield { iteration, objective, terms, change, heldOut: seen?.score ?? null, heldOutError: null, stop, kept };
    if (stop !== null) return;
    watch?.keep();
  }
}

/** First topics and priors from a stage of some documents, if the model has one. */
export async function startFrom(
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  state: State,
  draws: Random,
  say: Progress,
): Promise<void> {
  const stage = model.stage?.(corpus, null, draws);
  if (stage === undefined) return;
  try {
    say.begin('start', stage.iterations);
    for (let pass = 1; pass <= stage.iterations; pass++) {
      await stage.pass();
      say.update(pass, `pass ${pass}`, { iteration: pass, stage: stage.name });
    }
    say.end();
    const own = withDocuments(model, dims, state, documentCount(corpus));
    stage.read(own);
    stage.handOver(own);
  } finally {
    stage.close();
  }
}

/** The ELBO is the objective but for the log prior of the point estimates, if it has one. */
export function traceRow(
  model: Model<unknown>,
  { iteration, objective, change, heldOut, heldOutError, terms }: Iteration,
  tokens: number,
  stage?: string,
): TraceRow {
  const named: Record<string, number> = Object.fromEntries(model.terms.map((name, i) => [name, terms[i]!]));
  const elbo = objective - (named['log_prior'] ?? 0);
  return {
    iteration,
    ...(stage === undefined ? {} : { stage }),
    elbo,
    // An objective of 0 has no relative change.
    change: change !== null && Number.isFinite(change) ? change : null,
    per_token: elbo / tokens,
    ...(model.objective === 'log_posterior' ? { log_posterior: objective } : {}),
    ...(heldOut === null ? {} : { held_out: heldOut }),
    ...(heldOutError === null ? {} : { held_out_error: heldOutError }),
    ...(model.schedule === 'stochastic' ? { standard_error: null } : {}),
    ...named,
  };
}

/**
 * Copies the parameters of a fitted model, those of a term by the term's name. A term it does not know starts with each
 * topic's smallest value, or with 0 in arrays that are not of topics.
 */
export function continueFrom(
  init: LoadedModel,
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  state: State,
): void {
  const [was, is] = [init.record.columns, corpus.vectors?.columns].map(
    (columns) => columns?.join(', ') ?? 'no columns',
  );
  if (was !== is) throw new UserError(`--init: was fitted to ${was}, got ${is}`, { status: STATUS.usage });
  const rowOf = new Map(init.vocabulary.map((term, w) => [term, w]));
  for (const [name, to] of Object.entries(state.params)) {
    const [first, ...others] = model.params[name]!;
    const width = sizeOf(others, dims);
    const from = init.state.params[name];
    const expected = first === 'V' ? init.vocabulary.length * width : to.length;
    if (from?.length !== expected) {
      const message = `--init: got ${from?.length ?? 'no'} numbers of ${name}, expected ${expected}`;
      throw new UserError(message, {
        status: STATUS.usage,
        hint: 'it is another model, or was fitted with other settings',
      });
    }
    if (first !== 'V') {
      to.set(from);
      continue;
    }
    const unknown = new Float64Array(width);
    if (others[0] === 'K') {
      unknown.fill(Number.POSITIVE_INFINITY);
      for (let i = 0; i < from.length; i++) unknown[i % width] = Math.min(unknown[i % width]!, from[i]!);
    }
    corpus.vocabulary.forEach((term, w) => {
      const row = rowOf.get(term);
      to.set(row === undefined ? unknown : from.subarray(row * width, (row + 1) * width), w * width);
    });
  }
  const { readOut } = init.state;
  if (readOut !== undefined && model.readOuts?.[readOut] !== undefined) state.readOut = readOut;
  model.derive(state);
}
