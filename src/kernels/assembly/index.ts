export * from './gmm';
export * from './lda';
export * from './matrix';
export * from './vae';
