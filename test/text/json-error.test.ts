import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonErrorOffset } from '../../src/text/json-error.js';

test.each([
  ['', 0],
  ['{', 1],
  ['{"a"', 4],
  ['{"a":}', 5],
  ['{"a":1,}', 7],
  ['[1,]', 3],
  ['[1 2]', 3],
  ['{a:1}', 1],
  ["{'a':1}", 1],
  ['{"a":01}', 6],
  ['{"a":"\t"}', 6],
  ['{"a":"\\x"}', 6],
  ['{"a":"\\u12"}', 6],
  ['nul', 0],
  ['{}x', 2],
  ['[{}}', 3],
  ['NaN', 0],
])('%j goes wrong at %i', (text, offset) => {
  expect(jsonErrorOffset(text)).toBe(offset);
});

test('deep nesting takes no stack', () => {
  expect(jsonErrorOffset('['.repeat(1_000_000))).toBe(1_000_000);
});

test('a string of megabytes takes no stack', () => {
  expect(jsonErrorOffset(`"${'x'.repeat(20_000_000)}" x`)).toBe(20_000_003);
});

test('valid JSON is passed whole', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(jsonErrorOffset(json)).toBe(json.length);
    }),
  );
});

test('it goes wrong exactly where JSON.parse does: what stands before can be completed', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:1xn\\'), (json, at, character) => {
      const from = at % (json.length + 1);
      const damaged = json.slice(0, from) + character + json.slice(from + 1);
      const isValid = (() => {
        try {
          JSON.parse(damaged);
          return true;
        } catch {
          return false;
        }
      })();
      const offset = jsonErrorOffset(damaged);
      if (isValid) expect(offset).toBe(damaged.length);
      // Nothing that follows can mend a text that is wrong before its end.
      else if (offset < damaged.length) expect(jsonErrorOffset(`${damaged}]`)).toBe(offset);
    }),
    { numRuns: 1000 },
  );
});
