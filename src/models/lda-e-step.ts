/**
 * The E-step of LDA over documents [from, to): by kernels, which leave topics that a document has no share of out of its
 * rounds, or with `precise` by the loops of lda-documents.ts, which do not.
 * Symbols as in lda.ts.
 */
import type { Corpus } from '../corpus/corpus.js';
import { tokenCount } from '../corpus/corpus.js';
import type { Arrays, Start, State, Sums } from '../em/model.js';
import { createLdaKernel, type LdaFound, type LdaKernel } from '../kernels/lda.js';
import { copyRows } from '../kernels/rows.js';
import type { Reals } from '../math/reals.js';
import { exp } from '../math/special.js';
import { createDocumentSteps, ofPrior, roundsAt, uninformed, withoutTopics } from './lda-documents.js';

export interface EStep {
  /** Improves γ of documents [from, to) and adds to `sums`; see `Model.eStep`. */
  run(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number;
  /** The kernel, made when somebody first asks for it. */
  kernel(): LdaKernel;
  /** To be told when the topics have changed, `logBeta` of `derived`. */
  topicsChanged(state: State): void;
}

/**
 * @param writePoints writes topics as points, V×K in rows of `width`, where new documents are answered with proportions and
 * topics as points
 */
export function createEStep(
  { V, K, threads }: { readonly V: number; readonly K: number; readonly threads: number },
  {
    isMap,
    precise,
    rounds,
    tolerance,
  }: { readonly isMap: boolean; readonly precise: boolean; readonly rounds: number; readonly tolerance: number },
  writePoints: ((state: State, rows: Reals, width: number) => void) | null,
): EStep {
  const of = isMap ? 'proportions' : 'posteriors';
  const reference = createDocumentSteps(K, { isMap, rounds, tolerance });
  let made: LdaKernel | undefined;
  /** Whether `expLogBeta` is that of `logBeta`. */
  let isScaled = false;
  /** Topics as points, once somebody asked for them, and their read-out; null where it is the kernel that has them. */
  let points: { by: string | undefined; beta: Float64Array | null } | undefined;

  function kernel(): LdaKernel {
    made ??= createLdaKernel({ V, K }, threads);
    return made;
  }

  function run(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): number {
    const alpha = state.params['alpha']!;
    const gamma = state.posterior['gamma']!;
    let startBound = Number.POSITIVE_INFINITY;
    if (!precise) {
      runKernel(corpus, from, to, state, sums, start);
    } else {
      scale(state.derived);
      const ofNew = start === 'cold' && writePoints !== null ? pointsOf(state, writePoints) : null;
      const found = start === 'fixed' ? withoutTopics(sums) : sums;
      startBound = 0;
      for (let d = from; d < to; d++) {
        const length = tokenCount(corpus, d, d + 1);
        // An empty document's q(θ) is its prior: it adds nothing to the bound, and there is nothing to learn from it.
        if (length === 0) uninformed(alpha, 0, gamma, d * K);
        else startBound += reference.visit(corpus, d, length, state, found, start, ofNew);
      }
    }
    return startBound;
  }

  function runKernel(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): void {
    checkState(state);
    const alpha = state.params['alpha']!;
    const gamma = state.posterior['gamma']!;
    for (let d = from; d < to; d++) {
      const isEmpty = corpus.rowStart[d] === corpus.rowStart[d + 1];
      if (isEmpty || start === 'cold') uninformed(alpha, tokenCount(corpus, d, d + 1), gamma, d * K);
    }
    if (start === 'cold' && writePoints !== null) {
      pointsOf(state, writePoints);
      const most = roundsAt(start, rounds);
      const found = kernel().documents(corpus, from, to, alpha, gamma, most, tolerance, 'points');
      copyRows(found.gamma, found.K4, gamma.subarray(from * K), K, to - from);
      if (sums.statistics !== null) kernel().terms(corpus, from, to, sums.statistics['topicTerm']!);
      if (sums.terms.length === 0 && sums.statistics === null) return;
      evaluate(corpus, from, to, state, sums);
    } else if (start === 'fixed') evaluate(corpus, from, to, state, sums);
    else {
      if (start === 'guarded') tryAfresh(corpus, from, to, state);
      improve(corpus, from, to, state, sums, start);
    }
  }

  /** Sets γ of documents [from, to) to what rounds from there lead to, or from the uninformed start, whichever is better. */
  function tryAfresh(corpus: Corpus, from: number, to: number, state: State): void {
    const alpha = state.params['alpha']!;
    const gamma = state.posterior['gamma']!;
    const rows = gamma.subarray(from * K, to * K);
    const was = rows.slice();
    const warm = scoreRounds(corpus, from, to, alpha, gamma);
    const ofWarm = rows.slice();
    for (let d = from; d < to; d++) uninformed(alpha, tokenCount(corpus, d, d + 1), gamma, d * K);
    const cold = scoreRounds(corpus, from, to, alpha, gamma);
    const underflowed: number[] = [];
    for (let d = 0; d < to - from; d++) {
      if (corpus.rowStart[from + d] === corpus.rowStart[from + d + 1]) continue;
      const isKnown = Number.isFinite(warm[d]! - cold[d]!);
      if (!isKnown) underflowed.push(from + d);
      else if (cold[d]! > warm[d]!) continue;
      rows.set((isKnown ? ofWarm : was).subarray(d * K, (d + 1) * K), d * K);
    }
    visitAll(underflowed, corpus, state, { statistics: null, terms: new Float64Array(5) }, 'guarded');
  }

  /** Makes rounds of documents [from, to). Returns of each the part of its bound that depends on where it began. */
  function scoreRounds(corpus: Corpus, from: number, to: number, alpha: Float64Array, gamma: Reals): Float64Array {
    const found = kernel().documents(corpus, from, to, alpha, gamma, rounds, tolerance, of);
    copyRows(found.gamma, found.K4, gamma.subarray(from * K), K, to - from);
    return Float64Array.from({ length: to - from }, (_, d) => {
      const [logNormalisers, , , proportions, entropy] = five(found.terms, 5 * d);
      return logNormalisers + proportions + entropy;
    });
  }

  /**
   * Improves γ of documents [from, to), but for what `tryAfresh` did. γ and φ are what f32 made them; their terms of the
   * bound are those of just this q, in f64: −Σ φ ln φ with ln φ_k = ln θ̃_k + ln β̃_k − ln s, all three as the kernel has them.
   */
  function improve(corpus: Corpus, from: number, to: number, state: State, sums: Sums, start: Start): void {
    const { statistics, terms } = sums;
    const alpha = state.params['alpha']!;
    const gamma = state.posterior['gamma']!;
    const isTried = start === 'guarded';
    const most = isTried ? 0 : roundsAt(start, rounds);
    const found = kernel().documents(corpus, from, to, alpha, gamma, most, tolerance, of);
    const ofAlpha = ofPrior(alpha, isMap);
    const underflowed: number[] = [];
    for (let d = from, at = 0; d < to; d++, at += 5) {
      if (corpus.rowStart[d] === corpus.rowStart[d + 1]) continue;
      const [logNormalisers, asComputed, assignments, proportions, entropy] = five(found.terms, at);
      if (!Number.isFinite(logNormalisers + asComputed)) {
        underflowed.push(d);
        continue;
      }
      terms[1]! += assignments;
      terms[2]! += proportions + ofAlpha;
      terms[3]! += logNormalisers - asComputed;
      terms[4]! += entropy;
    }
    const was = underflowed.map((d) => gamma.slice(d * K, (d + 1) * K));
    copyRows(found.gamma, found.K4, gamma.subarray(from * K), K, to - from);
    for (const d of underflowed) kernel().leaveOut(corpus, from, d);
    const { words, asComputed } = kernel().terms(corpus, from, to, statistics?.['topicTerm'] ?? null);
    terms[0]! += words;
    terms[3]! -= asComputed;
    addDocuments(corpus, from, to, found, underflowed, statistics);
    for (const [i, d] of underflowed.entries()) gamma.set(was[i]!, d * K);
    visitAll(underflowed, corpus, state, sums, isTried ? 'fixed' : start);
  }

  /** Adds what belongs to γ of documents [from, to) as it is and the best q(z) given it, but for S. */
  function evaluate(corpus: Corpus, from: number, to: number, state: State, sums: Sums): void {
    const { statistics, terms } = sums;
    const alpha = state.params['alpha']!;
    const found = kernel().bound(corpus, from, to, alpha, state.posterior['gamma']!, of);
    const ofAlpha = ofPrior(alpha, isMap);
    const underflowed: number[] = [];
    for (let d = from, at = 0; d < to; d++, at += 5) {
      if (corpus.rowStart[d] === corpus.rowStart[d + 1]) continue;
      const [logNormalisers, words, assignments, proportions, entropy] = five(found.terms, at);
      if (Number.isNaN(logNormalisers)) {
        underflowed.push(d);
        continue;
      }
      terms[0]! += words;
      terms[1]! += assignments;
      terms[2]! += proportions + ofAlpha;
      terms[3]! += logNormalisers - words - assignments;
      terms[4]! += entropy;
    }
    addDocuments(corpus, from, to, found, underflowed, statistics);
    visitAll(underflowed, corpus, state, withoutTopics(sums), 'fixed');
  }

  /** Makes topics as points, unless they are there: for the reference, V×K, or for the kernel. */
  function pointsOf(state: State, write: NonNullable<typeof writePoints>): Float64Array | null {
    if (points === undefined || points.by !== state.readOut || !(precise || kernel().hasPoints())) {
      points = { by: state.readOut, beta: precise ? new Float64Array(V * K) : null };
      if (points.beta !== null) write(state, points.beta, K);
      else kernel().setPoints((rows, width) => write(state, rows, width));
    }
    return points.beta;
  }

  function checkState({ derived }: State): void {
    if (derived['logBeta'] !== kernel().arrays.logBeta)
      throw new Error("the kernel's topics are those of another state");
  }

  /** Counts documents [from, to), but those that underflowed, with Σ_d E[log θ_d] and Σ_d N_d. */
  function addDocuments(
    { rowStart }: Corpus,
    from: number,
    to: number,
    { logTheta, expected }: Pick<LdaFound, 'logTheta' | 'expected'>,
    underflowed: readonly number[],
    statistics: Arrays | null,
  ): void {
    if (statistics === null) return;
    for (let k = 0; k < K; k++) {
      statistics['logTheta']![k]! += logTheta[k]!;
      statistics['tokens']![k]! += expected[k]!;
    }
    for (let d = from; d < to; d++) if (rowStart[d] !== rowStart[d + 1]) statistics['documents']![0]! += 1;
    statistics['documents']![0]! -= underflowed.length;
  }

  /** Where f32 or a sum underflowed, or counts have too many digits for f32, the reference does the documents instead. */
  function visitAll(documents: readonly number[], corpus: Corpus, state: State, sums: Sums, start: Start): void {
    if (documents.length > 0) scale(state.derived);
    for (const d of documents) reference.visit(corpus, d, tokenCount(corpus, d, d + 1), state, sums, start, null);
  }

  /** exp(E log β) with each row scaled to maximum 1, for the f64 loops. */
  function scale(derived: Arrays): void {
    if (isScaled) return;
    isScaled = true;
    const [logBeta, expLogBeta, rowMaximum] = [derived['logBeta']!, derived['expLogBeta']!, derived['rowMaximum']!];
    for (let w = 0; w < V; w++) {
      let most = Number.NEGATIVE_INFINITY;
      for (let i = w * K; i < (w + 1) * K; i++) most = Math.max(most, logBeta[i]!);
      rowMaximum[w] = most;
      for (let i = w * K; i < (w + 1) * K; i++) expLogBeta[i] = exp(logBeta[i]! - most);
    }
  }

  return {
    run,
    kernel,
    topicsChanged(state) {
      isScaled = false;
      points = undefined;
      if (precise) return;
      checkState(state);
      kernel().topicsChanged();
    },
  };
}

function five(numbers: Float64Array, at: number): [number, number, number, number, number] {
  return [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!, numbers[at + 4]!];
}
