export { ldaDocuments, ldaExpectLog, ldaScale, ldaTerms, ldaTopics } from './lda';
export { boundDocuments, boundTopics } from './lda-bound';
export {
  collapsedCompletion,
  collapsedPlaces,
  collapsedPoints,
  collapsedTerms,
  collapsedTokens,
  collapsedTopics,
} from './collapsed';
export { collapsedDocuments } from './collapsed-documents';
export * from './gmm';
export { mixtureDocuments, multinomialLogs, multinomialTerms, plsaDocuments } from './multinomial';
export * from './hmm';
export * from './vae-decoder';
export * from './vae-encoder';
export * from './forms';
export { setThread } from './thread';
