/**
 * The start of LDA: cross-fitted, self-excluding collapsed updates.
 *
 * Zero-order collapsed variational Bayes sets the responsibilities of a token from the expected counts of all *other*
 * tokens; here a document's own counts are excluded token by token, and a topic's counts block by block:
 *
 *     r_ik ∝ (N_dk − r_ik + α_k) β_kw,   β_kw = (S_wk − S_b,wk + η) / Σ_w′ (S_w′k − S_b,w′k + η)
 *
 * for token i, a term w of a document d of block b. No token votes for its own topic, so it neither freezes the first
 * random assignments, as plain EM does, nor overfits. No bound is promised to rise; what is reported is the log
 * probability of each token given the other tokens of its document and the topics of the other blocks, a held-out score
 * that costs nothing more.
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | N_dk | `tokens` | expected tokens of topic k in document d | D×K |
 * | S_wk | `topicTerm` | expected tokens of term w in topic k | V×K |
 * | r_ik | `share` | topic k's share of one token | entries of a document × K |
 *
 * @see Asuncion, Welling, Smyth & Teh 2009, On smoothing and inference for topic models, §3.4 (CVB0)
 */
import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { selectDocuments } from '../corpus/select.js';
import type { Arrays, Start, StartModel, State, Sums } from '../em/model.js';
import { createLdaStartKernel, type LdaStartKernel } from '../kernels/lda-start.js';
import type { Random } from '../math/random.js';
import { log } from '../math/special.js';

/** Priors of the start; low ones separate topics best, whatever priors the fit goes on with. */
const ALPHA = 0.05;
const ETA = 0.03;

/** Rounds over a document at its first visit, and at a later one. */
const FIRST_ROUNDS = 6;
const LATER_ROUNDS = 3;

/** Blocks that the documents are dealt into, round and round, so that blocks are alike. */
const BLOCKS = 20;

export function createLdaStart(
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
  precise: boolean,
): StartModel<Corpus, Corpus> {
  let kernel: LdaStartKernel | undefined;
  let share = new Float64Array(0);
  const weight = new Float64Array(K);

  /** Visits document d, of `length` tokens; returns Σ_i log p(token i | the document's others, the other blocks' topics). */
  function visit(
    { rowStart, term, count }: Corpus,
    d: number,
    length: number,
    rounds: number,
    { params, posterior }: State,
  ): number {
    const beta = params['beta']!;
    const tokens = posterior['tokens']!;
    const at = d * K;
    const from = rowStart[d]!;
    const to = rowStart[d + 1]!;
    if ((to - from) * K > share.length) share = new Float64Array(2 * (to - from) * K);
    // The responsibilities are not kept between visits: they follow from the document's counts.
    for (let i = from, r = 0; i < to; i++, r += K) {
      const row = term[i]! * K;
      let sum = 0;
      for (let k = 0; k < K; k++) sum += share[r + k] = (tokens[at + k]! + ALPHA) * beta[row + k]!;
      for (let k = 0; k < K; k++) share[r + k]! /= sum;
    }
    let predictive = 0;
    for (let round = 0; round < rounds; round++) {
      predictive = -length * log(length - 1 + K * ALPHA);
      for (let i = from, r = 0; i < to; i++, r += K) {
        const row = term[i]! * K;
        let sum = 0;
        for (let k = 0; k < K; k++) {
          const others = tokens[at + k]! - share[r + k]!;
          sum += weight[k] = (Math.max(others, 0) + ALPHA) * beta[row + k]!;
        }
        const n = count[i]!;
        predictive += n * log(sum);
        for (let k = 0; k < K; k++) {
          const now = weight[k]! / sum;
          tokens[at + k]! += n * (now - share[r + k]!);
          share[r + k] = now;
        }
      }
      // The first shares of a visit do not sum to the counts; those of a round do.
      tokens.fill(0, at, at + K);
      for (let i = from, r = 0; i < to; i++) {
        for (let k = 0; k < K; k++, r++) tokens[at + k]! += count[i]! * share[r]!;
      }
    }
    return predictive;
  }

  function eStep(
    corpus: Corpus,
    from: number,
    to: number,
    state: State,
    { statistics, terms }: Sums,
    start: Start,
  ): number {
    const topicTerm = statistics!['topicTerm']!;
    const rounds = start === 'cold' ? FIRST_ROUNDS : LATER_ROUNDS;
    if (!precise) {
      kernel ??= createLdaStartKernel({ V, K }, threads);
      terms[0]! += kernel.documents(
        corpus,
        from,
        to,
        rounds,
        ALPHA,
        state.params['beta']!,
        state.posterior['tokens']!,
        topicTerm,
      );
      return Number.POSITIVE_INFINITY;
    }
    for (let d = from; d < to; d++) {
      const length = tokenCount(corpus, d, d + 1);
      if (length === 0) continue;
      terms[0]! += visit(corpus, d, length, rounds, state);
      for (let i = corpus.rowStart[d]!, r = 0; i < corpus.rowStart[d + 1]!; i++) {
        const row = corpus.term[i]! * K;
        for (let k = 0; k < K; k++, r++) topicTerm[row + k]! += corpus.count[i]! * share[r]!;
      }
    }
    return Number.POSITIVE_INFINITY;
  }

  /** β from the counts of the other blocks. */
  function mStep({ params }: State, statistics: Arrays): void {
    const beta = params['beta']!;
    const topicTerm = statistics['topicTerm']!;
    const sums = new Float64Array(K).fill(V * ETA);
    for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) sums[k]! += topicTerm[i]!;
    for (let w = 0, i = 0; w < V; w++) {
      // what is left of a withdrawn count may be rounding below 0
      for (let k = 0; k < K; k++, i++) beta[i] = (Math.max(topicTerm[i]!, 0) + ETA) / sums[k]!;
    }
  }

  /** Noise around the terms' frequencies, N tokens in all: topics that differ just enough to part. */
  function initialise(corpus: Corpus, statistics: Arrays, random: Random): void {
    const topicTerm = statistics['topicTerm']!;
    const frequency = new Float64Array(V);
    for (let i = 0; i < corpus.term.length; i++) frequency[corpus.term[i]!]! += corpus.count[i]!;
    for (let w = 0, i = 0; w < V; w++) {
      for (let k = 0; k < K; k++, i++) topicTerm[i] = (frequency[w]! / K) * (0.5 + random.uniform());
    }
  }

  return {
    name: 'start of lda',
    objective: 'log_predictive',
    schedule: 'cross-fitted',
    terms: ['log_predictive'],
    params: { beta: ['V', 'K'] },
    derived: {},
    posterior: { tokens: ['K'] },
    statistics: { topicTerm: ['V', 'K'] },
    iterations: 15,
    tolerance: 1e-3,
    softIterations: 4,
    prepare(corpus) {
      const D = documentCount(corpus);
      const dealt: number[] = [];
      for (let b = 0; b < BLOCKS; b++) for (let d = b; d < D; d += BLOCKS) dealt.push(d);
      return selectDocuments(corpus, dealt);
    },
    blocks(corpus) {
      const D = documentCount(corpus);
      const blocks = [0];
      for (let b = 0; b < BLOCKS; b++) if (b < D) blocks.push(blocks[b]! + Math.ceil((D - b) / BLOCKS));
      return blocks;
    },
    initialise,
    resetPosterior(corpus, { posterior }) {
      for (let d = 0; d < documentCount(corpus); d++) {
        posterior['tokens']!.fill(tokenCount(corpus, d, d + 1) / K, d * K, (d + 1) * K);
      }
    },
    derive() {},
    eStep,
    mStep,
    globalTerms() {},
  };
}
