export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms } from './lda';
export { collapsedTopics, collapsedDocuments, collapsedTerms, collapsedCompletion } from './collapsed';
