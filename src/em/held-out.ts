import { NumericalError } from '../errors.js';
import type { Blocks } from './blocks.js';
import { infer } from './infer.js';
import type { Model, State } from './model.js';

/** Documents that are not fitted, for a fit to stop on. */
export interface HeldOut<Data> {
  readonly data: Data;
  readonly blocks: Blocks;
  /** Room for their posteriors, over the parameters of the fit. */
  readonly state: State;
  /** The first pass after which their objective counts. */
  readonly from: number;
  /** Stop when it has not risen for this many passes, and return to where it was highest. */
  readonly patience: number;
}

/** What held-out documents say of a fit. */
export interface Watch {
  /** Scores them after a pass. */
  see(iteration: number): Promise<{ readonly objective: number; readonly error: number; readonly isPast: boolean }>;
  /** Sets the parameters to those under which the objective was highest; the pass that left them. */
  restore(): number;
}

export function watchHeldOut<Data>(
  model: Model<Data>,
  state: State,
  { data, blocks, state: own, from, patience }: HeldOut<Data>,
): Watch {
  const best = { iteration: 0, objective: Number.NEGATIVE_INFINITY, params: [] as Float64Array[] };
  return {
    async see(iteration) {
      const found = { statistics: null, terms: new Float64Array(model.terms.length), variance: new Float64Array(1) };
      const terms = await infer(model, data, blocks, own, found);
      const objective = terms.reduce((sum, term) => sum + term, 0);
      if (!Number.isFinite(objective)) {
        throw new NumericalError(
          `the held-out ${model.objective} of ${model.name} is ${objective} at iteration ${iteration}`,
        );
      }
      if (objective > best.objective || iteration <= from) {
        best.iteration = iteration;
        best.objective = objective;
        best.params = Object.values(state.params).map((array) => array.slice());
      }
      return { objective, error: Math.sqrt(found.variance[0]!), isPast: iteration - best.iteration >= patience };
    },
    restore() {
      for (const [i, array] of Object.values(state.params).entries()) array.set(best.params[i]!);
      model.derive(state);
      return best.iteration;
    },
  };
}
