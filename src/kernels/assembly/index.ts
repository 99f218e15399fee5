export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { collapsedTopics, collapsedDocuments, collapsedTerms, collapsedCompletion } from './collapsed';
export * from './gmm';
export * from './matrix';
export * from './vae';
export * from './forms';
