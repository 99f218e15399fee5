// Documents that have a part of the topics alone: their numbers side by side, with the places that these have in rows of
// all topics. Pointers and lengths are bytes; no bounds are checked here.

/** How many topics have more than `least` tokens. */
export function countSupport(tokens: usize, least: f32, bytes: usize): usize {
  const limit = f32x4.splat(least);
  let found = i32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) found = i32x4.sub(found, f32x4.gt(v128.load(tokens + k), limit));
  return (
    <usize>i32x4.extract_lane(found, 0) +
    <usize>i32x4.extract_lane(found, 1) +
    <usize>i32x4.extract_lane(found, 2) +
    <usize>i32x4.extract_lane(found, 3)
  );
}

/**
 * Moves γ and α of the topics that have more than `least` tokens to the beginnings of rows, and into `places` where they are
 * in rows of all topics, in bytes; with `again` the rows are such rows already.
 */
export function moveSupport(
  tokens: usize,
  least: f32,
  bytes: usize,
  again: boolean,
  places: usize,
  fromGamma: usize,
  gamma: usize,
  fromAlpha: usize,
  alpha: usize,
): void {
  let to: usize = 0;
  for (let k: usize = 0; k < bytes; k += 4) {
    if (!(load<f32>(tokens + k) > least)) continue;
    store<u32>(places + to, again ? load<u32>(places + k) : <u32>k);
    store<f32>(gamma + to, load<f32>(fromGamma + k));
    store<f32>(alpha + to, load<f32>(fromAlpha + k));
    to += 4;
  }
  for (; (to & 15) !== 0; to += 4) {
    store<f32>(gamma + to, 1);
    store<f32>(alpha + to, 1);
  }
}

/** Copies of the rows of B of a document's entries, of the first `end` bytes of places alone, then 0 up to `bytes`. */
export function gatherRows(
  entries: u32,
  term: usize,
  beta: usize,
  rowBytes: usize,
  places: usize,
  end: usize,
  to: usize,
  bytes: usize,
): void {
  for (let i: u32 = 0; i < entries; i++) {
    const row = beta + <usize>load<u32>(term + (<usize>i << 2)) * rowBytes;
    let j: usize = 0;
    for (; j < end; j += 4) store<f32>(to + j, load<f32>(row + <usize>load<u32>(places + j)));
    for (; j < bytes; j += 4) store<f32>(to + j, 0);
    to += bytes;
  }
}

/** Adds numbers, times their weight, at their places in a sum. */
export function addAt(sum: usize, from: usize, places: usize, weight: f32, end: usize): void {
  for (let j: usize = 0; j < end; j += 4) {
    const to = sum + <usize>load<u32>(places + j);
    store<f32>(to, load<f32>(to) + weight * load<f32>(from + j));
  }
}

/** Spreads numbers over whole rows, to their places. */
export function spread(from: usize, places: usize, end: usize, to: usize): void {
  for (let j: usize = 0; j < end; j += 4) store<f32>(to + <usize>load<u32>(places + j), load<f32>(from + j));
}
