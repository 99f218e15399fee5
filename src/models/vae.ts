/**
 * Topics by a variational autoencoder: ProdLDA (`decoder: product`) and its mixture form (`mixture`, "neural LDA").
 *
 *     for each document d:   z_d ~ N(0, diag v),  θ_d = softmax(z_d)
 *       for each token n:    w_dn ~ p(w | θ_d), the decoder's (vae-decoders.ts)
 *
 * where v is the Laplace approximation of Dir(α) in the softmax basis. The posterior is q(z_d) = N(μ_d, diag σ_d²) with μ_d
 * and σ_d² from an encoder that all documents share (vae-encoder.ts): the E-step is a forward pass, and what is learned follows the gradient of
 *
 *     E_q[log p(w | z)] − KL(q(z) ‖ p(z)),   z = μ + σ ε,  ε ~ N(0, 1),
 *
 * with one ε a document and step. A warm E-step of a block is one such batch, and adds its gradient; the M-step is a step
 * of Adam. A cold one, or one without statistics, evaluates: running statistics for BN's, no dropout, and several ε that
 * depend on the document's counts alone.
 *
 * | symbol | code | meaning | shape |
 * |---|---|---|---|
 * | x_d | `input` | what the encoder reads of the counts | D×V, sparse |
 * | W1, b1, W2, b2, W3, c | `weight1` … | the encoder | V×H, H, H×H, H, H×2K, 2K |
 * | μ_d, log σ_d² | `mean`, `logVariance` | q(z_d) | D×K |
 * | E_q θ_d | `theta` | topic proportions | D×K |
 * | β | `beta` | the decoder's weight of each term | V×K |
 * | v | `priorVariance` | variance of z | 1 |
 *
 * @see Srivastava & Sutton 2017, Autoencoding variational inference for topic models: eqs. 5–7, §3.2–3.3, §4
 *   (from memory); details as in the authors' and OCTIS's programs: Adam with β1 0.99, BN without scale
 * @see Kingma & Welling 2014 (the gradient); Miao, Yu & Blunsom 2016
 */
import type { Corpus } from '../corpus/corpus.js';
import { documentCount, tokenCount } from '../corpus/corpus.js';
import type { Arrays, Shapes, Start, State, Sums, TopicModel } from '../em/model.js';
import { NumericalError } from '../errors.js';
import type { Columns } from '../kernels/vae-decoder.js';
import type { SparseRows } from '../kernels/vae-encoder.js';
import { adamStep } from '../math/adam.js';
import { type Random, randomFromState } from '../math/random.js';
import { exp, log } from '../math/special.js';
import type { Settings, Values } from '../settings.js';
import { mixtureDecoder, productDecoder } from './vae-decoders.js';
import { type Check, createEncoder, inputOf, LOG_VARIANCE_LIMIT } from './vae-encoder.js';
import { softmaxColumns, softmaxColumnsBackward } from './vae-layers.js';

export const vaeSettings = {
  decoder: {
    kind: 'choice',
    choices: ['product', 'mixture'],
    default: 'product',
    describe: 'how topics make a document: a product of experts (ProdLDA), or a mixture as in LDA',
  },
  alpha: {
    kind: 'number',
    value: 'A',
    above: 0,
    max: 1e6,
    default: 1,
    describe: 'Dirichlet prior of topic proportions, whose Laplace approximation is the logistic-normal prior',
  },
  hidden: {
    kind: 'integer',
    value: 'H',
    min: 1,
    max: 100_000,
    default: 100,
    describe: "units of the encoder's layers",
  },
  dropout: {
    kind: 'number',
    value: 'P',
    min: 0,
    max: 0.95,
    default: 0.2,
    describe: 'share of hidden units (and of topics, with the product decoder) left out at random in training',
  },
  batch: { kind: 'integer', value: 'N', min: 1, default: 64, describe: 'documents of one gradient step' },
  rate: { kind: 'number', value: 'R', above: 0, max: 1, default: 0.005, describe: "Adam's step size" },
  'warm-up': {
    kind: 'integer',
    value: 'N',
    min: 0,
    default: 0,
    describe: 'first epochs in which the weight of the KL term rises from 0 to 1',
  },
  samples: {
    kind: 'integer',
    value: 'N',
    min: 2,
    max: 10_000,
    default: 10,
    describe: "samples of a document's topics when its bound is estimated",
  },
  'held-out': {
    kind: 'number',
    value: 'P',
    min: 0,
    max: 0.5,
    default: 0.05,
    describe: 'share of the documents that the fit does not see, to stop on: at least 20; none of fewer than 100',
  },
  patience: {
    kind: 'integer',
    value: 'N',
    min: 1,
    default: 10,
    describe: 'stop when the held-out bound has not risen for this many epochs',
  },
  refine: {
    kind: 'integer',
    value: 'N',
    min: 0,
    default: 0,
    describe: "gradient steps on a new document's own bound, from what the encoder says of it",
  },
  precise: {
    kind: 'flag',
    default: false,
    describe: 'compute by the plain loops that the kernels are checked against, five times slower',
  },
} as const satisfies Settings;

/** Weights that gradients move; `beta` and `shift` are the decoder's. */
const LEARNED = ['weight1', 'bias1', 'weight2', 'bias2', 'weight3', 'encoderShift', 'beta', 'shift'] as const;

const ADAM = { beta1: 0.99, beta2: 0.999, epsilon: 1e-8 } as const;

/** Share of the last batch in running statistics; the value of PyTorch. */
const MOMENTUM = 0.1;

/** Columns (documents × samples) evaluated at a time: V × 200 doubles are 5 MB for 3,000 terms. */
const COLUMNS = 200;

/** Adam's step size when a document's own μ and log σ² are refined, in units of the standard normal. */
const REFINE_RATE = 0.1;

const LOG_2_PI = 1.8378770664093453;

/**
 * Epochs whose held-out bound does not count: while the running statistics of BN and the first topics form it falls, on
 * small corpora for ten epochs, before it rises above where it began.
 */
const SETTLING = 20;

/** What the E-step reads of documents. */
export interface VaeData {
  readonly corpus: Corpus;
  readonly input: SparseRows;
  /** The documents in the order of the epoch. */
  readonly order: Uint32Array;
}

/** Points ε (S×K) and weights, in place of samples, at which expectations over q are taken. */
export interface Nodes {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

export function createVae(
  settings: Values<typeof vaeSettings>,
  { V, K, threads = 1 }: { V: number; K: number; threads?: number },
  nodes?: Nodes,
): TopicModel<Corpus, VaeData> {
  const H = settings.hidden;
  const K2 = 2 * K;
  const decoder =
    settings.decoder === 'product' ? productDecoder(V, K, threads, settings.precise) : mixtureDecoder(V, K);
  const encoder = createEncoder(V, K, H, threads, settings.precise);
  // (1/α)(1 − 2/K) + K (1/α) / K²; one topic leaves nothing to encode, and any variance will do.
  const priorVariance = (K === 1 ? 1 : 1 - 1 / K) / settings.alpha;
  const S = nodes?.weights.length ?? settings.samples;
  const keep = 1 - settings.dropout;

  // Room for the documents at work.
  let capacity = 0;
  let documents = new Uint32Array(0);
  let mask: Float64Array;
  let code: Float64Array; // (μ, log σ²) a row
  let gCode: Float64Array;
  let codeMoments: { first: Float64Array; second: Float64Array };
  // K×C, a column a document or a sample of one.
  let columnCapacity = 0;
  let noise: Float64Array;
  let theta: Float64Array;
  let thetaMask: Float64Array;
  let maskedTheta: Float64Array;
  let gTheta: Float64Array;
  let columnWork: Float64Array;
  let columnWork2: Float64Array;
  let words: Float64Array;

  function room(B: number, C: number): void {
    if (B > capacity) {
      capacity = B;
      documents = new Uint32Array(B);
      mask = new Float64Array(B * H);
      [code, gCode] = [new Float64Array(B * K2), new Float64Array(B * K2)];
      codeMoments = { first: new Float64Array(B * K2), second: new Float64Array(B * K2) };
    }
    if (C > columnCapacity) {
      columnCapacity = C;
      [noise, theta, gTheta] = [new Float64Array(K * C), new Float64Array(K * C), new Float64Array(K * C)];
      [thetaMask, maskedTheta] = [new Float64Array(K * C), new Float64Array(K * C)];
      [columnWork, columnWork2, words] = [new Float64Array(C), new Float64Array(C), new Float64Array(C)];
    }
  }

  const seedWords = new Int32Array(4);
  const seeded = randomFromState(seedWords);

  /** Sets the generator `seeded` to the stream of three integers. */
  function reseed(a: number, b: number, c: number): void {
    const start = scramble(scramble(scramble(a) ^ b) ^ c);
    for (let i = 0; i < 4; i++) seedWords[i] = scramble(start + Math.imul(i + 1, 0x9e3779b9));
    seedWords[3]! |= 1;
  }

  /** Writes normals into column c of `noise`; an even number of draws leaves none behind for the next stream. */
  function drawNormals(c: number, C: number): void {
    for (let k = 0; k < K; k++) noise[k * C + c] = seeded.normal();
    if (K % 2 === 1) seeded.normal();
  }

  const logPriorVariance = log(priorVariance);

  /** One topic leaves nothing to encode: the posterior is the prior. */
  function codeOfOneTopic(B: number): void {
    for (let b = 0; b < B; b++) {
      code[2 * b] = 0;
      code[2 * b + 1] = logPriorVariance;
    }
  }

  /** θ = softmax(μ + σ ε) of S columns a document. */
  function drawTheta(B: number, perDocument: number): void {
    const C = B * perDocument;
    for (let b = 0; b < B; b++) {
      for (let k = 0; k < K; k++) {
        const mean = code[b * K2 + k]!;
        const deviation = exp(0.5 * code[b * K2 + K + k]!);
        for (let c = b * perDocument; c < (b + 1) * perDocument; c++)
          theta[k * C + c] = mean + deviation * noise[k * C + c]!;
      }
    }
    softmaxColumns(theta, K, C, columnWork, columnWork2, theta);
  }

  /** E_q[log p(z)] and the entropy of q(z) of row b into `terms`. */
  function addPriorTerms(b: number, terms: Float64Array): void {
    for (let k = 0; k < K; k++) {
      const mean = code[b * K2 + k]!;
      const logVariance = code[b * K2 + K + k]!;
      terms[1]! -= 0.5 * (LOG_2_PI + logPriorVariance + (mean * mean + exp(logVariance)) / priorVariance);
      terms[2]! += 0.5 * (LOG_2_PI + 1 + logVariance);
    }
  }

  /** ∂ of −`weight` KL and, by the columns' ∂θ, of the words, with respect to `code`, into `gCode`. */
  function codeBackward(B: number, perDocument: number, weight: number): void {
    const C = B * perDocument;
    softmaxColumnsBackward(theta, K, C, columnWork, gTheta);
    for (let b = 0; b < B; b++) {
      for (let k = 0; k < K; k++) {
        const at = b * K2 + k;
        const variance = exp(code[at + K]!);
        const halfDeviation = 0.5 * exp(0.5 * code[at + K]!);
        let gMean = (-weight * code[at]!) / priorVariance;
        let gLogVariance = 0.5 * weight * (1 - variance / priorVariance);
        for (let s = 0, c = k * C + b * perDocument; s < perDocument; s++, c++) {
          const g = perDocument === 1 ? gTheta[c]! : gTheta[c]! * sampleWeight(s);
          gMean += g;
          gLogVariance += g * noise[c]! * halfDeviation;
        }
        gCode[at] = K === 1 ? 0 : gMean;
        gCode[at + K] = K === 1 || Math.abs(code[at + K]!) === LOG_VARIANCE_LIMIT ? 0 : gLogVariance;
      }
    }
  }

  function sampleWeight(s: number): number {
    return nodes === undefined ? 1 / S : nodes.weights[s]!;
  }

  function train(data: VaeData, from: number, to: number, state: State, sums: Sums): number {
    const { corpus, order } = data;
    const { params, derived, posterior } = state;
    const statistics = sums.statistics!;
    const [step, seed] = [derived['optimiser']![0]!, derived['optimiser']![1]!];
    if (from === 0) {
      for (let d = 0; d < order.length; d++) order[d] = d;
      reseed(seed, step, 0);
      seeded.shuffle(order);
    }
    room(to - from, to - from);
    let B = 0;
    for (let i = from; i < to; i++) {
      const d = order[i]!;
      if (corpus.rowStart[d + 1]! > corpus.rowStart[d]!) documents[B++] = d;
    }
    if (B === 0) return 0;
    for (let b = 0; b < B; b++) {
      reseed(seed, step, documents[b]! + 1);
      drawNormals(b, B);
      for (let h = b * H; h < b * H + H; h++) mask[h] = seeded.uniform() < keep ? 1 / keep : 0;
      if (decoder.dropout) for (let k = b; k < K * B; k += B) thetaMask[k] = seeded.uniform() < keep ? 1 / keep : 0;
    }
    const checked: Check = (layer, values, length) => {
      let sum = 0;
      for (let i = 0; i < length; i++) sum += values[i]!;
      if (Number.isFinite(sum)) return;
      throw new NumericalError(
        `vae: ${sum} in ${layer}, at gradient step ${step + 1}, documents [${from}, ${to}) of the epoch; ` +
          'try a smaller --rate',
      );
    };

    const batch = { input: data.input, documents, B };
    encoder.train(batch, params, mask, code, checked);
    if (K === 1) codeOfOneTopic(B);
    checked('the encoder (mean, log variance)', code, B * K2);
    drawTheta(B, 1);
    if (decoder.dropout) for (let i = 0; i < K * B; i++) maskedTheta[i] = theta[i]! * thetaMask[i]!;
    const columns: Columns = { corpus, documents, B, S: 1 };
    decoder.train(columns, decoder.dropout ? maskedTheta : theta, state, statistics, words, gTheta);
    checked('the decoder', words, B);
    const before = sums.terms[0]! + sums.terms[1]! + sums.terms[2]!;
    for (let b = 0; b < B; b++) {
      sums.terms[0]! += words[b]!;
      addPriorTerms(b, sums.terms);
      store(b, documents[b]!, posterior);
      for (let k = 0; k < K; k++) posterior['theta']![documents[b]! * K + k] = theta[k * B + b]!;
    }

    if (decoder.dropout) for (let i = 0; i < K * B; i++) gTheta[i]! *= thetaMask[i]!;
    const epochs = step / Math.max(1, Math.ceil(order.length / settings.batch));
    codeBackward(B, 1, settings['warm-up'] === 0 ? 1 : Math.min(1, epochs / settings['warm-up']));
    encoder.backward(batch, params, code, gCode, statistics, checked);
    statistics['documents']![0]! += B;
    return sums.terms[0]! + sums.terms[1]! + sums.terms[2]! - before;
  }

  /** Row b of `code` as the posterior of document d. */
  function store(b: number, d: number, posterior: State['posterior']): void {
    for (let k = 0; k < K; k++) {
      posterior['mean']![d * K + k] = code[b * K2 + k]!;
      posterior['logVariance']![d * K + k] = code[b * K2 + K + k]!;
    }
  }

  function evaluate(data: VaeData, from: number, to: number, state: State, sums: Sums): number {
    const { corpus } = data;
    const { params, posterior, derived } = state;
    const { terms, statistics } = sums;
    const before = terms[0]! + terms[1]! + terms[2]!;
    const group = Math.max(1, Math.floor(COLUMNS / S));
    room(group, group * S);
    for (let at = from; at < to; ) {
      let B = 0;
      for (; at < to && B < group; at++) {
        if (corpus.rowStart[at + 1]! > corpus.rowStart[at]!) documents[B++] = at;
        else forget(at, posterior);
      }
      if (B === 0) continue;
      encoder.evaluate({ input: data.input, documents, B }, params, code);
      if (K === 1) codeOfOneTopic(B);
      drawEvaluationNoise(corpus, B);
      // An optimiser that has stepped is at work on the shared weights, and its held-out documents are not refined.
      if (derived['optimiser']![0] === 0 && settings.refine > 0) refine(corpus, B, state);
      drawTheta(B, S);
      decoder.evaluate({ corpus, documents, B, S }, theta, state, words, null);
      for (let b = 0; b < B; b++) {
        const d = documents[b]!;
        const expected = expectWords(b);
        terms[0]! += expected;
        addPriorTerms(b, terms);
        store(b, d, posterior);
        if (sums.variance !== undefined && nodes === undefined) {
          let squares = 0;
          for (let c = b * S; c < b * S + S; c++) squares += (words[c]! - expected) * (words[c]! - expected);
          sums.variance[0]! += squares / (S - 1) / S;
        }
        const tokens = tokenCount(corpus, d, d + 1);
        for (let k = 0; k < K; k++) {
          let mean = 0;
          for (let s = 0, c = k * B * S + b * S; s < S; s++, c++) mean += sampleWeight(s) * theta[c]!;
          posterior['theta']![d * K + k] = mean;
          if (statistics !== null) statistics['tokens']![k]! += tokens * mean;
        }
      }
    }
    return terms[0]! + terms[1]! + terms[2]! - before;
  }

  /** Σ_s weight_s words_s of document b. */
  function expectWords(b: number): number {
    let sum = 0;
    for (let s = 0; s < S; s++) sum += sampleWeight(s) * words[b * S + s]!;
    return sum;
  }

  function drawEvaluationNoise({ rowStart, term, count }: Corpus, B: number): void {
    for (let b = 0; b < B; b++) {
      const d = documents[b]!;
      let content = 0;
      for (let i = rowStart[d]!; i < rowStart[d + 1]!; i++)
        content = scramble(scramble(content ^ term[i]!) ^ count[i]!);
      reseed(content, 1, 0);
      for (let s = 0; s < S; s++) {
        if (nodes === undefined) drawNormals(b * S + s, B * S);
        else for (let k = 0; k < K; k++) noise[k * B * S + b * S + s] = nodes.points[s * K + k]!;
      }
    }
  }

  /** Adam on each document's own μ and log σ² with the encoder's as start; keeps the best of what it passes. */
  function refine(corpus: Corpus, B: number, state: State): void {
    const { first, second } = codeMoments;
    first.fill(0);
    second.fill(0);
    const best = code.slice(0, B * K2);
    const bestBound = new Float64Array(B).fill(Number.NEGATIVE_INFINITY);
    const terms = new Float64Array(3);
    for (let step = 1; step <= settings.refine + 1; step++) {
      drawTheta(B, S);
      decoder.evaluate({ corpus, documents, B, S }, theta, state, words, gTheta);
      for (let b = 0; b < B; b++) {
        terms.fill(0);
        addPriorTerms(b, terms);
        const bound = expectWords(b) + terms[1]! + terms[2]!;
        if (!(bound > bestBound[b]!)) continue;
        bestBound[b] = bound;
        for (let j = b * K2; j < b * K2 + K2; j++) best[j] = code[j]!;
      }
      if (step > settings.refine) break;
      codeBackward(B, S, 1);
      adamStep(code.subarray(0, B * K2), gCode, 1, first, second, step, { ...ADAM, beta1: 0.9, rate: REFINE_RATE });
      for (let b = 0; b < B; b++) {
        for (let j = b * K2 + K; j < b * K2 + K2; j++)
          code[j] = Math.min(LOG_VARIANCE_LIMIT, Math.max(-LOG_VARIANCE_LIMIT, code[j]!));
      }
    }
    code.set(best);
  }

  function eStep(data: VaeData, from: number, to: number, state: State, sums: Sums, start: Start): number {
    return start === 'cold' || sums.statistics === null
      ? evaluate(data, from, to, state, sums)
      : train(data, from, to, state, sums);
  }

  function mStep(state: State, statistics: Arrays): void {
    const count = statistics['documents']![0]!;
    if (count === 0) return;
    const { params, derived } = state;
    const step = ++derived['optimiser']![0]!;
    const rate = Math.max(MOMENTUM, 1 / step);
    encoder.finish(state, statistics, count, rate);
    decoder.finish(state, statistics, rate);
    for (const name of LEARNED) {
      adamStep(params[name]!, statistics[name]!, 1 / count, derived[`${name}First`]!, derived[`${name}Second`]!, step, {
        ...ADAM,
        rate: settings.rate,
      });
    }
    decoder.derive(state);
  }

  /** The prior, as the posterior of a document without a token. */
  function forget(d: number, posterior: State['posterior']): void {
    posterior['mean']!.fill(0, d * K, d * K + K);
    posterior['logVariance']!.fill(logPriorVariance, d * K, d * K + K);
    posterior['theta']!.fill(1 / K, d * K, d * K + K);
  }

  /** Weights uniform within ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010); the shift at the terms' log frequencies. */
  function initialise(corpus: Corpus, state: State, random: Random): void {
    const { params, derived } = state;
    for (const array of Object.values(derived)) array.fill(0);
    for (const array of Object.values(params)) array.fill(0);
    for (const [name, inputs, outputs] of [
      ['weight1', V, H],
      ['weight2', H, H],
      ['weight3', H, K],
      ['beta', K, V],
    ] as const) {
      const limit = Math.sqrt(6 / (inputs + outputs));
      const weights = params[name]!;
      for (let i = 0; i < weights.length; i++) weights[i] = limit * (2 * random.uniform() - 1);
    }
    const shift = params['shift']!.fill(1);
    for (let i = 0; i < corpus.term.length; i++) shift[corpus.term[i]!]! += corpus.count[i]!;
    let mean = 0;
    for (let w = 0; w < V; w++) {
      shift[w] = log(shift[w]!);
      mean += shift[w]! / V;
    }
    for (let w = 0; w < V; w++) shift[w]! -= mean;
    params['encoderVariance']!.fill(1);
    params['runningVariance']?.fill(1);
    derived['optimiser']![1] = random.next() | 0;
    decoder.derive(state);
  }

  const learned: Shapes = {
    ...encoder.learned,
    beta: ['V', 'K'],
    shift: ['V'],
  };
  const moments: Record<string, Shapes[string]> = {};
  for (const [name, shape] of Object.entries(learned)) {
    moments[`${name}First`] = shape;
    moments[`${name}Second`] = shape;
  }
  return {
    name: 'vae',
    objective: 'elbo',
    terms: ['words', 'proportions', 'entropy_proportions'],
    schedule: 'stochastic',
    batch: settings.batch,
    heldOut: {
      share: settings['held-out'],
      from: Math.max(settings['warm-up'], SETTLING) + 1,
      patience: settings.patience,
    },
    params: { ...learned, ...encoder.running, ...decoder.params },
    derived: { ...decoder.derived, ...moments, optimiser: [2] },
    posterior: { mean: ['K'], logVariance: ['K'], theta: ['K'] },
    statistics: {
      ...learned,
      ...encoder.running,
      ...decoder.statistics,
      tokens: ['K'],
      documents: [1],
    },
    initialise,
    prepare(corpus) {
      return {
        corpus,
        input: inputOf(corpus),
        order: new Uint32Array(documentCount(corpus)),
      };
    },
    resetPosterior({ corpus }, { posterior }) {
      for (let d = 0; d < documentCount(corpus); d++) forget(d, posterior);
    },
    derive: decoder.derive,
    eStep,
    mStep,
    globalTerms() {},
    shares({ tokens }) {
      let sum = 0;
      for (const n of tokens!) sum += n;
      return tokens!.map((n) => (sum > 0 ? n / sum : 1 / K));
    },
    proportions({ posterior }, d, out) {
      for (let k = 0; k < K; k++) out[k] = posterior['theta']![d * K + k]!;
    },
    readings: { probability: decoder.probability, weight: ({ params }) => params['beta']!.slice() },
    predictor(state) {
      const probabilities = new Float64Array(V);
      const row = new Float64Array(K);
      let decoded = -1;
      return (d, w) => {
        if (d !== decoded) {
          row.set(state.posterior['theta']!.subarray(d * K, d * K + K));
          decoder.predict(row, state, probabilities);
        }
        decoded = d;
        return probabilities[w]!;
      };
    },
    ...(settings.decoder === 'product' ? { prediction: 'the softmax of the decoded E[θ]' } : {}),
    documentScore: { measure: 'bound', of: 'an estimate, from samples, of a lower bound on log p(document)' },
    facts: () => ({}),
  };
}

/** Mixes the bits of an integer: MurmurHash3's last step, from memory. */
function scramble(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
