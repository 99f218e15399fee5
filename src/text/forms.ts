/** Start and factor of the hash FNV-1a: for each byte h ← (h xor byte) · factor, modulo 2³². */
export const HASH_START = 0x811c9dc5 | 0;
export const HASH_FACTOR = 0x01000193;

/** Of a slot: the hash, where the form begins among `keys`, how long it is (0: the slot is free), and what becomes of it. */
const SLOT = 4;

/** A function of words as they are written, in UTF-8: of the form `bytes[from, to)`, whose hash is given. */
export type OfForm = (bytes: Buffer, from: number, to: number, hash: number) => number;

/**
 * `outcome`, called once for each form: a hash table that reads the bytes of a text where they are, since a string of
 * each of its words would take twice the time.
 */
export function remembered(outcome: (form: string) => number): { of: OfForm; size(): number } {
  let slots = new Int32Array(1024 * SLOT);
  let keys = Buffer.alloc(4096);
  let end = 0;
  let size = 0;

  /** The slot of a form, or the free one where it would be. */
  const find: OfForm = (bytes, from, to, hash) => {
    const [table, held] = [slots, keys];
    const mask = table.length - 1;
    // The low bits of the hash alone would be those of the last bytes.
    let slot = ((hash ^ (hash >>> 15)) * SLOT) & mask;
    for (; table[slot + 2] !== 0; slot = (slot + SLOT) & mask) {
      if (table[slot] !== hash || table[slot + 2] !== to - from) continue;
      let key = table[slot + 1]!;
      let at = from;
      while (at < to && held[key] === bytes[at]) {
        key++;
        at++;
      }
      if (at === to) break;
    }
    return slot;
  };

  const grow = (): void => {
    const old = slots;
    slots = new Int32Array(2 * old.length);
    for (let from = 0; from < old.length; from += SLOT) {
      const [hash, key, length] = [old[from]!, old[from + 1]!, old[from + 2]!];
      if (length > 0) slots.set(old.subarray(from, from + SLOT), find(keys, key, key + length, hash));
    }
  };

  return {
    of(bytes, from, to, hash) {
      const slot = find(bytes, from, to, hash);
      if (slots[slot + 2] !== 0) return slots[slot + 3]!;
      const length = to - from;
      if (end + length > keys.length) keys = Buffer.concat([keys], 2 * keys.length + length);
      bytes.copy(keys, end, from, to);
      const value = outcome(bytes.toString('utf8', from, to));
      slots.set([hash, end, length, value], slot);
      end += length;
      if (2 * ++size * SLOT > slots.length) grow();
      return value;
    },
    size: () => size,
  };
}
