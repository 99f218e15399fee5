import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFormTable, type FormTable } from '../../src/kernels/forms.js';

/** The forms of a text by the definition: the longest runs of characters of the class. */
const defined = (text: string): string[] => text.match(/(?:[A-Za-z'.]|\P{ASCII})+/gu) ?? [];

/** The forms of a text by a table whose values are places in `held`; longer ones are not held. */
function found(table: FormTable, held: string[], text: string): string[] {
  const forms: string[] = [];
  const meet = (form: string, isHeld: boolean): number => {
    if (isHeld !== Buffer.byteLength(form) <= 64) throw new Error(`${form}: ${isHeld}`);
    forms.push(form);
    return isHeld ? held.push(form) - 1 : -1;
  };
  const known = (values: Int32Array, count: number): void => {
    for (const value of values.subarray(0, count)) forms.push(held[value]!);
  };
  table.each(text, known, meet);
  expect(table.size()).toBe(held.length);
  return forms;
}

/** Forms whose ends fall on all places of blocks of 16 and of 64 bytes, and what parts them. */
const text = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom('a', 'b', 'é', '国'), fc.integer({ min: 1, max: 70 })).map(([c, n]) => c.repeat(n)),
      fc.constantFrom(' ', '  ', '\n', '\0', '.', "'", '<>', ' '.repeat(40), 'the', '😀', '\x7f', '\x80'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')).toString());

test('the forms of texts are the runs of the class, each held once', () => {
  const table = createFormTable(/[A-Za-z'.]/);
  const held: string[] = [];
  fc.assert(
    fc.property(text, (text) => {
      expect(found(table, held, text)).toEqual(defined(text));
    }),
    { numRuns: 3000 },
  );
  expect(new Set(held).size).toBe(held.length);
});

test('the table grows within a text, and begins anew', () => {
  const table = createFormTable(/[a-z]/);
  const words = Array.from({ length: 50_000 }, (_, i) =>
    i.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[+digit]!),
  );
  const text = [...words, ...words].join('-');
  for (let round = 0; round < 2; round++) {
    const held: string[] = [];
    expect(found(table, held, text)).toEqual(text.split('-'));
    expect(found(table, held, 'b')).toEqual(['b']);
    expect(held.length).toBe(new Set(words).size);
    table.forget();
    expect(table.size()).toBe(0);
  }
});
