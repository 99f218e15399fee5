/**
 * The steps of lda-collapsed.ts in plain loops, in f64: what the kernels are held to, and `--precise`. Symbols are explained
 * there.
 */
import { type CollapsedLengths, type CollapsedSteps, collapsedArrays, MOST_DRAWS } from '../kernels/collapsed.js';
import { log } from '../math/special.js';
import { writeNormalised } from './topics.js';

/** 2^−24 */
const BITS_24 = 5.9604644775390625e-8;

/** @param entries of the largest chunk */
export function createCollapsedReference(
  { K, K4, entries }: { K: number; K4: number; entries: number },
  lengths: CollapsedLengths,
): CollapsedSteps {
  const arrays = collapsedArrays(
    lengths,
    (length) => new Uint32Array(length),
    (length) => new Float64Array(length),
  );
  const { rowStart, term, count, alpha, beta, topics, tokens, drawn } = arrays;
  /** Σ N_dk^−i / s_i and Σ 1 / s_i of each entry of a chunk, the second also of each row of blockTerm. */
  const part = new Float64Array(entries * K);
  const ofPrior = new Float64Array(entries);
  const priorOf = new Float64Array(arrays.blockTerm.length);
  /** Σ_k α_k β_wk */
  const spread = new Float64Array(arrays.frequency.length);
  /** The row of each term of the block that is visited. */
  const rowOf = new Uint32Array(arrays.frequency.length);
  const held = new Float64Array(K);
  const weight = new Float64Array(K);

  /**
   * Draws topics for the tokens of document d, which is the i-th of its chunk, and again in each round; then, into row
   * `out`, once more by their shares alone.
   */
  function visit(d: number, i: number, rounds: number, kept: number, seed: number, out: number | null): void {
    const random = seeded(seed, d);
    const uniform = xorshift(random);
    /** The topics that it has come to, and the topic of each draw. */
    const own: number[] = [];
    const topicOf: number[] = [];
    const at = d * K4;
    const from = rowStart[i]!;
    const to = rowStart[i + 1]!;
    held.fill(0);
    tokens.fill(0, at, at + K);
    part.fill(0, from * K, to * K);
    ofPrior.fill(0, from, to);

    const draw = (known: number, prior: number, row: number) => {
      const x = uniform() * (known + prior * spread[row / K4]!);
      return x < known ? passOwn(own, x) : passPrior(row, (x - known) / prior);
    };

    const begin = from + (random % (to - from));
    for (let round = 0; round <= rounds; round++) {
      const counts = round + kept > rounds;
      let token = 0;
      for (let e = 0; e < to - from; e++) {
        const i = begin + e < to ? begin + e : begin + e - (to - from);
        const row = term[i]! * K4;
        const most = Math.ceil(count[i]! / MOST_DRAWS);
        for (let left = count[i]!; left > 0; left -= most) {
          const n = Math.min(most, left);
          if (round > 0) held[topicOf[token]!]! -= n;
          let known = 0;
          for (const k of own) known += weight[k] = held[k]! * beta[row + k]!;
          if (counts) {
            const once = n / (kept * (known + spread[term[i]!]!));
            for (const k of own) part[i * K + k]! += held[k]! * once;
            ofPrior[i]! += once;
          }
          const k = draw(known, 1, row);
          if (!own.includes(k)) own.push(k);
          held[k]! += n;
          topicOf[token++] = k;
        }
      }
      if (counts) for (const k of own) tokens[at + k]! += held[k]! / kept;
    }
    if (out === null) return;
    drawn.fill(0, out, out + K4);
    for (let i = from; i < to; i++) {
      const row = term[i]! * K4;
      let known = 0;
      for (const k of own) known += weight[k] = part[i * K + k]! * beta[row + k]!;
      const most = Math.ceil(count[i]! / MOST_DRAWS);
      for (let left = count[i]!; left > 0; left -= most) {
        drawn[out + draw(known, ofPrior[i]!, row)]! += Math.min(most, left);
      }
    }
  }

  /** Passes the weights of a document's topics until what remains of x is less than one; four side by side, as kernels. */
  function passOwn(own: readonly number[], x: number): number {
    let found = 0;
    for (let lane = 0; lane < 4; lane++) {
      for (let j = lane; j < own.length; j += 4) {
        const k = own[j]!;
        if (weight[k]! > 0) found = k;
        if (x < weight[k]!) return found;
        x -= weight[k]!;
      }
    }
    return found;
  }

  /** The same of α_k β_k. */
  function passPrior(row: number, x: number): number {
    let k = 0;
    for (; k < K - 1; k++) {
      const weight = alpha[k]! * beta[row + k]!;
      if (x < weight) break;
      x -= weight;
    }
    return k;
  }

  return {
    arrays,
    topics({ firstTerm, terms }, eta, noise, seed) {
      for (let j = firstTerm; j < firstTerm + terms; j++) {
        const w = arrays.blockTerm[j]!;
        const row = w * K4;
        rowOf[w] = j;
        spread[w] = 0;
        for (let k = 0; k < K; k++) {
          // what is left of a withdrawn count may be rounding below 0
          topics[row + k] = Math.max(topics[row + k]! - arrays.own[j * K4 + k]!, 0);
          arrays.own[j * K4 + k] = 0;
          const start = noise === 0 ? 0 : noise * arrays.frequency[w]! * noiseAt(seed, row + k);
          beta[row + k] = (topics[row + k]! + start + eta) * arrays.scale[k]!;
          spread[w]! += alpha[k]! * beta[row + k]!;
        }
      }
    },
    documents(_block, { from, to }, rounds, kept, seed, every) {
      for (let d = from; d < to; d++) {
        const out = every > 0 && d % every === 0 ? (d / every) * K4 : null;
        if (rowStart[d - from] !== rowStart[d - from + 1]) visit(d, d - from, rounds, kept, seed, out);
      }
      for (let e = 0; e < rowStart[to - from]!; e++) {
        const j = rowOf[term[e]!]!;
        priorOf[j]! += ofPrior[e]!;
        for (let k = 0; k < K; k++) arrays.own[j * K4 + k]! += part[e * K + k]!;
      }
    },
    tokens({ firstTerm, terms }, sum) {
      sum.fill(0);
      for (let j = firstTerm; j < firstTerm + terms; j++) {
        const row = arrays.blockTerm[j]! * K4;
        for (let k = 0; k < K; k++) {
          const x = (arrays.own[j * K4 + k]! + priorOf[j]! * alpha[k]!) * beta[row + k]!;
          arrays.own[j * K4 + k] = x;
          topics[row + k]! += x;
          sum[k]! += x;
        }
        priorOf[j] = 0;
      }
    },
    points(eta) {
      for (let row = 0; row < topics.length; row += K4) {
        for (let k = 0; k < K; k++) beta[row + k] = (topics[row + k]! + eta) * arrays.scale[k]!;
      }
    },
    completion(rounds) {
      const { observedStart, observedTerm, observedCount, otherStart, otherTerm, otherCount, scores } = arrays;
      const theta = new Float64Array(K);
      const next = new Float64Array(K);
      /** p(w) = Σ_k θ_k β_wk */
      const probability = (w: number) => {
        let p = 0;
        for (let k = 0; k < K; k++) p += theta[k]! * beta[w * K4 + k]!;
        return p;
      };
      for (let d = 0; d < scores.length; d++) {
        theta.fill(1 / K);
        for (let round = 0; round < rounds; round++) {
          next.set(alpha.subarray(0, K));
          for (let i = observedStart[d]!; i < observedStart[d + 1]!; i++) {
            const w = observedTerm[i]!;
            const ratio = observedCount[i]! / probability(w);
            for (let k = 0; k < K; k++) next[k]! += ratio * theta[k]! * beta[w * K4 + k]!;
          }
          writeNormalised(next, 0, K, theta, 0);
        }
        scores[d] = 0;
        for (let i = otherStart[d]!; i < otherStart[d + 1]!; i++) {
          scores[d]! += otherCount[i]! * log(probability(otherTerm[i]!));
        }
      }
    },
    close() {},
  };
}

/** The noise of the i-th number of the first topics, from [½, 1½). */
export function noiseAt(seed: number, i: number): number {
  return 0.5 + (mixed(seed, i) >>> 8) * BITS_24;
}

/** Where a generator of a document's own starts, never 0. */
function seeded(seed: number, d: number): number {
  return mixed(seed, d) >>> 0 || 1;
}

/** 32 bits of a seed and a number, well mixed: the finalizer of MurmurHash3. */
function mixed(seed: number, i: number): number {
  let x = seed ^ Math.imul(i, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Numbers from [0, 1), by xorshift32. */
function xorshift(x: number): () => number {
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 8) * BITS_24;
  };
}
