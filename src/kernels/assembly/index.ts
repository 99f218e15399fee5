export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { boundDocuments, boundTopics } from './lda-bound';
export { collapsedTopics, collapsedTerms, collapsedCompletion } from './collapsed';
export { collapsedDocuments } from './collapsed-documents';
export * from './gmm';
export * from './vae-decoder';
export * from './vae-encoder';
export * from './forms';
