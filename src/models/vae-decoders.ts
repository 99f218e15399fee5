/**
 * Decoders of the variational autoencoder: p(w | θ) of a document's tokens, and its gradient. `theta` is K×C, a column a
 * document in training, a sample of a document in evaluation.
 */
import type { Corpus } from '../corpus/corpus.js';
import type { Arrays, Shapes, State } from '../em/model.js';
import { type Columns, createDecoderKernel, type DecoderKernel } from '../kernels/vae-decoder.js';
import { log } from '../math/special.js';
import {
  EPSILON,
  mixBackward,
  mixForward,
  normaliseRows,
  normaliseRowsBackward,
  softmaxColumns,
  softmaxColumnsBackward,
} from './vae-layers.js';

export interface Decoder {
  /** Arrays beside `beta` and `shift`, which every decoder learns. */
  readonly params: Shapes;
  readonly derived: Shapes;
  readonly statistics: Shapes;
  /** Whether θ may be given with entries dropped, so that it does not sum to 1. */
  readonly dropout: boolean;
  derive(state: State): void;
  /** Log probability of each document's tokens into `words`; writes ∂θ, adds ∂β and ∂shift, or what `finish` needs. */
  train(
    columns: Columns,
    theta: Float64Array,
    state: State,
    sums: Arrays,
    words: Float64Array,
    gTheta: Float64Array,
  ): void;
  /** Log probability of each column's tokens into `words`, under running statistics; writes ∂θ unless it is null. */
  evaluate(columns: Columns, theta: Float64Array, state: State, words: Float64Array, gTheta: Float64Array | null): void;
  /** Completes the gradients in `sums`; moves running statistics by `rate` towards those of the batch. */
  finish(state: State, sums: Arrays, rate: number): void;
  /** p(w | θ = e_k), V×K. */
  probability(state: State): Float64Array;
  /** p(w | theta) of every term into `out`, V. */
  predict(theta: Float64Array, state: State, out: Float64Array): void;
}

/**
 * p(w | θ) = softmax_w(BN(Σ_k θ_k β_wk) + c_w), a product of experts; BN over the documents of a batch, c the `shift`.
 *
 * @see Srivastava & Sutton 2017, §4
 */
export function productDecoder(V: number, K: number, threads: number, precise: boolean): Decoder {
  // Columns of the batch at work, V×C: logits, then probabilities and gradients.
  let logits = new Float64Array(0);
  let g = new Float64Array(0);
  let most = new Float64Array(0);
  let sum = new Float64Array(0);
  const mean = new Float64Array(V);
  const variance = new Float64Array(V);
  let created: DecoderKernel | undefined;
  const kernel = (): DecoderKernel => (created ??= createDecoderKernel({ V, K }, threads));

  function room(C: number): void {
    if (most.length >= C) return;
    [logits, g] = [new Float64Array(V * C), new Float64Array(V * C)];
    [most, sum] = [new Float64Array(C), new Float64Array(C)];
  }

  /** From `logits` the softmax into `g` and the words' log probabilities; then `g` becomes ∂words/∂logits if wanted. */
  function softmax({ corpus, documents, B, S }: Columns, words: Float64Array, gradient: boolean): void {
    const { rowStart, term, count } = corpus;
    const C = B * S;
    softmaxColumns(logits, V, C, most, sum, g);
    for (let c = 0; c < C; c++) sum[c] = most[c]! + log(sum[c]!);
    const length = most.fill(0, 0, C);
    words.fill(0, 0, C);
    for (let b = 0; b < B; b++) {
      for (let i = rowStart[documents[b]!]!; i < rowStart[documents[b]! + 1]!; i++) {
        const n = count[i]!;
        for (let c = b * S, at = term[i]! * C + c; c < b * S + S; c++, at++) {
          words[c]! += n * (logits[at]! - sum[c]!);
          length[c]! += n;
        }
      }
    }
    if (!gradient) return;
    for (let w = 0, at = 0; w < V; w++) for (let c = 0; c < C; c++, at++) g[at]! *= -length[c]!;
    for (let b = 0; b < B; b++) {
      for (let i = rowStart[documents[b]!]!; i < rowStart[documents[b]! + 1]!; i++)
        for (let c = b * S, at = term[i]! * C + c; c < b * S + S; c++, at++) g[at]! += count[i]!;
    }
  }

  /** Normalises rows of C numbers by the running statistics and adds the shift. */
  function normaliseAndShift(x: Float64Array, C: number, params: Arrays): void {
    for (let w = 0, at = 0; w < V; w++) {
      const [mean, shift] = [params['runningMean']![w]!, params['shift']![w]!];
      const inverse = 1 / Math.sqrt(params['runningVariance']![w]! + EPSILON);
      for (let c = 0; c < C; c++, at++) x[at] = (x[at]! - mean) * inverse + shift;
    }
  }

  return {
    params: { runningMean: ['V'], runningVariance: ['V'] },
    derived: {},
    statistics: { mean: ['V'], variance: ['V'] },
    dropout: true,
    derive() {},
    train(columns, theta, { params }, sums, words, gTheta) {
      const { B } = columns;
      if (!precise) {
        const found = kernel().decode(columns, params['beta']!, theta, params['shift']!, null, words);
        kernel().gradients(gTheta, sums['beta']!, sums['shift']!);
        for (let w = 0; w < V; w++) {
          sums['mean']![w]! += B * found.mean[w]!;
          sums['variance']![w]! += B * found.variance[w]!;
        }
        return;
      }
      room(B);
      mixForward(params['beta']!, theta, V, K, B, logits);
      normaliseRows(logits, V, B, mean, variance);
      for (let w = 0, at = 0; w < V; w++) for (let b = 0; b < B; b++, at++) logits[at]! += params['shift']![w]!;
      softmax(columns, words, true);
      for (let w = 0, at = 0; w < V; w++) {
        const shift = params['shift']![w]!;
        let sum = 0;
        for (let b = 0; b < B; b++, at++) {
          logits[at]! -= shift;
          sum += g[at]!;
        }
        sums['shift']![w]! += sum;
        sums['mean']![w]! += B * mean[w]!;
        sums['variance']![w]! += B * variance[w]!;
      }
      normaliseRowsBackward(logits, V, B, variance, g);
      gTheta.fill(0, 0, K * B);
      mixBackward(params['beta']!, theta, V, K, B, g, sums['beta']!, gTheta);
    },
    evaluate(columns, theta, { params }, words, gTheta) {
      const C = columns.B * columns.S;
      if (!precise) {
        const moments = { mean: params['runningMean']!, variance: params['runningVariance']! };
        kernel().decode(columns, params['beta']!, theta, params['shift']!, moments, words);
        if (gTheta !== null) kernel().gradients(gTheta, null, null);
        return;
      }
      room(C);
      mixForward(params['beta']!, theta, V, K, C, logits);
      normaliseAndShift(logits, C, params);
      softmax(columns, words, gTheta !== null);
      if (gTheta === null) return;
      for (let w = 0, at = 0; w < V; w++) {
        const inverse = 1 / Math.sqrt(params['runningVariance']![w]! + EPSILON);
        for (let c = 0; c < C; c++, at++) g[at]! *= inverse;
      }
      gTheta.fill(0, 0, K * C);
      mixBackward(params['beta']!, theta, V, K, C, g, null, gTheta);
    },
    finish({ params }, sums, rate) {
      const documents = sums['documents']![0]!;
      for (let w = 0; w < V; w++) {
        params['runningMean']![w]! += rate * (sums['mean']![w]! / documents - params['runningMean']![w]!);
        params['runningVariance']![w]! += rate * (sums['variance']![w]! / documents - params['runningVariance']![w]!);
      }
    },
    probability({ params }) {
      const topics = params['beta']!.slice();
      normaliseAndShift(topics, K, params);
      softmaxColumns(topics, V, K, new Float64Array(K), new Float64Array(K), topics);
      return topics;
    },
    predict(theta, { params }, out) {
      mixForward(params['beta']!, theta, V, K, 1, out);
      normaliseAndShift(out, 1, params);
      room(1);
      softmaxColumns(out, V, 1, most, sum, out);
    },
  };
}

/** Least p(w | θ), where every topic's underflows. */
const LEAST = 1e-300;

/**
 * p(w | θ) = Σ_k θ_k φ_wk with φ_k = softmax_w(BN(β_wk) + c_w), c the `shift`: LDA with a logistic-normal prior. Only
 * a document's own terms are visited. BN is over the K topics of a term, so it is a way to write φ and needs no running
 * statistics; without it all topics become the same one. It allows a term's probabilities to differ between topics by a
 * factor of about e^√K.
 *
 * @see Srivastava & Sutton 2017, §3
 */
export function mixtureDecoder(V: number, K: number): Decoder {
  const most = new Float64Array(K);
  const sum = new Float64Array(K);
  const own = new Float64Array(K);
  const gOwn = new Float64Array(K);
  const mean = new Float64Array(V);

  /** Words of column c of C; adds ∂φ unless it is null; writes ∂θ of the column unless it is null. */
  function column(
    { rowStart, term, count }: Corpus,
    d: number,
    c: number,
    C: number,
    theta: Float64Array,
    phi: Float64Array,
    gPhi: Float64Array | null,
    gTheta: Float64Array | null,
  ): number {
    for (let k = 0; k < K; k++) own[k] = theta[k * C + c]!;
    gOwn.fill(0);
    let words = 0;
    for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++) {
      const row = term[i]! * K;
      let p = 0;
      for (let k = 0; k < K; k++) p += own[k]! * phi[row + k]!;
      p = Math.max(p, LEAST);
      words += count[i]! * log(p);
      if (gTheta === null) continue;
      const ratio = count[i]! / p;
      for (let k = 0; k < K; k++) gOwn[k]! += ratio * phi[row + k]!;
      if (gPhi !== null) for (let k = 0; k < K; k++) gPhi[row + k]! += ratio * own[k]!;
    }
    if (gTheta !== null) for (let k = 0; k < K; k++) gTheta[k * C + c] = gOwn[k]!;
    return words;
  }

  return {
    params: {},
    derived: { phi: ['V', 'K'], normalised: ['V', 'K'], spread: ['V'] },
    statistics: { phi: ['V', 'K'] },
    dropout: false,
    derive({ params, derived }) {
      const phi = derived['phi']!;
      const normalised = derived['normalised']!;
      normalised.set(params['beta']!);
      normaliseRows(normalised, V, K, mean, derived['spread']!);
      for (let w = 0, i = 0; w < V; w++)
        for (let k = 0; k < K; k++, i++) phi[i] = normalised[i]! + params['shift']![w]!;
      softmaxColumns(phi, V, K, most, sum, phi);
    },
    train({ corpus, documents, B }, theta, { derived }, sums, words, gTheta) {
      for (let b = 0; b < B; b++)
        words[b] = column(corpus, documents[b]!, b, B, theta, derived['phi']!, sums['phi']!, gTheta);
    },
    evaluate({ corpus, documents, B, S }, theta, { derived }, words, gTheta) {
      for (let c = 0; c < B * S; c++)
        words[c] = column(corpus, documents[Math.floor(c / S)]!, c, B * S, theta, derived['phi']!, null, gTheta);
    },
    finish({ derived }, sums) {
      const g = sums['beta']!;
      g.set(sums['phi']!);
      softmaxColumnsBackward(derived['phi']!, V, K, sum, g);
      for (let w = 0, i = 0; w < V; w++) for (let k = 0; k < K; k++, i++) sums['shift']![w]! += g[i]!;
      normaliseRowsBackward(derived['normalised']!, V, K, derived['spread']!, g);
    },
    probability: ({ derived }) => derived['phi']!.slice(),
    predict: (theta, { derived }, out) => mixForward(derived['phi']!, theta, V, K, 1, out),
  };
}
