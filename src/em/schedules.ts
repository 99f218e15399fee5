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

/**
 * *Cross-fitted*: each block's E-step follows an M-step on the statistics of all other blocks, S − S_b. Before its first
 * visit a block's statistics are its share of those given in `sums`, so that a random start is withdrawn block by block.
 */
function crossFitted<Data>({ model, data, blocks, state, sums }: Pass<Data>): Schedule {
  const B = blocks.length - 1;
  const ofBlock = Array.from({ length: B }, () => ({
    statistics: Object.fromEntries(Object.entries(sums.statistics).map(([name, sum]) => [name, sum.map((x) => x / B)])),
    terms: sums.terms.slice(),
  }));
  return async (start, soft) => {
    sums.terms.fill(0);
    model.globalTerms(state, sums.terms);
    await eachBlock(blocks, (from, to, b) => {
      const own = ofBlock[b]!;
      addStatistics(sums.statistics, own.statistics, -1);
      model.mStep(state, sums.statistics, soft);
      clear(own);
      model.eStep(data, from, to, state, own, start);
      addStatistics(sums.statistics, own.statistics, 1);
      for (let i = 0; i < own.terms.length; i++) sums.terms[i]! += own.terms[i]!;
    });
    return Number.POSITIVE_INFINITY;
  };
}

/** The schedules by name. */
export const SCHEDULES = { batch, stochastic, 'cross-fitted': crossFitted };

function addStatistics(to: Arrays, from: Arrays, sign: 1 | -1): void {
  for (const [name, sum] of Object.entries(to)) {
    const add = from[name]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += sign * add[i]!;
  }
}
