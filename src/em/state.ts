import type { Arrays, Axis, Model, Shapes, State, Sums } from './model.js';

/** The numbers of an array of this shape. */
export function sizeOf(axes: readonly Axis[], dims: Dims): number {
  return axes.reduce<number>((size, axis) => size * (typeof axis === 'number' ? axis : dims[axis]), 1);
}

export interface Dims {
  readonly V: number;
  readonly K: number;
  /** Bytes that what is stored of blocks of documents may take, unless two blocks need more. */
  readonly storedBytes?: number;
}

/** Arrays of these shapes, all zero, each where `place` wants it. */
function allocate(shapes: Shapes, dims: Dims, place?: (name: string) => Float64Array | undefined): Arrays {
  const arrays = Object.entries(shapes).map(([name, axes]) => {
    return [name, place?.(name) ?? new Float64Array(sizeOf(axes, dims))];
  });
  return Object.fromEntries(arrays);
}

/** Room for the posteriors of D documents, all zero. */
function allocatePosterior<Data>({ posterior, single }: Model<Data>, dims: Dims, D: number): State['posterior'] {
  const arrays = Object.entries(posterior).map(([name, axes]) => {
    const length = D * sizeOf(axes, dims);
    return [name, single ? new Float32Array(length) : new Float64Array(length)];
  });
  return Object.fromEntries(arrays);
}

/** The arrays of `model` for D documents, all zero. */
export function allocateState<Data>(model: Model<Data>, dims: Dims, D: number): State {
  return {
    params: allocate(model.params, dims, model.allocate),
    derived: allocate(model.derived, dims, model.allocate),
    posterior: allocatePosterior(model, dims, D),
    readOut: Object.keys(model.readOuts ?? {})[0],
  };
}

/** The state as it is, to be read when its model has another. */
export function copyOf(state: State): State {
  const copy = (arrays: Arrays) =>
    Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
  return { ...state, params: copy(state.params), derived: copy(state.derived) };
}

/** Room for an E-step's sums, all zero. */
export function allocateSums<Data>(model: Model<Data>, dims: Dims): Sums & { readonly statistics: Arrays } {
  return { statistics: allocate(model.statistics, dims, model.allocate), terms: new Float64Array(model.terms.length) };
}

/** Sets all sums to zero. */
export function clear(sums: Sums): void {
  clearStatistics(sums);
  sums.terms.fill(0);
}

export function clearStatistics({ statistics }: Sums): void {
  for (const sum of Object.values(statistics ?? {})) sum.fill(0);
}

/** Moves the documents' rows to their places in the corpus: those of fitted documents, which lie first, and of the others. */
export function inOrderOfCorpus({ posterior }: State, isFitted: Uint8Array): void {
  const documents = isFitted.reduce((sum, one) => sum + one, 0);
  for (const rows of Object.values(posterior)) {
    const width = rows.length / isFitted.length;
    let fitted = documents * width;
    const others = rows.slice(fitted);
    let other = others.length;
    // from the last one on: a row moves towards the end, where those that were there have left
    for (let d = isFitted.length - 1; d >= 0; d--) {
      if (isFitted[d]) {
        fitted -= width;
        rows.copyWithin(d * width, fitted, fitted + width);
      } else {
        other -= width;
        rows.set(others.subarray(other, other + width), d * width);
      }
    }
  }
}

/** The fitted parameters with room for the posteriors of D other documents. */
export function withDocuments<Data>(model: Model<Data>, dims: Dims, state: State, D: number): State {
  return { ...state, posterior: allocatePosterior(model, dims, D) };
}
