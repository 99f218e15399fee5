export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { collapsedTopics, collapsedTerms, collapsedCompletion } from './collapsed';
export { collapsedDocuments } from './collapsed-documents';
export * from './gmm';
export * from './matrix';
export * from './vae';
