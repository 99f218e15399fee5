import { type Blocks, eachBlock } from './blocks.js';
import type { Model, State, Sums } from './model.js';

/** Sums for who wants the posteriors alone. */
export const NO_SUMS: Sums = { statistics: null, terms: new Float64Array(0) };

/**
 * E-steps with Θ fixed: the posterior of new documents, each from the model's uninformed start, so that a document's
 * result depends on the document alone. Adds to `sums`, for those who want more than the terms.
 *
 * @returns the documents' terms of the objective, summed over documents, in nats
 */
export async function infer<Data>(
  model: Model<Data>,
  data: Data,
  blocks: Blocks,
  state: State,
  sums: Sums = { statistics: null, terms: new Float64Array(model.terms.length) },
): Promise<Float64Array> {
  await eachBlock(blocks, (from, to) => {
    model.eStep(data, from, to, state, sums, 'cold');
  });
  return sums.terms;
}
