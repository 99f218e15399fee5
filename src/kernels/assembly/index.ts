export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { collapsedTopics, collapsedDocuments, collapsedTerms, collapsedCompletion } from './collapsed';
export * from './gmm';
export * from './vae-decoder';
export * from './vae-encoder';
