/**
 * Words as they are written, as UTF-8 bytes, numbered from 0 as they are first met: a hash table that reads the bytes of
 * a text where they are, since a string of each of its words would take twice the time.
 */
export interface Forms {
  /** The number of the form `bytes[from, to)`, whose hash is given; the next number if it is new. */
  number(bytes: Uint8Array, from: number, to: number, hash: number): number;
}

/** Start and factor of the hash FNV-1a: for each byte h ← (h xor byte) · factor, modulo 2³². */
export const HASH_START = 0x811c9dc5 | 0;
export const HASH_FACTOR = 0x01000193;

/** Of a slot: the hash, where the form begins among `keys`, how long it is (0: the slot is free), and its number. */
const SLOT = 4;

export function formTable(): Forms {
  let slots = new Int32Array(1024 * SLOT);
  let keys = new Uint8Array(4096);
  let end = 0;
  let count = 0;

  /** The slot of a form, or the free one where it would be. */
  const find = (bytes: Uint8Array, from: number, to: number, hash: number): number => {
    const length = to - from;
    const mask = slots.length - 1;
    // The low bits of the hash alone would be those of the last bytes.
    let slot = ((hash ^ (hash >>> 15)) * SLOT) & mask;
    for (; slots[slot + 2] !== 0; slot = (slot + SLOT) & mask) {
      if (slots[slot] !== hash || slots[slot + 2] !== length) continue;
      let key = slots[slot + 1]!;
      let at = from;
      while (at < to && keys[key] === bytes[at]) {
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
      if (length === 0) continue;
      slots.set(old.subarray(from, from + SLOT), find(keys, key, key + length, hash));
    }
  };

  return {
    number(bytes, from, to, hash) {
      const slot = find(bytes, from, to, hash);
      if (slots[slot + 2] !== 0) return slots[slot + 3]!;
      const length = to - from;
      if (end + length > keys.length) {
        const larger = new Uint8Array(2 * keys.length + length);
        larger.set(keys);
        keys = larger;
      }
      keys.set(bytes.subarray(from, to), end);
      slots[slot] = hash;
      slots[slot + 1] = end;
      slots[slot + 2] = length;
      slots[slot + 3] = count;
      end += length;
      if (2 * ++count * SLOT > slots.length) grow();
      return count - 1;
    },
  };
}
