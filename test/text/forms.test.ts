import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formTable } from '../../src/text/forms.js';

test('forms have the numbers of their first coming, whatever their hashes', () => {
  const form = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b', 'é') });
  // With few hashes nearly all collide.
  fc.assert(
    fc.property(fc.array(form, { maxLength: 1000, size: 'max' }), fc.integer({ min: 1, max: 5 }), (all, hashes) => {
      const table = formTable();
      const expected = new Map<string, number>();
      for (const [i, text] of all.entries()) {
        if (!expected.has(text)) expected.set(text, expected.size);
        const bytes = Buffer.from(`${i}${text}!`);
        const from = String(i).length;
        const hash = Math.imul(Buffer.from(text)[0]! % hashes, 0x9e3779b1);
        expect(table.number(bytes, from, bytes.length - 1, hash)).toBe(expected.get(text));
      }
    }),
    { numRuns: 50 },
  );
});

test('the table grows', () => {
  const table = formTable();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(`form${i}`);
      expect(table.number(bytes, 0, bytes.length, Math.imul(i, 0x9e3779b1))).toBe(i);
    }
  }
});
