import type { Random } from '../math/random.js';

export interface GenerateOptions {
  readonly documents: number;
  /** Mean tokens of a document; lengths are Poisson, at least 1. */
  readonly length: number;
  readonly V: number;
  readonly K: number;
  /** Dirichlet prior of each document's topic proportions. */
  readonly alpha: number;
  /** Dirichlet prior of each topic's terms. */
  readonly eta: number;
}

/** K topics drawn from Dir(η), K×V. */
export function drawTopics({ V, K, eta }: GenerateOptions, random: Random): Float64Array {
  const topics = new Float64Array(K * V);
  const prior = new Float64Array(V).fill(eta);
  for (let k = 0; k < K; k++) random.dirichlet(prior, topics.subarray(k * V, (k + 1) * V));
  return topics;
}

/** One document: the term and the topic of each of its tokens. */
export interface DrawnDocument {
  readonly terms: Uint32Array;
  readonly topics: Uint32Array;
}

/** Documents drawn from LDA with these topics, one after the other; memory does not grow with their number. */
export function* drawDocuments(
  { documents, length, V, K, alpha }: GenerateOptions,
  topics: Float64Array,
  random: Random,
): Generator<DrawnDocument> {
  const prior = new Float64Array(K).fill(alpha);
  const theta = new Float64Array(K);
  const cumulative = topics.slice();
  for (let k = 0; k < K; k++) for (let w = 1; w < V; w++) cumulative[k * V + w]! += cumulative[k * V + w - 1]!;
  for (let d = 0; d < documents; d++) {
    random.dirichlet(prior, theta);
    for (let k = 1; k < K; k++) theta[k]! += theta[k - 1]!;
    const tokens = Math.max(1, random.poisson(length));
    const document = { terms: new Uint32Array(tokens), topics: new Uint32Array(tokens) };
    for (let i = 0; i < tokens; i++) {
      const k = search(theta, 0, K, random.uniform());
      document.topics[i] = k;
      document.terms[i] = search(cumulative, k * V, V, random.uniform());
    }
    yield document;
  }
}

/** The first index whose cumulative probability is above u·(the last one); relative to `offset`. */
function search(cumulative: Float64Array, offset: number, length: number, u: number): number {
  const target = u * cumulative[offset + length - 1]!;
  let [low, high] = [0, length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[offset + middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

const CONSONANTS = 'bdfgklmnprstvz';
const VOWELS = 'aiou';

/** A word for term w: syllables that no tokeniser splits and no stop word list has. */
export function termName(w: number): string {
  let name = '';
  for (let rest = w, syllables = 0; syllables < 3 || rest > 0; syllables++) {
    const syllable = rest % (CONSONANTS.length * VOWELS.length);
    name = CONSONANTS[Math.floor(syllable / VOWELS.length)]! + VOWELS[syllable % VOWELS.length]! + name;
    rest = Math.floor(rest / (CONSONANTS.length * VOWELS.length));
  }
  return name;
}
