import { kernelMemory } from './memory.js';

/**
 * Values of the forms of texts, by WebAssembly SIMD. Forms are the longest runs of characters of one class; a hash table
 * looks them up where they are, since a string of each would take many times the time.
 */
export interface FormTable {
  /**
   * Goes through the forms of a text, in order: `known` takes the first `count` of `values` for as many forms that are held;
   * `meet` takes a form that is not, and tells the value to hold, if it is short enough to be held.
   */
  each(
    text: string,
    known: (values: Int32Array, count: number) => void,
    meet: (form: string, isHeld: boolean) => number,
  ): void;
  /** Forms held. */
  size(): number;
  forget(): void;
}

/** Bytes of the longest form that is held; longer ones, such as phrases of scripts without spaces, hardly come again. */
const LONGEST = 64;

/** Values of one call of the kernel at most. */
const MOST_FOUND = 16_384;

/** Bytes read after a text: of its last block, and of its last form. */
const AFTER_TEXT = 80;
const AFTER_KEYS = 16;
const SPACE = 0x20;

/** Numbers of a slot: see assembly/forms.ts. */
const SLOT = 4;
const FEWEST_SLOTS = 4096;

/** @param within the ASCII characters of the class; all others are in it, a space is not */
export function createFormTable(within: RegExp): FormTable {
  const memory = kernelMemory(1);
  const lookUp = memory.kernel('formsKnown');
  const { rows, state, found, end } = memory.layOut({ rows: 4, state: 4, found: MOST_FOUND });
  const values = memory.i32(found, MOST_FOUND);
  const stopped = memory.u32(state, 4);
  const classes = memory.bytes(rows, 16);
  for (let byte = 0; byte < 128; byte++)
    if (within.test(String.fromCharCode(byte))) classes[byte & 15]! |= 1 << (byte >> 4);

  let slotCount = FEWEST_SLOTS;
  let textBytes = 65_536;
  let [at, slots, keys, text] = layOut();
  let keysEnd = 0;
  let size = 0;

  function layOut() {
    const lengths = { slots: slotCount * SLOT, keys: slotCount * 2 + AFTER_KEYS / 4, text: textBytes / 4 };
    const at = memory.layOut(lengths, end);
    return [
      at,
      memory.i32(at.slots, lengths.slots),
      memory.bytes(at.keys, 4 * lengths.keys),
      memory.bytes(at.text, textBytes),
    ] as const;
  }

  function write(source: string): number {
    // UTF-8 has at most three bytes for a UTF-16 unit
    if (3 * source.length + AFTER_TEXT > textBytes) {
      const needed = Buffer.byteLength(source) + AFTER_TEXT;
      if (needed > textBytes) {
        textBytes = 4 * Math.ceil(Math.max(needed, 2 * textBytes) / 4);
        text = memory.bytes(memory.layOut({ text: textBytes / 4 }, at.text).text, textBytes);
      }
    }
    const length = text.write(source);
    text.fill(SPACE, length, length + AFTER_TEXT);
    return length;
  }

  function hold(from: number, to: number, hash: number, slot: number, value: number): void {
    slots.set([hash, to - from, keysEnd, value], slot);
    text.copy(keys, keysEnd, from, to);
    keysEnd += to - from;
    size++;
  }

  /** The table twice as large; the text is lost. */
  function grow(): void {
    const [oldSlots, oldKeys] = [slots.slice(), Buffer.from(keys.subarray(0, keysEnd))];
    slotCount *= 2;
    [at, slots, keys, text] = layOut();
    oldKeys.copy(keys);
    for (let from = 0; from < oldSlots.length; from += SLOT) {
      if (oldSlots[from + 1] === 0) continue;
      let slot = (oldSlots[from]! * SLOT) & (slots.length - 1);
      while (slots[slot + 1] !== 0) slot = (slot + SLOT) & (slots.length - 1);
      slots.set(oldSlots.subarray(from, from + SLOT), slot);
    }
  }

  return {
    each(source, known, meet) {
      const length = write(source);
      for (let from = 0; ; ) {
        const [begin, mask] = [at.text, 4 * slots.length - 1];
        const stop = lookUp(
          ...[begin + from, begin + length, LONGEST, rows, at.slots, mask, at.keys],
          ...[found, found + 4 * MOST_FOUND, state],
        );
        known(values, (stopped[0]! - found) / 4);
        if (stop === 0) return;
        from = stop - begin;
        const to = stopped[1]! - begin;
        if (to < 0) continue;
        const isHeld = to - from <= LONGEST;
        const value = meet(text.toString('utf8', from, to), isHeld);
        if (isHeld) {
          hold(from, to, stopped[2]!, (stopped[3]! - at.slots) / 4, value);
          if (2 * size > slotCount || keysEnd + LONGEST + AFTER_KEYS > keys.length) {
            grow();
            write(source);
          }
        }
        from = to;
      }
    },
    size: () => size,
    forget() {
      slotCount = FEWEST_SLOTS;
      [at, slots, keys, text] = layOut();
      [keysEnd, size] = [0, 0];
    },
  };
}
