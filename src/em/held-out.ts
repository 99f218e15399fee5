import { NumericalError } from '../errors.js';
import type { Reals } from '../math/reals.js';
import type { Blocks } from './blocks.js';
import { infer } from './infer.js';
import type { Model, Patience, State } from './model.js';

/** Scores nearer to each other than this fraction of them are the same but for rounding, of f32 with most models. */
const ROUNDING = 1e-7;

/** What held-out documents say of the parameters as they are: the higher the better, with a standard error if estimated. */
export type Score = () => Promise<{ readonly score: number; readonly error: number | null }>;

/** Held-out documents as a fit goes on. */
export interface Watch {
  /** Scores them after an iteration; `isPast` once the score has not risen for as many iterations as the fit waits. */
  see(iteration: number): Promise<{ readonly score: number; readonly error: number | null; readonly isPast: boolean }>;
  /** Waits afresh, from this iteration on, for a score above the best so far, and with other patience. */
  renew(iteration: number, patience: Omit<Patience, 'from'>): void;
  /** The fit goes on: keeps the state, if its score is the highest so far. */
  keep(): void;
  /** Sets the state to that of the highest score; the iteration that left it. */
  restore(): number;
}

/** How many times longer fits wait for a score of few tokens, at most. */
const MOST_WAITS = 3;

/** The patience with held-out documents of so many tokens. */
export function patienceFor(given: Patience, tokens: number): Patience {
  const waits = Math.min(Math.max(1, Math.ceil((given.enoughFor ?? 0) / Math.max(tokens, 1))), MOST_WAITS);
  return { ...given, patience: waits * given.patience };
}

export function watchHeldOut<Data>(
  model: Model<Data>,
  state: State,
  score: Score,
  { from, patience, gain = 0 }: Patience,
): Watch {
  const best = { iteration: 0, score: Number.NEGATIVE_INFINITY, arrays: [] as Reals[] };
  /** Whether the state is the best, and not kept yet. */
  let isBest = false;
  const arrays = () => [...Object.values(state.params), ...Object.values(state.posterior)];
  /** The last score worth waiting for, and its iteration. */
  let worth = { iteration: 0, score: Number.NEGATIVE_INFINITY };
  return {
    async see(iteration) {
      if (isBest) throw new Error('the best state has not been kept');
      const found = await score();
      if (!Number.isFinite(found.score)) {
        throw new NumericalError(`the held-out score of ${model.name} is ${found.score} at iteration ${iteration}`);
      }
      // topics that are the same but for rounding are no better
      if (found.score - best.score > ROUNDING * Math.abs(found.score) || iteration <= from) {
        best.iteration = iteration;
        best.score = found.score;
        isBest = true;
      }
      if (found.score > worth.score + gain || iteration <= from) worth = { iteration, score: found.score };
      return { ...found, isPast: iteration - worth.iteration >= patience };
    },
    renew(iteration, now) {
      worth = { iteration, score: best.score };
      ({ patience, gain = 0 } = now);
    },
    keep() {
      if (!isBest) return;
      isBest = false;
      if (best.arrays.length === 0) best.arrays = arrays().map((array) => array.slice());
      else for (const [i, array] of arrays().entries()) best.arrays[i]!.set(array);
    },
    restore() {
      if (isBest) return best.iteration;
      for (const [i, array] of arrays().entries()) array.set(best.arrays[i]!);
      model.derive(state);
      return best.iteration;
    },
  };
}

/** Scores the documents of these blocks by their objective under the parameters of `state`, as new documents. */
export function objectiveOf<Data>(model: Model<Data>, data: Data, blocks: Blocks, state: State): Score {
  return async () => {
    const found = { statistics: null, terms: new Float64Array(model.terms.length), variance: new Float64Array(1) };
    const terms = await infer(model, data, blocks, state, found);
    return { score: terms.reduce((sum, term) => sum + term, 0), error: Math.sqrt(found.variance[0]!) };
  };
}
