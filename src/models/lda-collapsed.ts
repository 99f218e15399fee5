/**
 * The collapsed stage of LDA: cross-fitted, self-excluding updates.
 *
 * Zero-order collapsed variational Bayes sets the responsibilities of a token from the expected counts of all *other*
 * tokens; here a document's own counts are excluded token by token, and a topic's counts block by block:
 *
 *     r_ik ∝ (N_dk − r_ik + α_k) β_kw,   β_kw = (S_wk − S_b,wk + η) / Σ_w′ (S_w′k − S_b,w′k + η)
 *
 * for token i, a term w of a document d of block b. In time most documents have tokens of few of many topics. A visit then
 * goes through these alone; all others are as one topic, with one count, which they share by their α. In every fifth pass
 * each is itself again, so that it can come to tokens. No token votes for its own topic, so it neither freezes the first
 * random assignments, as plain EM does, nor overfits. No bound is promised to rise. What says how well the topics predict
 * is the completion of a few documents that are kept out until the end: half of their tokens from the other half.
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | N_dk | `tokens` | expected tokens of topic k in document d | D×K |
 * | S_wk | `topics` | expected tokens of term w in topic k | V×K |
 * | S_b,wk | `own` | the same of the documents of block b | terms of the block × K |
 * | r_ik | `share` | topic k's share of one token | entries × K |
 *
 * @see Asuncion, Welling, Smyth & Teh 2009, On smoothing and inference for topic models, §3.4 (CVB0)
 * @see Minka 2000, Estimating a Dirichlet distribution, eq. 55 (α from counts)
 */
import { setImmediate } from 'node:timers/promises';
import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { growing } from '../corpus/growing.js';
import { selectDocuments } from '../corpus/select.js';
import { splitTokens } from '../corpus/split.js';
import type { Dims } from '../em/state.js';
import {
  type Block,
  type Chunk,
  type CollapsedLengths,
  type CollapsedSteps,
  collapsedArrays,
  createCollapsedKernel,
} from '../kernels/collapsed.js';
import { copyRows, roundUp4 } from '../kernels/rows.js';
import { columnsOf } from '../kernels/tasks.js';
import { learnPriorFromCounts } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import { log } from '../math/special.js';
import { writeNormalised } from './topics.js';

/** Blocks that the documents are dealt into, round and round, so that blocks are alike. */
const BLOCKS = 10;
/** Their statistics are of fewer, larger blocks where they would take more bytes than this, in f32. */
const STORED_BYTES = 3 << 29;
/** Entries of a chunk at most, but for a longer document; where K is small it is as many as take this many numbers. */
const CHUNK_ENTRIES = 1 << 14;
const CHUNK_NUMBERS = 1 << 21;

/** Rounds over a document at its first visit, and at a later one. */
const FIRST_ROUNDS = 6;
const LATER_ROUNDS = 2;

/** A topic of more tokens of a document than this, or than this part of them, is one of its own. */
const OWN = 0.3;
const OWN_PART = 0.003;
/** These are few where they are at most so many of a hundred topics and have this part of the tokens. */
const FEW = 40;
const HELD = 0.75;
/** Terms of a document at least for which that pays. */
const TERMS_OF_FEW = 3;
/** Passes of all topics: the first, before documents have found theirs, and then every so many; these learn α. */
const SOFT_PASSES = 3;
export const PASSES_TO_ALL = 5;

/** What is left of N_dk + α_k without a token is at least this: in a first round shares may not sum to the counts. */
const LEAST = 1e-6;

/** Documents at most that topics are drawn for. */
const MOST_DRAWN = 2000;

const NOTHING = { rowStart: new Uint32Array(1), term: new Uint32Array(0), count: new Uint32Array(0) };

/** Rounds of a document that is completed, from uniform topic proportions. */
const COMPLETION_ROUNDS = 20;

export interface CollapsedStage {
  /** Makes one pass over all documents. */
  pass(): Promise<void>;
  /**
   * Mean ln p of the tokens of the held-out documents' other halves, under α and the topics that `write` writes: β, V×K in
   * rows of `width`.
   */
  score(write: (rows: Float32Array | Float64Array, width: number) => void, alpha: Float64Array): number;
  /** Writes S (V×K), N (D×K, in the order of the corpus) and α (K). */
  read(topicTerm: Float64Array, tokens: Float64Array, alpha: Float64Array): void;
  close(): void;
}

/**
 * @param alpha where the learning of α starts, or α
 * @param learnAlpha whether α is learned, each on its own or one for all
 */
export function createCollapsedStage(
  fitted: Corpus,
  heldOut: Corpus | null,
  { V, K, threads = 1, storedBytes = STORED_BYTES }: Dims & { readonly threads?: number },
  {
    alpha,
    eta,
    learnAlpha,
    precise,
  }: { alpha: Float64Array; eta: number; learnAlpha: 'none' | 'symmetric' | 'asymmetric'; precise: boolean },
  random: Random,
): CollapsedStage {
  const D = documentCount(fitted);
  const K4 = roundUp4(K);
  const { dealt, corpus, blockEnds } = deal(fitted, K4, Math.min(storedBytes, STORED_BYTES));
  const B = blockEnds.length;
  const { blocks, blockTerm, chunkRow, chunkStart, place, mostEntries } = layOutBlocks(corpus, blockEnds, V, K4);
  const halves = heldOut === null ? { observed: NOTHING, heldOut: NOTHING } : splitTokens(heldOut, random);
  const { observed, heldOut: other } = halves;
  const everyDrawn = Math.ceil(D / MOST_DRAWN);

  const priors = Float64Array.from(alpha);
  const given = {
    rowStart: corpus.rowStart,
    term: corpus.term,
    count: corpus.count,
    blockTerm,
    chunkRow,
    chunkStart,
    place,
    observedStart: observed.rowStart,
    observedTerm: observed.term,
    observedCount: observed.count,
    otherStart: other.rowStart,
    otherTerm: other.term,
    otherCount: other.count,
  };
  const lengths = {
    ...lengthsOf(given),
    alpha: K4,
    scale: K4,
    start: V * K4,
    topics: V * K4,
    beta: V * K4,
    own: blockTerm.length * K4,
    tokens: D * K4,
    share: mostEntries * K4,
    drawn: Math.ceil(D / everyDrawn) * K4,
    scores: observed.rowStart.length - 1,
  };
  let longest = 0;
  for (let d = 0; d + 1 < observed.rowStart.length; d++)
    longest = Math.max(longest, observed.rowStart[d + 1]! - observed.rowStart[d]!);
  const steps = precise
    ? referenceSteps({ K, K4 }, lengths)
    : createCollapsedKernel({ K, K4 }, lengths, longest, threads);
  const { arrays } = steps;
  const { tokens } = arrays;
  for (const [name, values] of Object.entries(given)) arrays[name as keyof typeof given].set(values);
  arrays.alpha.set(priors);

  // Noise around the terms' frequencies, N tokens in all, withdrawn block by block during the first pass.
  const frequency = new Float64Array(V);
  for (let i = 0; i < corpus.term.length; i++) frequency[corpus.term[i]!]! += corpus.count[i]!;
  const noiseOf = new Float64Array(K);
  const { start } = arrays;
  for (let w = 0; w < V; w++) {
    for (let k = 0; k < K; k++) {
      const x = (frequency[w]! / K) * (0.5 + random.uniform());
      start[w * K4 + k] = x;
      noiseOf[k]! += x;
    }
  }
  for (let d = 0; d < D; d++) tokens.fill(tokenCount(corpus, d, d + 1) / K, d * K4, d * K4 + K);
  const seed = random.integer(0x7fffffff);

  const ofTopic = new Float64Array(K);
  const ofBlock = Array.from({ length: B }, () => new Float64Array(K));
  let passes = 0;

  async function pass(): Promise<void> {
    passes++;
    const isFirst = passes === 1;
    const isOfAll = passes % PASSES_TO_ALL === 0;
    const mayBeFew = passes > SOFT_PASSES && !isOfAll;
    const draws = learnAlpha !== 'none' && isOfAll;
    for (let b = 0; b < B; b++) {
      const block = blocks[b]!;
      const own = ofBlock[b]!;
      const noise = isFirst ? (B - b - 1) / B : 0;
      for (let k = 0; k < K; k++) {
        ofTopic[k]! -= own[k]!;
        arrays.scale[k] = 1 / (Math.max(ofTopic[k]!, 0) + noise * noiseOf[k]! + V * eta);
      }
      steps.topics(block, eta, noise);
      for (const chunk of block.chunks) {
        steps.documents(chunk, isFirst ? FIRST_ROUNDS : LATER_ROUNDS, mayBeFew, seed + passes, draws ? everyDrawn : 0);
        steps.terms(block, chunk);
      }
      steps.totals(blockEnds[b - 1] ?? 0, blockEnds[b]!, own);
      for (let k = 0; k < K; k++) ofTopic[k]! += own[k]!;
      // lets signals and progress through
      await setImmediate();
    }
    if (draws) {
      learnPriorFromCounts(priors, arrays.drawn, K4);
      if (learnAlpha === 'symmetric') priors.fill(priors.reduce((sum, a) => sum + a) / K);
      arrays.alpha.set(priors);
    }
  }

  return {
    pass,
    score(write, alpha) {
      arrays.alpha.set(alpha);
      write(arrays.beta, K4);
      steps.completion(COMPLETION_ROUNDS);
      arrays.alpha.set(priors);
      return arrays.scores.reduce((sum, x) => sum + x, 0) / other.count.reduce((sum, n) => sum + n, 0);
    },
    read(topicTerm, tokens, alpha) {
      copyRows(arrays.topics, K4, topicTerm, K, V);
      const found = arrays.tokens;
      for (let i = 0; i < D; i++) {
        const to = dealt[i]! * K;
        for (let k = 0; k < K; k++) tokens[to + k] = found[i * K4 + k]!;
      }
      alpha.set(priors);
    },
    close: steps.close,
  };
}

function lengthsOf<N extends string>(arrays: Readonly<Record<N, ArrayLike<number>>>): Record<N, number> {
  const lengths = Object.entries<ArrayLike<number>>(arrays).map(([name, { length }]) => [name, length]);
  return Object.fromEntries(lengths) as Record<N, number>;
}

/** Deals the documents into blocks of which each is as good a sample as any. */
function deal(
  corpus: Corpus,
  K4: number,
  storedBytes: number,
): { dealt: Uint32Array; corpus: Corpus; blockEnds: number[] } {
  const D = documentCount(corpus);
  const V = corpus.vocabulary.length;
  let B = Math.min(BLOCKS, D);
  // a block has a row for each of its terms: at most V, and at most one an entry
  while (B > 2 && 4 * K4 * B * Math.min(V, Math.ceil(corpus.term.length / B)) > storedBytes) B = Math.ceil(B / 2);
  const dealt = new Uint32Array(D);
  const blockEnds: number[] = [];
  let i = 0;
  for (let b = 0; b < B; b++) {
    for (let d = b; d < D; d += B) dealt[i++] = d;
    blockEnds.push(i);
  }
  return { dealt, corpus: selectDocuments(corpus, dealt), blockEnds };
}

/** The blocks' terms, and their chunks' entries by term. */
function layOutBlocks(corpus: Corpus, blockEnds: readonly number[], V: number, K4: number) {
  const most = Math.max(CHUNK_ENTRIES, CHUNK_NUMBERS / K4);
  const { rowStart } = corpus;
  const blocks: Block[] = [];
  const [blockTerm, chunkRow, chunkStart] = [growing(), growing(), growing()];
  const place = new Uint32Array(corpus.term.length);
  const rowOf = new Uint32Array(V);
  let mostEntries = 0;
  let from = 0;
  for (const end of blockEnds) {
    const firstTerm = blockTerm.length();
    const has = new Uint8Array(V);
    for (let i = rowStart[from]!; i < rowStart[end]!; i++) has[corpus.term[i]!] = 1;
    for (let w = 0; w < V; w++) {
      if (has[w] === 0) continue;
      rowOf[w] = blockTerm.length() - firstTerm;
      blockTerm.push(w);
    }
    const chunks: Chunk[] = [];
    while (from < end) {
      let to = from + 1;
      while (to < end && rowStart[to + 1]! - rowStart[from]! <= most) to++;
      const columns = columnsOf(corpus, from, to, V);
      const chunk = { from, to, firstRow: chunkRow.length(), firstStart: chunkStart.length() };
      for (let w = 0; w < V; w++) {
        if (columns.start[w] === columns.start[w + 1]) continue;
        chunkRow.push(rowOf[w]!);
        chunkStart.push(columns.start[w]!);
      }
      chunkStart.push(columns.start[V]!);
      for (let e = 0; e < columns.entry.length; e++) place[columns.entry[e]!] = e;
      chunks.push({ ...chunk, rows: chunkRow.length() - chunk.firstRow });
      mostEntries = Math.max(mostEntries, columns.entry.length);
      from = to;
    }
    blocks.push({ firstTerm, terms: blockTerm.length() - firstTerm, chunks });
  }
  return {
    blocks,
    blockTerm: blockTerm.take(),
    chunkRow: chunkRow.take(),
    chunkStart: chunkStart.take(),
    place,
    mostEntries,
  };
}

/** The steps in plain loops, in f64: what the kernels are held to. */
function referenceSteps({ K, K4 }: { K: number; K4: number }, lengths: CollapsedLengths): CollapsedSteps {
  const arrays = collapsedArrays(
    lengths,
    (length) => new Uint32Array(length),
    (length) => new Float64Array(length),
  );
  const { rowStart, term, count, alpha, beta, topics, tokens, share, drawn } = arrays;
  const weight = new Float64Array(K);

  /** The topics that the document at `at` is visited with, and the others, which are as one. */
  function topicsOf(at: number, terms: number, mayBeFew: boolean): [own: readonly number[], others: readonly number[]] {
    const all = Array.from({ length: K }, (_, k) => k);
    if (!mayBeFew || terms < TERMS_OF_FEW) return [all, []];
    const sumOver = (topics: readonly number[]) => topics.reduce((sum, k) => sum + tokens[at + k]!, 0);
    const total = sumOver(all);
    const least = Math.min(OWN, OWN_PART * total);
    const own = all.filter((k) => tokens[at + k]! > least);
    const areFew = own.length > 0 && sumOver(own) >= HELD * total && 100 * roundUp4(own.length) <= FEW * K4;
    return areFew ? [own, all.filter((k) => tokens[at + k]! <= least)] : [all, []];
  }

  function visit(d: number, firstEntry: number, rounds: number, mayBeFew: boolean): void {
    const at = d * K4;
    const from = rowStart[d]!;
    const to = rowStart[d + 1]!;
    const [own, others] = topicsOf(at, to - from, mayBeFew);
    let ofOthers = 0;
    let prior = 0;
    for (const k of others) {
      ofOthers += tokens[at + k]!;
      prior += alpha[k]!;
    }
    // The responsibilities are not kept between visits: they follow from the document's counts.
    for (let i = from; i < to; i++) {
      const row = term[i]! * K4;
      const r = (i - firstEntry) * K4;
      let sum = 0;
      for (const k of own) sum += share[r + k] = (tokens[at + k]! + alpha[k]!) * beta[row + k]!;
      for (const k of others) sum += share[r + k] = (ofOthers / prior + 1) * alpha[k]! * beta[row + k]!;
      for (let k = 0; k < K; k++) share[r + k]! /= sum;
    }
    for (let round = 0; round < rounds; round++) {
      for (let i = from; i < to; i++) {
        const row = term[i]! * K4;
        const r = (i - firstEntry) * K4;
        let sum = 0;
        for (const k of own) {
          const left = Math.max(tokens[at + k]! + alpha[k]! - share[r + k]!, LEAST);
          sum += weight[k] = left * beta[row + k]!;
        }
        let old = 0;
        for (const k of others) old += share[r + k]!;
        const left = Math.max(ofOthers + prior - old, LEAST);
        for (const k of others) sum += weight[k] = (left / prior) * alpha[k]! * beta[row + k]!;
        for (let k = 0; k < K; k++) {
          const now = weight[k]! / sum;
          tokens[at + k]! += count[i]! * (now - share[r + k]!);
          share[r + k] = now;
        }
        for (const k of others) ofOthers += count[i]! * share[r + k]!;
        ofOthers -= count[i]! * old;
      }
      if (round > 0) continue;
      // The shares the visit began with do not sum to the counts; those of a round do.
      tokens.fill(0, at, at + K);
      for (let i = from; i < to; i++) {
        for (let k = 0; k < K; k++) tokens[at + k]! += count[i]! * share[(i - firstEntry) * K4 + k]!;
      }
      ofOthers = 0;
      for (const k of others) ofOthers += tokens[at + k]!;
    }
    for (const k of others) tokens[at + k] = (ofOthers * alpha[k]!) / prior;
  }

  /** Counts topics drawn for the tokens of a document, by an xorshift generator of its own. */
  function draw(d: number, firstEntry: number, seed: number, out: number): void {
    let x = (seed ^ Math.imul(d, 0x9e3779b1)) >>> 0 || 1;
    drawn.fill(0, out, out + K4);
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      for (let n = count[i]!; n > 0; n--) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        let left = (x >>> 8) * 5.9604644775390625e-8;
        let k = 0;
        for (; k < K - 1; k++) {
          left -= share[(i - firstEntry) * K4 + k]!;
          if (left <= 0) break;
        }
        drawn[out + k]!++;
      }
    }
  }

  return {
    arrays,
    topics({ firstTerm, terms }, eta, noise) {
      for (let j = firstTerm; j < firstTerm + terms; j++) {
        const row = arrays.blockTerm[j]! * K4;
        for (let k = 0; k < K; k++) {
          // what is left of a withdrawn count may be rounding below 0
          topics[row + k] = Math.max(topics[row + k]! - arrays.own[j * K4 + k]!, 0);
          arrays.own[j * K4 + k] = 0;
          beta[row + k] = (topics[row + k]! + noise * arrays.start[row + k]! + eta) * arrays.scale[k]!;
        }
      }
    },
    documents({ from, to }, rounds, mayBeFew, seed, every) {
      const firstEntry = rowStart[from]!;
      for (let d = from; d < to; d++) {
        if (rowStart[d] === rowStart[d + 1]) continue;
        visit(d, firstEntry, rounds, mayBeFew);
        if (every > 0 && d % every === 0) draw(d, firstEntry, seed, (d / every) * K4);
      }
    },
    terms({ firstTerm }, { from, to, firstRow, rows, firstStart }) {
      const firstEntry = rowStart[from]!;
      const entry = new Uint32Array(rowStart[to]! - firstEntry);
      for (let i = 0; i < entry.length; i++) entry[arrays.place[firstEntry + i]!] = i;
      for (let c = 0; c < rows; c++) {
        const j = firstTerm + arrays.chunkRow[firstRow + c]!;
        const row = arrays.blockTerm[j]! * K4;
        for (let e = arrays.chunkStart[firstStart + c]!; e < arrays.chunkStart[firstStart + c + 1]!; e++) {
          const i = entry[e]!;
          for (let k = 0; k < K; k++) {
            const x = count[firstEntry + i]! * share[i * K4 + k]!;
            arrays.own[j * K4 + k]! += x;
            topics[row + k]! += x;
          }
        }
      }
    },
    totals(from, to, sum) {
      sum.fill(0);
      for (let at = from * K4; at < to * K4; at += K4) {
        for (let k = 0; k < K; k++) sum[k]! += tokens[at + k]!;
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
