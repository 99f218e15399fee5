import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { State } from '../../src/em/model.js';
import { inOrderOfCorpus } from '../../src/em/state.js';

it('rows of fitted documents and of the others come to lie in the order of all', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (flags, K) => {
      const rowOf = (d: number) => Array.from({ length: K }, (_, k) => 100 * d + k);
      const rowsOf = (which: boolean) => flags.flatMap((flag, d) => (flag === which ? rowOf(d) : []));
      const state = (gamma: number[]): State =>
        ({ params: {}, derived: {}, posterior: { gamma: Float64Array.from(gamma) } }) as State;
      const whole = state([...rowsOf(true), ...rowsOf(false)]);
      inOrderOfCorpus(whole, Uint8Array.from(flags, Number));
      expect([...whole.posterior['gamma']!]).toEqual(flags.flatMap((_, d) => rowOf(d)));
    }),
  );
});
