import type { Model, State } from './model.js';
import { type Dims, sizeOf } from './state.js';

/** Gives documents [from, to). */
export type Read<Data> = (from: number, to: number) => Data;

/**
 * The model over documents that are read for each E-step: statistics are sums over documents, so they need not all be
 * there at once. The posteriors, one row a document, stay in memory. Its schedule is batch: nothing is stored of blocks.
 */
export function fromDisk<Data>(model: Model<Data>, dims: Dims): Model<Read<Data>> {
  return {
    ...model,
    schedule: 'batch',
    eStep: (read, from, to, state, sums, start) =>
      model.eStep(read(from, to), 0, to - from, rowsOf(model, dims, state, from, to), sums, start),
  };
}

/** The state as documents [from, to) alone have it: the same arrays, of posteriors their rows. */
export function rowsOf<Data>(model: Model<Data>, dims: Dims, state: State, from: number, to: number): State {
  const posterior: State['posterior'] = Object.fromEntries(
    Object.entries(model.posterior).map(([name, axes]) => {
      const width = sizeOf(axes, dims);
      return [name, state.posterior[name]!.subarray(from * width, to * width)];
    }),
  );
  return { ...state, posterior };
}
