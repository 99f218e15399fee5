import { NumericalError } from '../errors.js';
import { exp, log } from '../math/special.js';
import type { Blocks } from './blocks.js';
import { infer } from './infer.js';
import type { Arrays, Model, State } from './model.js';
import type { FitSums } from './schedules.js';
import { clear, type Dims, withDocuments } from './state.js';

export interface OnlineOptions {
  /** τ0 ≥ 1 and κ: step t, from 0, has the size ρ_t = (τ0 + t)^−κ. */
  readonly delay: number;
  readonly kappa: number;
  /** D, the documents in all; without it those visited so far stand for it. */
  readonly documents?: number | undefined;
  /** This many first steps leave the hyperparameters alone. */
  readonly softSteps: number;
}

/** Documents that are in memory together; batch b is documents [batches[b], batches[b + 1]). */
export interface Chunk<Data> {
  readonly data: Data;
  readonly batches: Blocks;
}

/** The fit just after a step, when the parameters have learned from the batch. */
export interface Step {
  /** Steps so far. */
  readonly step: number;
  /** ρ. */
  readonly size: number;
  /** Documents visited so far, and those that the batch stands for. */
  readonly visited: number;
  readonly documents: number;
  /** The sum of `terms`: the objective of D documents like those of the batch, before the step; nats. */
  readonly objective: number;
  readonly terms: Float64Array;
  /** The batch: documents [from, to) of the chunk. */
  readonly from: number;
  readonly to: number;
}

/**
 * Fits `model` by stochastic variational inference, which is online EM: a step a batch,
 *
 *     s̄ ← (1 − ρ_t) s̄ + ρ_t S_b / |b|        an E-step from the uninformed start, and the mean of a document's statistics
 *     Θ ← mStep(D s̄)
 *
 * Of a model with conjugate priors this M-step is a step of length ρ_t along the natural gradient: of LDA it is
 * λ ← (1 − ρ_t) λ + ρ_t (η + D / |b| S_b). Nothing is promised to rise, and nothing of a document is kept: memory is
 * that of a chunk. Leaves D s̄ in `sums.statistics`. Each batch is scored before anything is learned from it; one that is
 * smaller than the first, as the last of a stream, takes a smaller step in proportion.
 *
 * The mean is kept whole and scaled for each M-step. With a lazy scale a step would touch the terms of its batch alone,
 * but learning η and the bound need ψ and ln Γ of every λ_wk, which are most of an M-step. LDA with 100 topics and 100,000
 * terms, 98,000 of them in a batch of 4,096 documents of 150 tokens, in ms of one core: E-step 460; M-step 130, of which
 * ψ and ln Γ take 100; the mean 40.
 *
 * @param mean s̄ to begin with, which is then used; without it the first batch is taken whole, ρ_0 = 1
 * @throws {NumericalError} if an objective is not finite
 * @see Hoffman, Blei & Bach 2010, Online learning for latent Dirichlet allocation, Algorithm 2 and eqs. 8–10
 * @see Cappé & Moulines 2009, On-line expectation-maximization algorithm for latent data models, eq. 6 (from memory)
 */
export async function* fitOnline<Data>(
  model: Model<Data>,
  chunks: AsyncIterable<Chunk<Data>>,
  dims: Dims,
  state: State,
  sums: FitSums,
  { delay, kappa, documents, softSteps }: OnlineOptions,
  mean?: Arrays,
): AsyncGenerator<Step, void> {
  let running = mean;
  let first: number | undefined;
  let visited = 0;
  let step = 0;
  for await (const { data, batches } of chunks) {
    const own = withDocuments(model, dims, state, batches.at(-1)!);
    for (let b = 0; b + 1 < batches.length; b++) {
      const [from, to] = [batches[b]!, batches[b + 1]!];
      clear(sums);
      await infer(model, data, [from, to], own, sums);
      visited += to - from;
      const D = documents ?? visited;
      const terms = sums.terms.map((term) => (D / (to - from)) * term);
      model.globalTerms(state, terms);
      const objective = terms.reduce((sum, term) => sum + term, 0);
      if (!Number.isFinite(objective))
        throw new NumericalError(`${model.objective} of ${model.name} is ${objective} at step ${step + 1}`);
      first ??= to - from;
      const share = Math.min(1, (to - from) / first);
      const size = running === undefined ? 1 : share * exp(-kappa * log(delay + step));
      running ??= zeros(sums.statistics);
      blend(running, sums.statistics, size, to - from, D);
      model.mStep(state, sums.statistics, step < softSteps);
      step++;
      yield { step, size, visited, documents: D, objective, terms, from, to };
    }
  }
}

/** s̄ ← (1 − ρ) s̄ + ρ S / n, and then S ← D s̄. */
function blend(mean: Arrays, sums: Arrays, size: number, n: number, D: number): void {
  for (const [name, sum] of Object.entries(sums)) {
    const to = mean[name]!;
    for (let i = 0; i < sum.length; i++) {
      to[i] = (1 - size) * to[i]! + (size / n) * sum[i]!;
      sum[i] = D * to[i]!;
    }
  }
}

function zeros(arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, { length }]) => [name, new Float64Array(length)]));
}
