import { type Corpus, documentCount, entryStart, tokenCount } from '../corpus/corpus.js';
import { holdOut } from '../corpus/select.js';
import { cutBlocks, cutEvenly } from '../em/blocks.js';
import { type FitOptions, fit, type Iteration } from '../em/fit.js';
import { infer } from '../em/infer.js';
import type { Model, StartModel, State, TopicModel } from '../em/model.js';
import { allocateState, allocateSums, type Dims, sizeOf, withDocuments } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { type Random, random } from '../math/random.js';
import type { ModelKind } from '../models/index.js';
import type { TraceRow } from '../report/elbo.js';
import type { LoadedModel } from './_model.js';
import type { Progress } from './_progress.js';

/** A fit, from its start to its trace. */
export interface Run {
  /** The last iteration; where its schedule is stochastic, its parameters evaluated on all documents. */
  readonly last: Iteration;
  /** Of the objective, where it is estimated from samples. */
  readonly standardError?: number;
  readonly state: State;
  readonly shares: Float64Array;
  readonly trace: TraceRow[];
}

/** Fits `model` to `corpus` once: from `init`, or from the start of restart number `restart`. */
export async function run(
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  values: ModelKind['defaults'] & { readonly seed: number },
  restart: number,
  init: LoadedModel | undefined,
  say: Progress,
  stage: string,
): Promise<Run> {
  const draws = random(values.seed, restart);
  const { fitted, heldOut } = holdOut(corpus, model.heldOut?.share ?? 0, draws);
  const state = allocateState(model, dims, documentCount(fitted));
  const sums = allocateSums(model, dims);
  model.initialise(fitted, state, draws);
  if (init !== undefined) continueFrom(init, model, corpus, dims, state);
  else if (model.start !== undefined) await startFrom(model.start, model, fitted, dims, state, draws, say);
  // what is said per token is said per point where documents are points
  const lengthOf: (corpus: Corpus) => number = model.predictor(state) === null ? documentCount : tokenCount;
  const data = model.prepare(fitted, state);
  model.resetPosterior(data, state);
  const trace: TraceRow[] = [];
  let last: Iteration | undefined;
  say.begin(stage, values.iterations);
  const options = {
    iterations: values.iterations,
    tolerance: values.tolerance ?? 0,
    softIterations: values['soft-iterations'] ?? 0,
    heldOut: heldOut === null ? undefined : heldOutOf(model, heldOut, dims, state),
  };
  const blocks =
    model.batch === undefined ? cutBlocks(entryStart(fitted)) : cutEvenly(documentCount(fitted), model.batch);
  for await (last of fit(model, data, blocks, state, sums, options)) {
    const row = traceRow(model, last, lengthOf(fitted));
    trace.push(row);
    const change = row.change === null ? '' : `  change ${row.change.toExponential(1)}`;
    say.update(
      last.iteration,
      `iteration ${last.iteration}  ELBO ${row.elbo.toFixed(1)}  per token ${row.per_token.toFixed(4)}${change}`,
      row,
    );
  }
  say.end();
  if (model.schedule !== 'stochastic') return { last: last!, state, shares: model.shares(sums.statistics), trace };
  // The parameters that noisy passes over some of the documents left are evaluated on all of them: one more row.
  const whole = withDocuments(model, dims, state, documentCount(corpus));
  const found = { ...allocateSums(model, dims), variance: new Float64Array(1) };
  model.globalTerms(whole, found.terms);
  const terms = await infer(model, model.prepare(corpus, whole), cutBlocks(entryStart(corpus)), whole, found);
  const { kept } = last!;
  const evaluated: Iteration = {
    ...last!,
    iteration: kept,
    terms,
    objective: terms.reduce((sum, term) => sum + term),
    change: null,
  };
  const standardError = Math.sqrt(found.variance[0]!);
  const atKept = trace.find(({ iteration }) => iteration === kept)!;
  trace.push({
    ...traceRow(model, evaluated, lengthOf(corpus)),
    held_out: atKept['held_out']!,
    held_out_error: atKept['held_out_error']!,
    standard_error: standardError,
  });
  return {
    last: { ...evaluated, iteration: last!.iteration },
    standardError,
    state: whole,
    shares: model.shares(found.statistics),
    trace,
  };
}

function heldOutOf(
  model: TopicModel<Corpus, unknown>,
  corpus: Corpus,
  dims: Dims,
  parameters: State,
): NonNullable<FitOptions<unknown>['heldOut']> {
  const state = withDocuments(model, dims, parameters, documentCount(corpus));
  const data = model.prepare(corpus, state);
  const { from, patience } = model.heldOut!;
  return { data, blocks: cutBlocks(entryStart(corpus)), state, from, patience };
}

/** Fits the start of a model, and gives its statistics to the model's first M-step. */
export async function startFrom(
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
export function traceRow(
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
  model.derive(state);
}
