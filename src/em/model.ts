import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';

/** An extent of an array: terms V, topics K, or a number the model knows when it is made. */
export type Axis = 'V' | 'K' | number;

/** Axes of row-major arrays by name: `['V', 'K']` is V×K, `[1]` one number. */
export type Shapes = Readonly<Record<string, readonly Axis[]>>;

/** Arrays by name, each as long as its shape says. */
export type Arrays = Readonly<Record<string, Float64Array>>;

/** Everything a fit reads and writes; allocated once. */
export interface State {
  /** Θ and the posteriors of what all documents share: what a model file stores. */
  readonly params: Arrays;
  /** What `derive` computes from `params`, and what an optimiser remembers; not stored. */
  readonly derived: Arrays;
  /**
   * q_d, one row a document: where a warm E-step starts, what reports of documents read. While some documents are held out,
   * those that are fitted are the first.
   */
  readonly posterior: Readonly<Record<string, Reals>>;
  /** Which of the model's `readOuts` topics are read by, if it has any. */
  readOut?: string | undefined;
}

/** Where an E-step adds what it found. */
export interface Sums {
  /** Expected sufficient statistics, plain sums over documents; null where nobody needs them. */
  readonly statistics: Arrays | null;
  /** The objective's terms, in the order of the model's `terms`, in nats; an empty array where nobody needs them. */
  readonly terms: Float64Array;
  /** Variance of the terms' sum, one number, where an E-step estimates it from samples and somebody asks. */
  readonly variance?: Float64Array | undefined;
}

/**
 * Where the q_d of an E-step start: `warm` from the stored posterior, which cannot lower the objective; `guarded` from
 * there and from the model's uninformed start, keeping the better for each document, which cannot lower it either and
 * leaves poor early basins; `cold` from the uninformed start alone, to convergence, as for a new document; `fixed` from
 * the stored posterior, which stays: what it adds is computed, in double precision throughout, but for statistics of terms
 * that only an M-step needs. An exact E-step is the same from everywhere.
 */
export type Start = 'warm' | 'cold' | 'guarded' | 'fixed';

/** The quantity that a model's coordinate ascent raises, and that its terms sum to. */
export type Objective = 'elbo' | 'log_likelihood' | 'log_posterior';

/** When held-out documents end a fit. */
export interface Patience {
  /** The first iteration whose score counts. */
  readonly from: number;
  /** Iterations that the fit waits for the score to rise. */
  readonly patience: number;
  /** By how much it has to rise to be worth waiting for; by any amount without it. */
  readonly gain?: number;
  /** Held-out tokens with which it is enough; with fewer, whose scores are noisier, it is longer: see `patienceFor`. */
  readonly enoughFor?: number;
}

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
  /** A fall of the objective up to this fraction of its terms' sizes is rounding; that of sums of f64 without it. */
  readonly rounding?: number;
  /** Names of the objective's terms. `log_prior`, if there is one, is the part that is not of the ELBO. */
  readonly terms: readonly string[];
  /**
   * When the M-step comes. `batch`, unless said otherwise: after a pass over all blocks. `incremental`: after each
   * block, with the stored statistics of the others; asks for `expectedTerms`. With both the objective is promised to
   * rise. `stochastic`: after each block, as a gradient step; E-steps are noisy estimates, and the fit stops on held-out
   * documents.
   */
  readonly schedule?: 'batch' | 'incremental' | 'stochastic';
  /** Documents of one block, where the number matters; else blocks are cut by their entries. */
  readonly batch?: number;
  /**
   * Ways to read topics off their posteriors, among which held-out documents choose at the end of a fit, and what each has
   * to gain over those before it, in nats a token; the first where none are held out. A single one where the user has
   * chosen; not there where topics are points.
   */
  readonly readOuts?: Readonly<Record<string, number>>;
  readonly params: Shapes;
  readonly derived: Shapes;
  /** Shape of one document's row of each posterior array. */
  readonly posterior: Shapes;
  /** Whether these are kept in single precision; in double without it. */
  readonly single?: boolean;
  readonly statistics: Shapes;

  /**
   * Where the model wants an array of its state or of sums, all zero, such as in the memory of a kernel; undefined where it
   * does not mind. It may have room for one state and its sums, and give that to the next, which are then the ones to
   * use: see `copyOf`.
   */
  readonly allocate?: (name: string) => Float64Array | undefined;

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

  /**
   * Of the documents' terms, sets those that change with the parameters, such as ⟨S, E log β⟩: what they are under the
   * parameters as they are now, with each document's q as it was. The others are of q alone.
   */
  expectedTerms?(state: State, statistics: Arrays, terms: Float64Array): void;
}

/** A stage of a fit that ascends no objective of its own, before EM or in its place. */
export interface Stage {
  readonly name: string;
  /** Passes at most, and after how many it is looked at. */
  readonly iterations: number;
  readonly every: number;
  /** What follows it: EM, nothing, or EM for as long as held-out documents say that it pays. */
  readonly next: 'em' | 'nothing' | 'em if it pays';
  /** One pass over the documents. */
  pass(): Promise<void>;
  /** Writes what it has reached into `state`, posteriors of its documents among it, which are the first, and derives. */
  read(state: State): void;
  /**
   * Mean ln p of the tokens of the held-out documents' other halves under `state`, with its topics by this read-out, or by
   * one that judges the whole fit alike; null where none are held out.
   */
  score(state: State, readOut?: string): number | null;
  /** Sets the priors with which EM goes on. */
  handOver(state: State): void;
  close(): void;
}

/** A model that explains documents by topics: how it starts, and what the reports ask of it. */
export interface TopicModel<Documents, Data = Documents> extends Model<Data> {
  /** A stage of the fit to `documents` that comes first, if any, with documents held out to judge it by. */
  stage?(documents: Documents, heldOut: Documents | null, random: Random): Stage | undefined;
  /** Adds the expectations of documents that were held out to the parameters, and derives. */
  absorb?(state: State, statistics: Arrays): void;
  /** The share of the documents that a fit keeps out to stop on, and when it does. */
  readonly heldOut?: Patience & { readonly share: number };
  /** First iterations with guarded E-steps and fixed hyperparameters, unless the user says otherwise; 0 without it. */
  readonly softIterations?: number;

  /**
   * Sets `params` to a start, and `derived`.
   *
   * @throws {UserError} if the documents cannot be fitted, such as fewer points than components
   */
  initialise(documents: Documents, state: State, random: Random): void;

  /** What the E-step reads of documents, under the fitted parameters: of a fit, and of new documents. */
  prepare(documents: Documents, state: State): Data;

  /** Sets each document's posterior to the uninformed one, from which a first warm E-step starts. */
  resetPosterior(data: Data, state: State): void;

  /** Each topic's expected share of the tokens (or points) an E-step saw, K; sums to 1. */
  shares(statistics: Arrays): Float64Array;

  /** Expected topic proportions of document d into `out`, K; sums to 1. */
  proportions(state: State, d: number, out: Float64Array): void;

  /**
   * Ways to read topics as weights of terms, V×K with a term's row contiguous; the first is the default. What is called
   * `probability` sums to 1 over terms.
   */
  readonly readings: Readonly<Record<string, (state: State) => Float64Array>>;

  /**
   * The probability of one more token of document d being term w, given the document's posterior; not there where
   * documents are points.
   */
  predictor?(state: State): (d: number, w: number) => number;

  /**
   * Where documents are sequences: the topic of each of the T segments of document d on their most likely path, and
   * q(topic) of each segment, T×K.
   */
  segmentation?(data: Data, state: State, d: number): { readonly path: Uint32Array; readonly posterior: Float64Array };

  /** Whether new documents are answered with topics as points, by the read-out. */
  readonly answersWithPoints?: boolean;

  /** How `predictor` predicts, for the definition of scores; `Σ_k E[θ_k | observed] E[β_kw]` without it, or a read-out of β. */
  readonly prediction?: string;

  /** What a document's objective is, for the name and definition of scores; a lower bound on log p(document) without it. */
  readonly documentScore?: { readonly measure: 'bound' | 'likelihood' | 'density'; readonly of: string };

  /** What the model knows of topic k beside its terms, by documented names; `on` is false where it is switched off. */
  facts(
    state: State,
    k: number,
  ): Readonly<Record<string, number | boolean | readonly number[] | readonly (readonly number[])[]>>;
}
