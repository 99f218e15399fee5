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
 * One pass of E-steps over the blocks, with the M-steps that belong to it; leaves the pass's terms, and the statistics
 * of all documents, in `sums`.
 *
 * @returns the objective at the start of each document's E-step, summed; infinite where that is not one objective
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
 * *Incremental*, or memoised: S = Σ_b S_b with each S_b stored. An M-step follows each block, with the new S_b of this
 * block and the stored ones of the others. Every step ascends the objective of all documents, at the q that each was
 * left with: what it is after the last M-step is left in `sums`. Hyperparameters wait for that M-step: learned from each
 * block they run ahead of the topics. The first pass fills the store, with one M-step at its end. Nothing is stored where
 * one block is all.
 *
 * @see Neal & Hinton 1998, §2; Hughes & Sudderth 2013, Memoized online variational inference, §3
 */
function incremental<Data>({ model, data, blocks, state, sums }: Pass<Data>): Schedule {
  /** Adds the terms that are of the parameters as they are now. */
  const evaluate = () => {
    model.expectedTerms!(state, sums.statistics, sums.terms);
    model.globalTerms(state, sums.terms);
    return Number.POSITIVE_INFINITY;
  };
  if (blocks.length === 2) {
    return async (start, soft) => {
      clear(sums);
      await eachBlock(blocks, (from, to) => {
        model.eStep(data, from, to, state, sums, start);
        model.mStep(state, sums.statistics, soft);
      });
      return evaluate();
    };
  }
  const stored = blocks.slice(1).map(() => emptyLike(sums));
  let isFilled = false;
  return async (start, soft) => {
    clear(sums);
    for (const { statistics } of stored) add(sums.statistics, statistics, 1);
    await eachBlock(blocks, (from, to, b) => {
      const own = stored[b]!;
      add(sums.statistics, own.statistics, -1);
      clear(own);
      model.eStep(data, from, to, state, own, start);
      add(sums.statistics, own.statistics, 1);
      const isLast = b === stored.length - 1;
      if (isFilled || isLast) model.mStep(state, sums.statistics, soft || !isLast);
    });
    isFilled = true;
    for (const { terms } of stored) for (const [i, term] of terms.entries()) sums.terms[i]! += term;
    return evaluate();
  };
}

/** Other sums of the same lengths, all zero. */
function emptyLike({ statistics, terms }: FitSums): FitSums {
  const arrays = Object.entries(statistics).map(([name, { length }]) => [name, new Float64Array(length)]);
  return { statistics: Object.fromEntries(arrays), terms: new Float64Array(terms.length) };
}

function add(to: Arrays, from: Arrays, sign: 1 | -1): void {
  for (const [name, sum] of Object.entries(to)) {
    const numbers = from[name]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += sign * numbers[i]!;
  }
}

/** The schedules by name. */
export const SCHEDULES = { batch, incremental, stochastic };
