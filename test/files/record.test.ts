import { expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { formatRecord, parseRecord } from '../../src/files/record.js';

test('a record comes back', () => {
  const record = { seed: 1, trace: [-1.5, -0.1 - 0.2], text: { stop: null, braces: '[{"\\' }, on: true };
  expect(parseRecord(formatRecord(record), 'f')).toEqual(record);
  expect(parseRecord(formatRecord(undefined), 'f')).toBeNull();
});

test('what JSON would lose is the mistake of the caller', () => {
  expect(() => formatRecord({ trace: [1, Number.NaN] })).toThrow('is NaN');
  expect(() => formatRecord({ elbo: Number.NEGATIVE_INFINITY })).toThrow("record's elbo is -Infinity");
  expect(() => formatRecord({ trace: Float64Array.of(1) })).toThrow('Float64Array');
  expect(() => formatRecord({ settings: new Map([['a', 1]]) })).toThrow('Map');
});

test('what is not JSON or nested too deeply is refused', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  for (const json of ['', '{', '{"a":NaN}', nested(65), '{"a":'.repeat(100_000)]) {
    expect(() => parseRecord(json, 'f')).toThrow(UserError);
  }
  expect(JSON.stringify(parseRecord(nested(64), 'f'))).toBe(nested(64));
  for (const text of ['['.repeat(100), `"${'['.repeat(100)}`, `\\"${'['.repeat(100)}`]) {
    expect(parseRecord(JSON.stringify(text), 'f')).toBe(text);
  }
});

test('__proto__ in a record is data', () => {
  const record = parseRecord('{"__proto__":{"polluted":true}}', 'f') as object;
  expect(Object.keys(record)).toEqual(['__proto__']);
  expect('polluted' in {}).toBe(false);
});
