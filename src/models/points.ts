/**
 * What a mixture of points reads of documents, and how its topics are read: columns of numbers as they are, documents of
 * terms as their LSA (see corpus/lsa.ts), whose idf and basis are parameters of the model.
 */
import { type Corpus, documentCount } from '../corpus/corpus.js';
import { inverseDocumentFrequencies, leadingDirections, project, tfidf } from '../corpus/lsa.js';
import type { Arrays, State } from '../em/model.js';
import { UserError } from '../errors.js';
import type { Random } from '../math/random.js';
import { log } from '../math/special.js';

/** Documents as points, as an E-step reads them. */
export interface Points {
  /** D×P. */
  readonly values: Float64Array;
  /** Whether a document is no point: it has no term that the model knows. */
  readonly absent: Uint8Array;
  readonly corpus: Corpus;
}

/** Documents of terms as points in P dimensions. A document without a known term is the origin, and absent. */
export function pointsOfText(corpus: Corpus, { idf, basis }: Arrays, P: number): Points {
  const values = project(corpus, tfidf(corpus, idf!), basis!, P);
  const absent = new Uint8Array(documentCount(corpus)).fill(1);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) absent[Math.floor(i / P)] = 0;
  return { values, absent, corpus };
}

/** Documents that are points already. */
export function pointsOfVectors(corpus: Corpus): Points {
  return { values: corpus.vectors!.values, absent: new Uint8Array(documentCount(corpus)), corpus };
}

/** The idf and basis of a corpus. The last is kept: restarts are compared in the same space. */
export function basisFinder(P: number): (corpus: Corpus, random: Random) => { idf: Float64Array; basis: Float64Array } {
  let last: { corpus: Corpus; idf: Float64Array; basis: Float64Array } | undefined;
  return (corpus, random) => {
    if (last?.corpus !== corpus) {
      const idf = inverseDocumentFrequencies(corpus);
      last = { corpus, idf, basis: leadingDirections(corpus, tfidf(corpus, idf), P, random) };
    }
    return last;
  };
}

/** Mean and variance of each column over some points. */
export function moments(values: Float64Array, present: Uint32Array, P: number) {
  const mean = new Float64Array(P);
  const variance = new Float64Array(P);
  for (const d of present) for (let p = 0; p < P; p++) mean[p]! += values[d * P + p]! / present.length;
  for (const d of present)
    for (let p = 0; p < P; p++) {
      const delta = values[d * P + p]! - mean[p]!;
      variance[p]! += (delta * delta) / present.length;
    }
  return { mean, variance };
}

/** @throws {UserError} where a column is the same in every row: no component differs in it, and its variance is 0 */
export function checkColumns(names: readonly string[], variance: Float64Array, mean: Float64Array): void {
  const constant = variance.findIndex((v, p) => !(v > 1e-28 * mean[p]! * mean[p]!));
  if (constant < 0) return;
  throw new UserError(`column ${names[constant]}: is ${Number(mean[constant]!.toPrecision(12))} in every row`, {
    hint: 'leave it out of --columns: it tells no component from another',
  });
}

/**
 * Class-based TF-IDF: the share of the topic's tokens that are term w, times log(1 + A / f_w), with A the mean number
 * of tokens of a topic and f_w that of the term. V×K of the V×K tokens. Grootendorst 2022, BERTopic, §3.3, from memory.
 */
export function classTfidf(topicTerm: Float64Array, V: number, K: number): Float64Array {
  const weights = topicTerm.slice();
  const totals = new Float64Array(K);
  for (let i = 0; i < weights.length; i++) totals[i % K]! += weights[i]!;
  let average = 0;
  for (const total of totals) average += total / K;
  for (let w = 0; w < V; w++) {
    let frequency = 0;
    for (let k = 0; k < K; k++) frequency += weights[w * K + k]!;
    const rarity = frequency > 0 ? log(1 + average / frequency) : 0;
    for (let k = 0; k < K; k++) weights[w * K + k]! *= totals[k]! > 0 ? rarity / totals[k]! : 0;
  }
  return weights;
}

/** The means as TF-IDF vectors: basis · μ_k, V×K. */
export function projectedMeans({ params }: State, V: number, K: number, P: number): Float64Array {
  const { basis, mean } = params;
  const weights = new Float64Array(V * K);
  for (let w = 0; w < V; w++)
    for (let k = 0; k < K; k++)
      for (let p = 0; p < P; p++) weights[w * K + k]! += basis![w * P + p]! * mean![k * P + p]!;
  return weights;
}
