export * from './lda';
