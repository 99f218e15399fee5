import type { Corpus } from '../corpus/corpus.js';
import type { TopicModel } from '../em/model.js';
import { type Settings, withDefaults } from '../settings.js';
import { createGmm, gmmSettings } from './gmm.js';
import { createHmm, hmmSettings } from './hmm.js';
import { createLda, ldaSettings } from './lda.js';
import { createMixture, mixtureSettings } from './mixture.js';
import { createPlsa, plsaSettings } from './plsa.js';
import { onlineSettings, scheduleSettings } from './settings.js';
import { createVae, vaeSettings } from './vae.js';

/** What a model is made for. */
export interface ModelDims {
  /** Terms. */
  readonly V: number;
  /** Topics. */
  readonly K: number;
  /** Columns of the documents' vectors; 0 where they have none. */
  readonly columns: number;
  /** Threads of the kernels, where a model has kernels; 1 unless said otherwise. No result depends on it. */
  readonly threads?: number;
  /** See `Dims`. */
  readonly storedBytes?: number;
}

/** A row of the table of models: what it is, what can be set, how it is made and fitted. */
export interface ModelKind {
  /** One line for `--help`. */
  readonly summary: string;
  readonly settings: Settings;
  /** What it reads of documents: their counts, the counts of their segments in order, or vectors (else made of counts). */
  readonly reads: 'counts' | 'segments' | 'vectors';
  /** Defaults of the options of the same names. */
  readonly defaults: {
    readonly topics: number;
    readonly iterations: number;
    /** Without it the model stops otherwise. */
    readonly tolerance?: number;
    /** Without it they would have no effect. */
    readonly 'soft-iterations'?: number;
  };
  /** Makes the model for values of its settings; those without a value have their defaults. */
  create(values: Readonly<Record<string, unknown>>, dims: ModelDims): TopicModel<Corpus, unknown>;
}

/** The table of models. Nothing outside it asks which model it has. */
export const MODELS: Readonly<Record<string, ModelKind>> = {
  lda: {
    summary: 'latent Dirichlet allocation: each document mixes topics',
    settings: { ...ldaSettings, ...onlineSettings },
    reads: 'counts',
    defaults: { topics: 20, iterations: 100, tolerance: 1e-5, 'soft-iterations': 10 },
    create: (values, dims) => createLda(withDefaults(ldaSettings, values), dims),
  },
  mixture: {
    summary: 'mixture of unigrams: each document has one topic',
    settings: { ...mixtureSettings, ...scheduleSettings },
    reads: 'counts',
    defaults: { topics: 20, iterations: 100, tolerance: 1e-5, 'soft-iterations': 20 },
    create: (values, dims) => createMixture(withDefaults(mixtureSettings, values), dims),
  },
  plsa: {
    summary: 'probabilistic latent semantic analysis: LDA without priors',
    settings: { ...plsaSettings, ...scheduleSettings },
    reads: 'counts',
    defaults: { topics: 20, iterations: 100, tolerance: 1e-5, 'soft-iterations': 0 },
    create: (values, dims) => createPlsa(withDefaults(plsaSettings, values), dims),
  },
  gmm: {
    summary: 'Gaussian mixture: documents are points, columns of numbers or text made points (LSA), in K clusters',
    settings: gmmSettings,
    reads: 'vectors',
    defaults: { topics: 20, iterations: 200, tolerance: 1e-6 },
    create: (values, dims) => createGmm(withDefaults(gmmSettings, values), dims),
  },
  hmm: {
    summary: 'hidden Markov model: a document is a sequence of segments, each with one topic',
    settings: hmmSettings,
    reads: 'segments',
    defaults: { topics: 20, iterations: 200, tolerance: 1e-5, 'soft-iterations': 10 },
    create: (values, dims) => createHmm(withDefaults(hmmSettings, values), dims),
  },
  vae: {
    summary: 'variational autoencoder: a network reads the topics off a document (ProdLDA)',
    settings: vaeSettings,
    reads: 'counts',
    defaults: { topics: 20, iterations: 80 },
    create: (values, dims) => createVae(withDefaults(vaeSettings, values), dims),
  },
};
