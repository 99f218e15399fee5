/**
 * The collapsed stage of LDA: cross-fitted updates whose E-step is Gibbs sampling.
 *
 * Documents are dealt into blocks, and the topics that a block sees are made of all other blocks. Given these, a visit to a
 * document d of block b draws a topic for each of its tokens i, of term w, and draws it again in a few rounds, by
 *
 *     p(z_i = k | z_−i) = (N_dk^−i + α_k) β_kw / s_i,   β_kw = (S_wk − S_b,wk + η) / Σ_w′ (S_w′k − S_b,w′k + η)
 *
 * where N_dk^−i counts the other tokens' topics: θ is integrated out. What the tokens leave in S is not the topics
 * drawn but the mean of these probabilities over the later rounds (Rao–Blackwell). With more and more rounds it
 * approaches the exact posterior given the topics, which variational updates do not; after few it still leans to where
 * the visit began, which is at a random term. Each visit begins afresh; nothing of a document is kept. No token votes
 * for its own topic, so none freezes the random start or overfits. The noise of few rounds in the first passes helps
 * out of poor optima; later passes make more rounds. No bound is promised to rise. What says how well the topics predict
 * is the completion of a few documents that are kept out until the end: half of their tokens from the other half. It also
 * says whether η is too large or too small.
 *
 * Topics take shape in a few visits, of an eighth of the documents hardly worse than of all. So the first pass goes over
 * an eighth of them a few times before it goes over a quarter, half and all of them.
 *
 * Few topics are found better among half as many again: two that share one, and one that is two, do not part again. So
 * the first two passes have more, and then the most alike are merged (lda-merge.ts). With K = 20 perplexities of completion
 * come out lower by 0.8 % in the mean of nine corpora (by 2.6 to −0.6), and seeds differ less; with K = 100 hardly.
 *
 * A draw takes as many steps as the visit has come to topics, however many there are: the rest of s_i, Σ_k α_k β_kw, is the
 * same for all tokens of a term. For S it suffices that an entry keeps Σ N_dk^−i / s_i of these topics and Σ 1 / s_i: times
 * β, and times α β, they are its tokens.
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | N_dk | `tokens` | tokens of topic k in document d, their mean over the later rounds | D×K |
 * | S_wk | `topics` | expected tokens of term w in topic k | V×K |
 * | S_b,wk | `own` | the same of the documents of block b | terms of the block × K |
 * | Σ N_dk^−i / s_i | `part` | of the tokens of an entry | entries of a chunk × K |
 * | Σ_k α_k β_kw | `spread` | what of s_i is not by other tokens | V |
 *
 * @see Mimno, Hoffman & Blei 2012, Sparse stochastic inference for latent Dirichlet allocation (Gibbs sampling within
 *   documents, expectations from its samples, and sparseness)
 * @see Griffiths & Steyvers 2004, Finding scientific topics, eq. 5
 * @see Minka 2000, Estimating a Dirichlet distribution, eq. 55 (α from counts)
 */
import { setImmediate } from 'node:timers/promises';
import { type Corpus, documentCount } from '../corpus/corpus.js';
import { growing } from '../corpus/growing.js';
import { writeRows } from '../corpus/select.js';
import { splitTokens } from '../corpus/split.js';
import type { Dims } from '../em/state.js';
import { type Block, type Chunk, type CollapsedSteps, createCollapsedKernel } from '../kernels/collapsed.js';
import { copyRows, roundUp4 } from '../kernels/rows.js';
import { learnPriorFromCounts } from '../math/dirichlet.js';
import type { Random } from '../math/random.js';
import type { Reals } from '../math/reals.js';
import { createCollapsedReference, noiseAt } from './lda-collapsed-steps.js';
import { groupTopics, mergeColumns } from './lda-merge.js';

/**
 * Documents are dealt into shares, round and round, so that shares are alike. The first two are blocks, then each two are
 * one.
 */
const SHARES = 16;
/** There are fewer, larger shares where the blocks' statistics would take more bytes than this, in f32. */
const STORED_BYTES = 3 << 29;
/** A chunk has one document, or as many as take this many numbers in rows of K, or have this many entries. */
const CHUNK_ENTRIES = 1 << 13;
const CHUNK_NUMBERS = 1 << 20;

/** Passes until the state is looked at, and α and η are learned. */
export const PASSES_TO_LOOK = 3;
/** Topics at most that are merged from half as many again, and after how many passes: before α is learned. */
const MOST_MERGED = 50;
const PASSES_TO_MERGE = 2;
/** Bytes of documents' tokens by topic, in f32, with which none are merged: the memory has bounds. */
const MERGED_BYTES = 1 << 30;
/** Rounds over a document in the first visits to the first two blocks, until the first look, and from then on. */
const ROUNDS = { begin: 6, early: 4, late: 10 };

/** By how much a score has to rise for η to move, in nats a token. */
const ETA_GAIN = 0.0005;

/** Documents at most that topics are drawn for. */
const MOST_DRAWN = 2000;

const NOTHING = { rowStart: new Uint32Array(1), term: new Uint32Array(0), count: new Uint32Array(0) };

/** Rounds of a document that is completed, from uniform topic proportions. */
const COMPLETION_ROUNDS = 20;

export interface CollapsedStage {
  /** Makes one pass over all documents; the first visits some of them more than once. */
  pass(): Promise<void>;
  /** Moves η to half or twice of it, if held-out documents are completed better so. Returns the score, and η. */
  learnEta(): { readonly score: number; readonly eta: number };
  /**
   * Mean ln p of the tokens of the held-out documents' other halves, under α and the topics that `write` writes: β, V×K in
   * rows of `width`.
   */
  score(write: (rows: Reals, width: number) => void, alpha: Float64Array): number;
  /** Writes S (V×K), γ = N + α (D×K, in the order of the corpus) and α (K). */
  read(topicTerm: Float64Array, gamma: Reals, alpha: Float64Array): void;
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
    eta: startEta,
    learnAlpha,
    precise,
  }: { alpha: Float64Array; eta: number; learnAlpha: 'none' | 'symmetric' | 'asymmetric'; precise: boolean },
  random: Random,
): CollapsedStage {
  const D = documentCount(fitted);
  const more = K + Math.floor(K / 2);
  // topics whose priors differ are not to be merged
  const merges = more > K && K <= MOST_MERGED && 4 * more * D < MERGED_BYTES && alpha.every((a) => a === alpha[0]);
  /** Topics at first. */
  const M = merges ? more : K;
  const { shares, dealt, blockEnds } = deal(fitted, roundUp4(M), Math.min(storedBytes, STORED_BYTES));
  const { blocks, most, blockTerm } = layOutBlocks(fitted, dealt, blockEnds, roundUp4(M));
  const halves = heldOut === null ? { observed: NOTHING, heldOut: NOTHING } : splitTokens(heldOut, random);
  const { observed, heldOut: other } = halves;
  const otherTokens = other.count.reduce((sum, n) => sum + n, 0);
  const everyDrawn = Math.ceil(D / MOST_DRAWN);

  const frequency = new Float64Array(V);
  for (let i = 0; i < fitted.term.length; i++) frequency[fitted.term[i]!]! += fitted.count[i]!;
  const given = {
    blockTerm,
    observedStart: observed.rowStart,
    observedTerm: observed.term,
    observedCount: observed.count,
    otherStart: other.rowStart,
    otherTerm: other.term,
    otherCount: other.count,
    frequency,
  };
  let longest = 0;
  for (let d = 0; d + 1 < observed.rowStart.length; d++)
    longest = Math.max(longest, observed.rowStart[d + 1]! - observed.rowStart[d]!);

  const scores = observed.rowStart.length - 1;

  /** The steps of so many topics. */
  function stepsOf(K: number, of: typeof given): CollapsedSteps {
    const K4 = roundUp4(K);
    const lengths = {
      ...lengthsOf(of),
      rowStart: most.documents + 1,
      term: most.entries,
      count: most.entries,
      alpha: K4,
      scale: K4,
      topics: V * K4,
      beta: V * K4,
      own: of.blockTerm.length * K4,
      tokens: D * K4,
      drawn: Math.ceil(D / everyDrawn) * K4,
      scores,
    };
    const steps = precise
      ? createCollapsedReference({ K, K4, entries: most.entries }, lengths)
      : createCollapsedKernel({ K, K4, most, longest, threads }, lengths);
    for (const [name, values] of Object.entries(of)) steps.arrays[name as keyof typeof given].set(values);
    return steps;
  }

  let steps = stepsOf(M, given);
  /** What is given, until there are K topics. */
  let toMerge = merges ? given : null;
  let priors: Float64Array = new Float64Array(M).fill((alpha[0]! * K) / M);
  if (!merges) priors.set(alpha);
  steps.arrays.alpha.set(priors);

  // Noise around the terms' frequencies, N tokens in all: the very first visit sees the share of a block.
  const seed = random.integer(0x7fffffff);
  const noiseOf = sumNoise(frequency, seed, M, roundUp4(M));

  let ofTopic: Float64Array = new Float64Array(M);
  let ofBlock: Float64Array[] = blocks.map(() => new Float64Array(M));
  let eta = startEta;
  let passes = 0;
  let visits = 0;

  /** Merges the topics that there are more at first, unless that is done; N only where it is not to be made anew. */
  function merge(withTokens: boolean): void {
    if (toMerge === null) return;
    const [from, to] = [roundUp4(M), roundUp4(K)];
    const { topics, own, tokens } = steps.arrays;
    const groupOf = groupTopics(topics, from, M, K);
    const merged = [topics, own, ...(withTokens ? [tokens] : [])].map((rows) => mergeColumns(rows, from, groupOf, to));
    steps.close();
    steps = stepsOf(K, toMerge);
    toMerge = null;
    steps.arrays.topics.set(merged[0]!);
    steps.arrays.own.set(merged[1]!);
    if (withTokens) steps.arrays.tokens.set(merged[2]!);
    ofTopic = mergeColumns(ofTopic, M, groupOf, K);
    ofBlock = ofBlock.map((sums) => mergeColumns(sums, M, groupOf, K));
    priors = Float64Array.from(alpha);
    steps.arrays.alpha.set(priors);
  }

  /** What makes β of counts with this η, and so much noise. */
  function setScale(eta: number, noise: number): void {
    for (let k = 0; k < ofTopic.length; k++) {
      steps.arrays.scale[k] = 1 / (Math.max(ofTopic[k]!, 0) + noise * noiseOf[k]! + V * eta);
    }
  }

  async function pass(): Promise<void> {
    if (passes === PASSES_TO_MERGE) merge(false);
    passes++;
    const topics = priors.length;
    const draws = learnAlpha !== 'none' && passes % PASSES_TO_LOOK === 0;
    for (const b of passes === 1 ? orderOfFirstPass(shares) : blocks.keys()) {
      const block = blocks[b]!;
      const own = ofBlock[b]!;
      // in the place of the second block
      const noise = visits === 0 ? 1 / shares : 0;
      const rounds = visits < 2 ? ROUNDS.begin : passes <= PASSES_TO_LOOK ? ROUNDS.early : ROUNDS.late;
      visits++;
      for (let k = 0; k < topics; k++) ofTopic[k]! -= own[k]!;
      setScale(eta, noise);
      steps.topics(block, eta, noise / topics, seed);
      for (const chunk of block.chunks) {
        writeRows(fitted, dealt.subarray(chunk.from, chunk.to), steps.arrays);
        // the second half of them counts
        steps.documents(block, chunk, rounds, rounds / 2, seed + visits, draws ? everyDrawn : 0);
      }
      steps.tokens(block, own);
      for (let k = 0; k < topics; k++) ofTopic[k]! += own[k]!;
      // lets signals and progress through
      await setImmediate();
    }
    if (draws) {
      learnPriorFromCounts(priors, steps.arrays.drawn, roundUp4(K));
      if (learnAlpha === 'symmetric') priors.fill(priors.reduce((sum, a) => sum + a) / K);
      steps.arrays.alpha.set(priors);
    }
  }

  /** Completes the held-out documents by β and α as they are there. */
  function complete(): number {
    steps.completion(COMPLETION_ROUNDS);
    return steps.arrays.scores.reduce((sum, x) => sum + x, 0) / otherTokens;
  }

  /** The score of the topics as they are, with this η. */
  function scoreWith(eta: number): number {
    setScale(eta, 0);
    steps.points(eta);
    return complete();
  }

  return {
    pass,
    learnEta() {
      merge(true);
      const tried = [eta, eta / 2, 2 * eta].map((eta) => ({ eta, score: scoreWith(eta) }));
      const best = tried.reduce((a, b) => (b.score > a.score + ETA_GAIN ? b : a));
      eta = best.eta;
      return best;
    },
    score(write, alpha) {
      merge(true);
      steps.arrays.alpha.set(alpha);
      write(steps.arrays.beta, roundUp4(K));
      const found = complete();
      steps.arrays.alpha.set(priors);
      return found;
    },
    read(topicTerm, gamma, alpha) {
      merge(true);
      const width = roundUp4(K);
      copyRows(steps.arrays.topics, width, topicTerm, K, V);
      const found = steps.arrays.tokens;
      for (let i = 0; i < D; i++) {
        const to = dealt[i]! * K;
        for (let k = 0; k < K; k++) gamma[to + k] = found[i * width + k]! + priors[k]!;
      }
      alpha.set(priors);
    },
    close: () => steps.close(),
  };
}

/** Tokens of each topic in the noise around the terms' frequencies, K. */
function sumNoise(frequency: Float64Array, seed: number, K: number, K4: number): Float64Array {
  const sums = new Float64Array(K);
  for (let w = 0; w < frequency.length; w++) {
    for (let k = 0; k < K; k++) sums[k]! += (frequency[w]! / K) * noiseAt(seed, w * K4 + k);
  }
  return sums;
}

function lengthsOf<N extends string>(arrays: Readonly<Record<N, ArrayLike<number>>>): Record<N, number> {
  const lengths = Object.entries<ArrayLike<number>>(arrays).map(([name, { length }]) => [name, length]);
  return Object.fromEntries(lengths) as Record<N, number>;
}

/**
 * The blocks that the first pass visits, of documents in so many shares: the blocks of 2 shares, of 4, of 8, …, each sample
 * as often as makes half a pass, and at last those that are left.
 */
export function orderOfFirstPass(shares: number): number[] {
  const order: number[] = [];
  let end = 0;
  for (let sample = 2; sample < shares; sample *= 2) {
    end = sample / 2 + 1;
    for (let times = shares / sample / 2; times > 0; times--) for (let b = 0; b < end; b++) order.push(b);
  }
  while (end < shares / 2 + 1) order.push(end++);
  return order;
}

/** Deals the documents into blocks of which each is as good a sample as any. */
function deal(
  corpus: Corpus,
  K4: number,
  storedBytes: number,
): { shares: number; dealt: Uint32Array; blockEnds: number[] } {
  const D = documentCount(corpus);
  const V = corpus.vocabulary.length;
  const all = Uint32Array.from({ length: D }, (_, d) => d);
  const isEmpty = (d: number) => corpus.rowStart[d] === corpus.rowStart[d + 1];
  const filled = all.filter((d) => !isEmpty(d));
  // those without terms last, so that every block has some with terms
  const order = new Uint32Array(D);
  order.set(filled);
  order.set(all.filter(isEmpty), filled.length);
  // a block has a row for each of its terms: at most V, and at most one an entry
  const bytesOf = (B: number) => 4 * K4 * B * Math.min(V, Math.ceil(corpus.term.length / B));
  let shares = SHARES;
  while (shares > 2 && (shares > filled.length || bytesOf(shares / 2 + 1) > storedBytes)) shares /= 2;
  const dealt = new Uint32Array(D);
  const blockEnds: number[] = [];
  let i = 0;
  for (let share = 0; share < shares; share++) {
    for (let d = share; d < D; d += shares) dealt[i++] = order[d]!;
    if (share === 0 || share % 2 === 1) blockEnds.push(i);
  }
  return { shares, dealt, blockEnds };
}

/** Blocks of documents in the order they are dealt, with their chunks and terms. */
function layOutBlocks(
  { rowStart, term, vocabulary }: Corpus,
  dealt: Uint32Array,
  blockEnds: readonly number[],
  K4: number,
) {
  const mostOfChunk = Math.max(CHUNK_ENTRIES, CHUNK_NUMBERS / K4);
  const entriesOf = (i: number) => rowStart[dealt[i]! + 1]! - rowStart[dealt[i]!]!;
  const blocks: Block[] = [];
  const blockTerm = growing();
  const most = { entries: 0, documents: 0 };
  const isThere = new Uint8Array(vocabulary.length);
  let from = 0;
  for (const end of blockEnds) {
    const firstTerm = blockTerm.length();
    isThere.fill(0);
    for (const d of dealt.subarray(from, end)) {
      for (let e = rowStart[d]!; e < rowStart[d + 1]!; e++) isThere[term[e]!] = 1;
    }
    for (let w = 0; w < isThere.length; w++) if (isThere[w] === 1) blockTerm.push(w);
    const chunks: Chunk[] = [];
    while (from < end) {
      let entries = entriesOf(from);
      let to = from + 1;
      while (to < end && entries + entriesOf(to) <= mostOfChunk) entries += entriesOf(to++);
      chunks.push({ from, to });
      most.entries = Math.max(most.entries, entries);
      most.documents = Math.max(most.documents, to - from);
      from = to;
    }
    blocks.push({ firstTerm, terms: blockTerm.length() - firstTerm, chunks });
  }
  return { blocks, most, blockTerm: blockTerm.take() };
}
