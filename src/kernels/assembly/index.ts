export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { boundDocuments, boundTopics } from './lda-bound';
export { collapsedCompletion, collapsedTerms, collapsedTopics, collapsedTotals } from './collapsed';
export { collapsedDocuments } from './collapsed-documents';
export * from './gmm';
export * from './hmm';
export * from './vae-decoder';
export * from './vae-encoder';
export * from './forms';
