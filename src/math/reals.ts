/** Numbers in single or double precision. */
export type Reals = Float32Array | Float64Array;
