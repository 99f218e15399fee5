import { type Blocks, eachBlock } from './blocks.js';
import type { Arrays, Model, Start, State, Sums } from './model.js';
import { clear, clearStatistics } from './state.js';

export type FitSums = Sums & { readonly statistics: Arrays };

/** What a schedule works on. */
export interface Pass<Data> {
  readonly model: Model<Data>;
  readonly data: Data;
  readonly blocks: Blocks;
  readonly state: State;
  /** The total over documents. */
  readonly sums: FitSums;
}

/**
 * One pass of E-steps over the blocks, with the M-steps that come between them; leaves the pass's terms, and the
 * statistics of all documents, in `sums`.
 *
 * @returns the objective at the start of each document's E-step, summed
 */
export type Schedule = (start: Start, soft: boolean) => Promise<number>;

/** *Batch*: S = Σ_b S_b. The M-step follows the pass. */
function batch<Data>({ model, data, blocks, state, sums }: Pass<Data>): Schedule {
  return async (start) => {
    clear(sums);
    model.globalTerms(state, sums.terms);
    let atStart = sums.terms.reduce((a, b) => a + b, 0);
    await eachBlock(blocks, (from, to) => {
      atStart += model.eStep(data, from, to, state, sums, start);
    });
    return atStart;
  };
}

/** *Stochastic*: S = S_b, a gradient. An M-step follows each block. */
function stochastic<Data>({ model, data, blocks, state, sums }: Pass<Data>): Schedule {
  return async (start, soft) => {
    clear(sums);
    model.globalTerms(state, sums.terms);
    await eachBlock(blocks, (from, to) => {
      model.eStep(data, from, to, state, sums, start);
      model.mStep(state, sums.statistics, soft);
      clearStatistics(sums);
    });
    return Number.POSITIVE_INFINITY;
  };
}

/** The schedules by name. */
export const SCHEDULES = { batch, stochastic };
