export * from './gmm';
export * from './lda';
