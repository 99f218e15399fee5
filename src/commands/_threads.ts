import { availableParallelism } from 'node:os';

/** The option of commands that read much text or whose E-steps have kernels. */
export const threadsSettings = {
  threads: {
    kind: 'integer',
    alias: 'j',
    value: 'N',
    min: 1,
    max: 256,
    describe:
      'threads that count the terms of text and run the kernels of the models; no result depends on it [default: the cores]',
  },
} as const;

/** The threads asked for, else as many as there are cores. */
export function threadsOf({ threads }: { readonly threads: number | undefined }): number {
  return threads ?? availableParallelism();
}
