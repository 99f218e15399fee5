import fc from 'fast-check';
import { expect, test } from 'vitest';
import { remembered } from '../../src/text/forms.js';

test('each form is seen once, whatever its hash, and has its own outcome', () => {
  const form = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b', 'é') });
  // With few hashes nearly all collide.
  fc.assert(
    fc.property(fc.array(form, { maxLength: 1000, size: 'max' }), fc.integer({ min: 1, max: 5 }), (all, hashes) => {
      const seen: string[] = [];
      const forms = remembered((text) => seen.push(text) - 1);
      for (const [i, text] of all.entries()) {
        const bytes = Buffer.from(`${i}${text}!`);
        const hash = Math.imul(Buffer.from(text)[0]! % hashes, 0x9e3779b1);
        const outcome = forms.of(bytes, String(i).length, bytes.length - 1, hash);
        expect(seen[outcome]).toBe(text);
      }
      expect(seen).toEqual([...new Set(all)]);
      expect(forms.size()).toBe(seen.length);
    }),
    { numRuns: 50 },
  );
});

test('the table grows', () => {
  let calls = 0;
  const forms = remembered(() => calls++);
  const found = new Set<number>();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(`form${i}`);
      found.add(forms.of(bytes, 0, bytes.length, Math.imul(i, 0x9e3779b1)));
    }
  }
  expect([calls, found.size]).toEqual([20_000, 20_000]);
});
