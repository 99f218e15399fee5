import { NumericalError } from '../errors.js';
import type { Blocks } from './blocks.js';
import type { Watch } from './held-out.js';
import type { Model, State } from './model.js';
import { type FitSums, SCHEDULES } from './schedules.js';

export interface FitOptions {
  /** Passes over the documents at most. */
  readonly iterations: number;
  /** Stop once an iteration raises the objective by less than this fraction of it. */
  readonly tolerance: number;
  /** This many first iterations have guarded E-steps and leave the hyperparameters alone. */
  readonly softIterations: number;
  /** Documents that are not fitted: the fit stops on them, at its best. */
  readonly watch?: Watch | undefined;
  /** Iterations that came before, of another stage; 0 without it. They count. */
  readonly after?: number;
}

export type StopReason = 'converged' | 'iterations' | 'held-out' | 'passes';

/**
 * The fit when parameters, posteriors and objective agree: just after the E-step; with the incremental schedule after the
 * last M-step, the objective at the q that E-steps left, which one more E-step would raise.
 */
export interface Iteration {
  /** Passes of E-steps so far. */
  readonly iteration: number;
  /** The sum of `terms`: what the ascent raises, in nats. */
  readonly objective: number;
  readonly terms: Float64Array;
  /** (objective − previous) / |objective|; null at the first iteration. */
  readonly change: number | null;
  /** The score of the held-out documents; null where there are none. */
  readonly heldOut: number | null;
  /** Its standard error, where it is an estimate from samples. */
  readonly heldOutError: number | null;
  /** Why this iteration is the last one; null if it is not. */
  readonly stop: StopReason | null;
  /** The iteration that left the parameters: this one, or at the stop the one that held-out documents chose. */
  readonly kept: number;
}

/**
 * A fall of the objective up to this fraction of its terms' sizes is rounding: a sum of n doubles errs by about
 * √n · 2⁻⁵³ of the sum of their sizes, 1e-13 for the 10⁶ entries of a corpus, and the special functions by 1e-14 each.
 */
export const ROUNDING = 1e-10;

/**
 * Fits `model` by coordinate ascent on its objective: over q (E-step), then over Θ (M-step), until it stops rising.
 * Continues from `state`; yields after each pass. Printing, progress and saving are the caller's.
 *
 * @throws {NumericalError} if the objective is not finite, or falls by more than rounding, but on the stochastic schedule
 * @see Neal & Hinton 1998, §2; Blei, Ng & Jordan 2003, §5.3
 */
export async function* fit<Data>(
  model: Model<Data>,
  data: Data,
  blocks: Blocks,
  state: State,
  sums: FitSums,
  { iterations, tolerance, softIterations, watch, after = 0 }: FitOptions,
): AsyncGenerator<Iteration, void> {
  const schedule = model.schedule ?? 'batch';
  const rises = schedule !== 'stochastic';
  const pass = SCHEDULES[schedule]({ model, data, blocks, state, sums });
  let previous: Iteration | undefined;
  for (let iteration = after + 1; ; iteration++) {
    const soft = iteration <= after + softIterations;
    const afterMStep = await pass(previous !== undefined && soft ? 'guarded' : 'warm', soft);
    const terms = sums.terms.slice();
    const objective = total(terms);
    if (!Number.isFinite(objective)) {
      throw new NumericalError(
        `${model.objective} of ${model.name} is ${objective} at iteration ${iteration}: ${listed(model, terms)}`,
      );
    }
    if (previous !== undefined && rises) checkRise(model, previous, iteration, afterMStep, objective, terms);
    const change = previous === undefined ? null : relativeChange(previous.objective, objective);
    let stop: StopReason | null = iteration >= iterations ? 'iterations' : null;
    if (rises && change !== null && !soft && change < tolerance) stop = 'converged';
    const seen = await watch?.see(iteration);
    if (seen?.isPast) stop = 'held-out';
    const kept = stop === null || watch === undefined ? iteration : watch.restore();
    const [heldOut, heldOutError] = [seen?.score ?? null, seen?.error ?? null];
    previous = { iteration, objective, terms, change, heldOut, heldOutError, stop, kept };
    yield previous;
    if (stop !== null) return;
    watch?.keep();
    if (schedule === 'batch') model.mStep(state, sums.statistics, soft);
  }
}

/** (to − from) / |to|, or to the larger of both sizes where `to` is nearly 0; 0 where both are. */
function relativeChange(from: number, to: number): number {
  const size = Math.max(Math.abs(from), Math.abs(to));
  return size === 0 ? 0 : (to - from) / (Math.abs(to) > 1e-6 * size ? Math.abs(to) : size);
}

function checkRise<Data>(
  model: Model<Data>,
  previous: Iteration,
  iteration: number,
  afterMStep: number,
  objective: number,
  terms: Float64Array,
): void {
  const { rounding = ROUNDING } = model;
  let size = 0;
  for (const term of terms) size += Math.abs(term);
  if (objective >= previous.objective - rounding * size) return;
  const [mStep, eStep] = [`M-step of iteration ${previous.iteration}`, `E-step of iteration ${iteration}`];
  const fell = afterMStep < previous.objective - rounding * size;
  // A kernel does not say what the M-step left it, nor does a schedule whose E-steps and M-steps take turns.
  const step =
    model.schedule === 'incremental'
      ? `steps of iteration ${iteration}`
      : Number.isFinite(afterMStep)
        ? fell
          ? mStep
          : eStep
        : `${mStep} or the ${eStep} (--precise tells which)`;
  let worst = 0;
  for (let i = 1; i < terms.length; i++) {
    if (terms[i]! - previous.terms[i]! < terms[worst]! - previous.terms[worst]!) worst = i;
  }
  throw new NumericalError(
    `the ${model.objective} of ${model.name} fell from ${previous.objective} to ${objective} in the ${step}; ` +
      `the term that fell most is ${model.terms[worst]}, from ${previous.terms[worst]} to ${terms[worst]}`,
  );
}

function total(terms: Float64Array): number {
  let sum = 0;
  for (const term of terms) sum += term;
  return sum;
}

function listed<Data>(model: Model<Data>, terms: Float64Array): string {
  return model.terms.map((name, i) => `${name} ${terms[i]}`).join(', ');
}
