import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { type Safetensors, tensor } from '../../src/files/safetensors.js';
import { firstRepeated, packText, unpackText } from '../../src/files/text-list.js';

function fileWith(offsets: Uint32Array, bytes: Uint8Array): Safetensors {
  const tensors = new Map([
    ['list.offsets', tensor('list.offsets', offsets)],
    ['list', tensor('list', bytes)],
  ]);
  return { name: 'f', kind: 'corpus', tensors, metadata: new Map() };
}

function roundTrip(strings: string[]): string[] {
  const [offsets, bytes] = packText('list', strings);
  return unpackText(fileWith(offsets.data as Uint32Array, Uint8Array.from(bytes.data)), 'list');
}

test('any list of strings comes back', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (strings) => {
      expect(roundTrip(strings)).toEqual(strings);
    }),
  );
});

test('empty strings, byte order marks and NULs come back, also alone', () => {
  for (const strings of [[], [''], ['', ''], ['\ufeffa', '\0', '😀', '']]) expect(roundTrip(strings)).toEqual(strings);
});

test('a surrogate without partner becomes U+FFFD', () => {
  expect(roundTrip(['a\ud800', 'b'])).toEqual(['a\ufffd', 'b']);
});

test('offsets and bytes that contradict each other are refused', () => {
  const text = new TextEncoder().encode('aéb');
  const cases: [number[], Uint8Array, string][] = [
    [[], text, 'from its first byte'],
    [[1, 4], text, 'from its first byte'],
    [[0, 3], text, 'from its first byte'],
    [[0, 5], text, 'from its first byte'],
    [[0, 3, 1, 4], text, 'offsets that fall at string 2'],
    [[0, 9, 4], text, 'offsets that fall at string 2'],
    [[0, 2, 4], text, 'cuts a character at string 2'],
    [[0, 1], Uint8Array.of(0xff), 'is not UTF-8'],
    [[0, 3], Uint8Array.of(0xed, 0xa0, 0x80), 'is not UTF-8'],
  ];
  for (const [offsets, bytes, message] of cases) {
    const read = () => unpackText(fileWith(Uint32Array.from(offsets), bytes), 'list');
    expect(read, String(offsets)).toThrow(UserError);
    expect(read, String(offsets)).toThrow(message);
  }
  expect(unpackText(fileWith(Uint32Array.of(0, 1, 3, 4), text), 'list')).toEqual(['a', 'é', 'b']);
});

test('the first repeated string is found, as UTF-8 writes it', () => {
  expect(firstRepeated(['a', '__proto__', 'b'])).toBeUndefined();
  expect(firstRepeated(['a', 'b', 'b', 'a'])).toBe('b');
  expect(firstRepeated(['\ud800', '\ufffd'])).toBe('\ufffd');
  expect(firstRepeated(['😀', '😁'])).toBeUndefined();
});
