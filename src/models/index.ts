import type { Corpus } from '../corpus/corpus.js';
import type { ModelKind } from '../em/model.js';
import { withDefaults } from '../settings.js';
import { createLda, ldaSettings } from './lda.js';

/** The table of models. Nothing outside it asks which model it has. */
export const MODELS: Readonly<Record<string, ModelKind<Corpus>>> = {
  lda: {
    summary: 'latent Dirichlet allocation: each document mixes topics',
    settings: ldaSettings,
    create: (values, dims) => createLda(withDefaults(ldaSettings, values), dims),
  },
};
