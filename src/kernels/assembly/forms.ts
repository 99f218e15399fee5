// A hash table of the forms of texts: runs of bytes of one class, which is told of 64 bytes at a time; a form is hashed and
// compared 16 bytes at a time. Pointers are bytes. What follows a text must be 80 bytes that are not of the class.

/** Bytes of a slot, four numbers: the hash, the form's length (0: the slot is free), its place among the keys, its value. */
const SLOT = 16;

const FACTOR: u64 = 0x9e3779b97f4a7c15;

/** The first bytes of 16, the others 0. */
// @ts-ignore: decorator
@inline
function firstBytes(v: v128, length: usize): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(v, i8x16.lt_u(places, i8x16.splat(<u8>length)));
}

/** Of 16 bytes, a bit each: whether they are of the class. */
// @ts-ignore: decorator
@inline
function isWithin(at: usize, byLow: v128): u64 {
  const v = v128.load(at);
  const fifteen = i8x16.splat(15);
  const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const bit = i8x16.swizzle(bits, v128.and(i16x8.shr_u(v, 4), fifteen));
  // No bit stands for what is not ASCII, and all of none are set
  const set = v128.and(i8x16.swizzle(byLow, v128.and(v, fifteen)), bit);
  return <u64>i8x16.bitmask(i8x16.eq(set, bit));
}

// @ts-ignore: decorator
@inline
function hash(from: usize, length: usize): u32 {
  let h: u64 = 0;
  for (let i: usize = 0; i < length; i += 16) {
    const v = firstBytes(v128.load(from + i), length - i);
    h = (h ^ i64x2.extract_lane(v, 0)) * FACTOR;
    h = (h ^ (h >> 32) ^ i64x2.extract_lane(v, 1)) * FACTOR;
  }
  return <u32>(h >> 32);
}

/** The slot of a form, or the free one where it would be. */
// @ts-ignore: decorator
@inline
function find(from: usize, length: usize, h: u32, slots: usize, mask: usize, keys: usize): usize {
  let slot = (<usize>h * SLOT) & mask;
  for (let held: usize = 0; (held = <usize>load<u32>(slots + slot, 4)) !== 0; slot = (slot + SLOT) & mask) {
    if (held !== length || load<u32>(slots + slot) !== h) continue;
    const key = keys + <usize>load<u32>(slots + slot, 8);
    let difference = i8x16.splat(0);
    for (let i: usize = 0; i < length; i += 16) {
      const both = v128.xor(v128.load(from + i), v128.load(key + i));
      difference = v128.or(difference, firstBytes(both, length - i));
    }
    if (!v128.any_true(difference)) break;
  }
  return slot;
}

/**
 * Looks up the forms of the text [at, end), one after another: their values go to [found, most), up to the first form that is
 * not in the table, or is longer than `longest`, or has no room.
 *
 * @param rows the class: bit h of byte l tells whether byte 16h + l is in it; those from 128 on are
 * @param mask bytes of the table less 1; they are a power of 2
 * @param state gets the end of the values; the end of the form that stopped it, 0 for want of room; its hash; its slot
 * @returns where that form begins; 0 if none did
 */
export function formsKnown(
  at: usize,
  end: usize,
  longest: usize,
  rows: usize,
  slots: usize,
  mask: usize,
  keys: usize,
  found: usize,
  most: usize,
  state: usize,
): usize {
  const byLow = v128.load(rows);
  let from = at;
  let inside = false;
  let before: u64 = 0;
  for (let block = at; block <= end; block += 64) {
    const within =
      isWithin(block, byLow) |
      (isWithin(block + 16, byLow) << 16) |
      (isWithin(block + 32, byLow) << 32) |
      (isWithin(block + 48, byLow) << 48);
    let edges = within ^ ((within << 1) | before);
    before = within >> 63;
    for (; edges !== 0; edges &= edges - 1) {
      const edge = block + <usize>ctz(edges);
      inside = !inside;
      if (inside) {
        from = edge;
        continue;
      }
      const length = edge - from;
      const h: u32 = length <= longest ? hash(from, length) : 0;
      const slot = length <= longest ? slots + find(from, length, h, slots, mask, keys) : 0;
      if (found === most || slot === 0 || load<u32>(slot, 4) === 0) {
        store<u32>(state, found);
        store<u32>(state, found === most ? 0 : <u32>edge, 4);
        store<u32>(state, h, 8);
        store<u32>(state, slot, 12);
        return from;
      }
      store<i32>(found, load<i32>(slot, 12));
      found += 4;
    }
  }
  store<u32>(state, found);
  return 0;
}
