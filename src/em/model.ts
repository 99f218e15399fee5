import type { Random } from '../math/random.js';
import type { Settings } from '../settings.js';

/** An extent of an array: terms V, topics K, or a number the model knows when it is made. */
export type Axis = 'V' | 'K' | number;

/** Axes of row-major arrays by name: `['V', 'K']` is V×K, `[]` one number. */
export type Shapes = Readonly<Record<string, readonly Axis[]>>;

/** Arrays by name, each as long as its shape says. */
export type Arrays = Readonly<Record<string, Float64Array>>;

/** Everything a fit reads and writes; allocated once. */
export interface State {
  /** Θ and the posteriors of what all documents share: what a model file stores. */
  readonly params: Arrays;
  /** What `derive` computes from `params`; not stored. */
  readonly derived: Arrays;
  /** q_d, one row a document: where a warm E-step starts, what reports of documents read. */
  readonly posterior: Arrays;
}

/** Where an E-step adds what it found. */
export interface Sums {
  /** Expected sufficient statistics, plain sums over documents; null where nobody needs them. */
  readonly statistics: Arrays | null;
  /** The objective's terms, in the order of the model's `terms`; nats. */
  readonly terms: Float64Array;
}

/**
 * Where the q_d of an E-step start: `warm` from the stored posterior, which cannot lower the objective; `guarded` from
 * there and from the model's uninformed start, keeping the better for each document, which cannot lower it either and
 * leaves poor early basins; `cold` from the uninformed start alone, to convergence, as for a new document.
 */
export type Start = 'warm' | 'cold' | 'guarded';

/** The quantity that a model's coordinate ascent raises, and that its terms sum to. */
export type Objective = 'elbo' | 'log_likelihood' | 'log_posterior';

/**
 * A latent-variable model of documents, fitted by coordinate ascent on
 *
 *     ELBO(q, Θ) = E_q[log p(w, z | Θ)] − E_q[log q(z)]  ≤  log p(w | Θ)
 *
 * Exact EM is the case where q is the true posterior and the bound is tight. A model is data and functions; the
 * engine allocates, zeroes, sums, iterates and checks.
 *
 * @see Neal & Hinton 1998
 */
export interface Model<Data> {
  readonly name: string;
  readonly objective: Objective;
  /** Names of the objective's terms. */
  readonly terms: readonly string[];
  readonly params: Shapes;
  readonly derived: Shapes;
  /** Shape of one document's row of each posterior array. */
  readonly posterior: Shapes;
  readonly statistics: Shapes;

  /** Sets `params` to a start, `derived`, and each document's posterior to the uninformed one. */
  initialise(data: Data, state: State, random: Random): void;

  /** Recomputes `derived` from `params`. */
  derive(state: State): void;

  /**
   * E-step for documents [from, to): improves their rows of `posterior`, adds their expectations and their terms of the
   * objective to `sums`.
   *
   * @returns their part of the objective at the q it started from: if warm, what the last M-step left
   */
  eStep(data: Data, from: number, to: number, state: State, sums: Sums, start: Start): number;

  /**
   * M-step: sets `params` to maximise the objective given the statistics, then `derived`. Hyperparameters stay as they
   * are while `soft`: learned from topics that are not yet topics, they run away.
   */
  mStep(state: State, statistics: Arrays, soft: boolean): void;

  /** Adds the terms that belong to no document, such as −KL(q(β) ‖ p(β)). */
  globalTerms(state: State, terms: Float64Array): void;
}

/** A model that explains documents by topics: what the reports ask of it. */
export interface TopicModel<Data> extends Model<Data> {
  /** Term probabilities of each topic, V×K: a term's row is contiguous, a column sums to 1. */
  topics(state: State): Float64Array;
  /** Each topic's expected share of the tokens an E-step saw, K; sums to 1. */
  shares(statistics: Arrays): Float64Array;
  /** Expected topic proportions of document d into `out`, K; sums to 1. */
  proportions(state: State, d: number, out: Float64Array): void;
}

/** A row of the table of models: what it is, what can be set, how it is made. */
export interface ModelKind<Data> {
  /** One line for `--help`. */
  readonly summary: string;
  readonly settings: Settings;
  /** Makes the model for values of its settings. */
  create(values: Readonly<Record<string, unknown>>, dims: { readonly V: number; readonly K: number }): TopicModel<Data>;
}
