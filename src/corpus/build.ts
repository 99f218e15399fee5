import { UserError } from '../errors.js';
import { type Corpus, documentCount, type Segments } from './corpus.js';
import { growing, larger } from './growing.js';

/** Limits of a term's documents: a number of them, a share of them, or by the size of the corpus. */
export type DocumentFrequency = { readonly documents: number } | { readonly share: number } | 'auto';

/** Which terms to keep; what is undefined cuts nothing. */
export type Cuts = {
  readonly minDf?: DocumentFrequency | undefined;
  readonly maxDf?: DocumentFrequency | undefined;
  readonly maxVocabulary?: number | undefined;
};

/** What a cut removed. */
export type Dropped = { readonly terms: number; readonly tokens: number };

/** What pruning found and did. */
export type Pruning = {
  readonly documents: number;
  /** Documents that are left without a term. */
  readonly emptyDocuments: number;
  /** Before pruning. */
  readonly tokensRead: number;
  /** Before pruning. */
  readonly termsRead: number;
  /** The cuts as they came out, in documents and terms. */
  readonly cuts: { readonly minDf: number; readonly maxDf: number; readonly maxVocabulary: number | null };
  /** By the cuts in this order: a term that two cuts would remove counts for the first. */
  readonly droppedBy: Readonly<Record<'min-df' | 'max-df' | 'max-vocabulary', Dropped>>;
};

/** What a document is called, and one value for each metadata column. */
export type Named = { readonly id: string; readonly meta: readonly string[] };

/** Counts of documents, and of their segments if they have any, over terms by number; rows are in no order. */
export type Counts = Rows & { readonly segments?: Segments | undefined };

/** A matrix in the making: its documents so far. */
export type CorpusBuilder = {
  /** The number of a term, the next one for a new term. */
  number(term: string): number;
  /** Adds documents. All that are added have segments, or none has. */
  add(documents: readonly Named[], counts: Counts): void;
  /**
   * The corpus of the documents added, without the terms that the cuts remove: most frequent term first, ties in
   * code-point order; documents without terms stay. The builder is used up.
   *
   * @throws {UserError} status 65 if no term is left
   */
  finish(cuts: Cuts): { corpus: Corpus; pruning: Pruning };
};

/** Builds a corpus, and its vocabulary, from counts of documents. Holds the matrix, never the text. */
export function corpusBuilder(metaNames: readonly string[]): CorpusBuilder {
  const termOf = new Map<string, number>();
  const documents = documentsBuilder(metaNames);
  return {
    number(term) {
      const known = termOf.get(term);
      if (known !== undefined) return known;
      termOf.set(term, termOf.size);
      return termOf.size - 1;
    },
    add: documents.add,
    finish(cuts) {
      const vocabulary = [...termOf.keys()];
      termOf.clear();
      return pruned(documents.take(vocabulary), cuts, 'by frequency');
    },
  };
}

/** Documents over a vocabulary that is given. */
export type FixedVocabularyBuilder = {
  /** The number of a term; all that are not in the vocabulary have the one after its last. */
  number(term: string): number;
  /** Adds documents. All that are added have segments, or none has. */
  add(documents: readonly Named[], counts: Counts): void;
  /** The corpus of the documents added since the last call, and for each how many of its tokens are not in the vocabulary. */
  take(): { corpus: Corpus; unseen: Uint32Array };
};

/** Builds corpora over the vocabulary of a model: other terms are counted and left out. */
export function fixedVocabularyBuilder(
  vocabulary: readonly string[],
  metaNames: readonly string[],
): FixedVocabularyBuilder {
  const termOf = new Map(vocabulary.map((term, i) => [term, i]));
  const newTerm = Int32Array.from([...vocabulary.keys(), GONE]);
  const documents = documentsBuilder(metaNames);
  return {
    number: (term) => termOf.get(term) ?? vocabulary.length,
    add: documents.add,
    take: () => overVocabulary(documents.take(vocabulary), newTerm, vocabulary),
  };
}

/**
 * The corpus without the terms that the cuts remove; the others keep their order.
 *
 * @throws {UserError} status 65 if no term is left
 */
export function prune(corpus: Corpus, cuts: Cuts): { corpus: Corpus; pruning: Pruning } {
  return pruned(corpus, cuts, 'as it was');
}

/** The corpus over another vocabulary: terms go by their names, and tokens of others are counted as unseen. */
export function withVocabulary(corpus: Corpus, vocabulary: readonly string[]): { corpus: Corpus; unseen: Uint32Array } {
  const termOf = new Map(vocabulary.map((term, i) => [term, i]));
  const newTerm = Int32Array.from(corpus.vocabulary, (term) => termOf.get(term) ?? GONE);
  return overVocabulary(corpus, newTerm, vocabulary);
}

/** The corpus with term t as `newTerm[t]`; tokens of those that are GONE are counted as unseen. */
function overVocabulary(
  corpus: Corpus,
  newTerm: Int32Array,
  vocabulary: readonly string[],
): { corpus: Corpus; unseen: Uint32Array } {
  const unseen = new Uint32Array(documentCount(corpus));
  for (let d = 0; d < unseen.length; d++)
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
      if (newTerm[corpus.term[i]!] === GONE) unseen[d]! += corpus.count[i]!;
  return { corpus: renumbered(corpus, newTerm, vocabulary), unseen };
}

/** Compares two texts by code points. JavaScript's `<` puts U+10000 and above before U+E000. */
export function codePointOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const isSurrogateX = x >= 0xd800 && x < 0xe000;
      const isSurrogateY = y >= 0xd800 && y < 0xe000;
      return isSurrogateX === isSurrogateY ? x - y : isSurrogateX ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** Rows of terms and counts, of documents or of segments. */
export type Rows = Pick<Corpus, 'rowStart' | 'term' | 'count'>;

/**
 * Sorts the entries of each row by term, in place. The terms of a row differ: a bit for each, and one for each 32 of them,
 * hand them back in order.
 */
export function sortRows({ rowStart, term, count }: Rows, terms: number): void {
  const countOf = new Uint32Array(terms);
  const bits = new Int32Array(Math.ceil(terms / 32));
  const words = new Int32Array(Math.ceil(bits.length / 32));
  for (let d = 0; d + 1 < rowStart.length; d++) {
    const [first, end] = [rowStart[d]!, rowStart[d + 1]!];
    if (isAscending(term.subarray(first, end))) continue;
    for (let i = first; i < end; i++) {
      const w = term[i]!;
      countOf[w] = count[i]!;
      bits[w >>> 5]! |= 1 << w;
      words[w >>> 10]! |= 1 << (w >>> 5);
    }
    for (let place = first, j = 0; place < end && j < words.length; j++) {
      for (let some = words[j]!; some !== 0; some &= some - 1) {
        const word = 32 * j + lowestBit(some);
        for (let set = bits[word]!; set !== 0; set &= set - 1) {
          const w = 32 * word + lowestBit(set);
          term[place] = w;
          count[place++] = countOf[w]!;
        }
        bits[word] = 0;
      }
      words[j] = 0;
    }
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function isAscending(row: Uint32Array): boolean {
  for (let i = 1; i < row.length; i++) if (row[i - 1]! > row[i]!) return false;
  return true;
}

/** Collects documents over terms by number. */
function documentsBuilder(metaNames: readonly string[]) {
  let documents = rowsBuilder();
  let segments = rowsBuilder();
  const segmentStart = growing();
  let ids: string[] = [];
  let meta = metaNames.map((): string[] => []);
  return {
    add(named: readonly Named[], counts: Counts): void {
      for (const { id, meta: values } of named) {
        ids.push(id);
        for (let i = 0; i < meta.length; i++) meta[i]!.push(values[i] ?? '');
      }
      documents.add(counts);
      if (counts.segments === undefined) return;
      const before = segments.length();
      if (segmentStart.length() === 0) segmentStart.push(0);
      for (const end of counts.segments.start.subarray(1)) segmentStart.push(before + end);
      segments.add(counts.segments);
    },
    /** The documents since the last call. */
    take(vocabulary: readonly string[]): Corpus {
      const corpus = {
        ...documents.rows(),
        vocabulary,
        ids,
        meta: new Map(metaNames.map((name, i) => [name, meta[i]!])),
        ...(segmentStart.length() === 0 ? {} : { segments: { start: segmentStart.take(), ...segments.rows() } }),
      };
      [documents, segments, ids] = [rowsBuilder(), rowsBuilder(), []];
      meta = metaNames.map(() => []);
      return corpus;
    },
  };
}

/** Puts rows after rows. */
function rowsBuilder() {
  const parts: Rows[] = [];
  let length = 0;
  return {
    add(rows: Rows): void {
      parts.push(rows);
      length += rows.rowStart.length - 1;
    },
    /** Rows so far. */
    length: () => length,
    rows(): Rows {
      const entries = parts.reduce((sum, { term }) => sum + term.length, 0);
      const all = {
        rowStart: new Uint32Array(length + 1),
        term: new Uint32Array(entries),
        count: new Uint32Array(entries),
      };
      let row = 0;
      let entry = 0;
      for (const { rowStart, term, count } of parts) {
        for (let r = 0; r < rowStart.length; r++) all.rowStart[row + r] = entry + rowStart[r]!;
        all.term.set(term, entry);
        all.count.set(count, entry);
        row += rowStart.length - 1;
        entry += term.length;
      }
      return all;
    },
  };
}

/** Counts tokens, by the numbers of their terms: each call of `add` makes one row. */
export function rowCounter() {
  const rowStart = growing();
  let term = new Uint32Array(1024);
  let count = new Uint32Array(1024);
  /** By term, within a row; 0 between rows. */
  let counts = new Uint32Array(1024);
  let end = 0;
  rowStart.push(0);
  return {
    add(tokens: ArrayLike<number>): void {
      if (end + tokens.length > term.length)
        [term, count] = [larger(term, tokens.length), larger(count, tokens.length)];
      const first = end;
      for (let i = 0; i < tokens.length; i++) {
        const token = tokens[i]!;
        if (token >= counts.length) counts = larger(counts, token);
        if (counts[token]!++ === 0) term[end++] = token;
      }
      for (let i = first; i < end; i++) {
        count[i] = counts[term[i]!]!;
        counts[term[i]!] = 0;
      }
      rowStart.push(end);
    },
    /** The rows since the last call. */
    take(): Rows {
      const rows = { rowStart: rowStart.take(), term: term.slice(0, end), count: count.slice(0, end) };
      rowStart.push(0);
      end = 0;
      return rows;
    },
  };
}

const GONE = -1;

/** Documents below which `auto` is 1, then 2, then 5 documents; and below which it has no upper limit. */
const SMALL = 100;
const MIDDLING = 1000;

function pruned(corpus: Corpus, cuts: Cuts, order: 'by frequency' | 'as it was'): { corpus: Corpus; pruning: Pruning } {
  const documents = documentCount(corpus);
  const terms = corpus.vocabulary.length;
  const df = new Uint32Array(terms);
  const tokens = new Float64Array(terms);
  // Where documents are sequences of segments, a segment is what has one topic: the cuts count segments.
  const units = corpus.segments ?? corpus;
  const unitCount = units.rowStart.length - 1;
  for (let i = 0; i < units.term.length; i++) {
    df[units.term[i]!]!++;
    tokens[units.term[i]!]! += units.count[i]!;
  }
  const limits = {
    minDf: leastDocuments(cuts.minDf, unitCount),
    maxDf: mostDocuments(cuts.maxDf, unitCount, corpus.segments === undefined ? 0.2 : 0.05),
    maxVocabulary: cuts.maxVocabulary ?? Number.POSITIVE_INFINITY,
  };
  const dropped = { 'min-df': nothing(), 'max-df': nothing(), 'max-vocabulary': nothing() };
  const drop = (term: number, by: keyof typeof dropped): void => {
    dropped[by].terms++;
    dropped[by].tokens += tokens[term]!;
  };
  let kept: number[] = [];
  for (let term = 0; term < terms; term++) {
    if (df[term]! < limits.minDf) drop(term, 'min-df');
    else if (df[term]! > limits.maxDf) drop(term, 'max-df');
    else kept.push(term);
  }
  const isRare = kept.length > limits.maxVocabulary;
  if (isRare || order === 'by frequency') {
    const { vocabulary } = corpus;
    kept.sort((a, b) => tokens[b]! - tokens[a]! || codePointOrder(vocabulary[a]!, vocabulary[b]!));
    for (const term of kept.slice(limits.maxVocabulary)) drop(term, 'max-vocabulary');
    kept = kept.slice(0, limits.maxVocabulary);
    if (order === 'as it was') kept.sort((a, b) => a - b);
  }
  const tokensRead = tokens.reduce((sum, n) => sum + n, 0);
  if (kept.length === 0)
    throw nothingLeft(
      corpus.segments === undefined ? `${documents} documents` : `${unitCount} segments`,
      tokensRead,
      limits,
      dropped,
    );

  const result = order === 'as it was' && kept.length === terms ? corpus : keeping(corpus, kept);
  let emptyDocuments = 0;
  for (let d = 0; d < documents; d++) if (result.rowStart[d] === result.rowStart[d + 1]) emptyDocuments++;
  return {
    corpus: result,
    pruning: {
      documents,
      emptyDocuments,
      tokensRead,
      termsRead: terms,
      cuts: { ...limits, maxVocabulary: cuts.maxVocabulary ?? null },
      droppedBy: dropped,
    },
  };
}

/** The corpus with these terms alone, numbered as they come. */
function keeping(corpus: Corpus, kept: readonly number[]): Corpus {
  const newTerm = new Int32Array(corpus.vocabulary.length).fill(GONE);
  kept.forEach((term, i) => {
    newTerm[term] = i;
  });
  return renumbered(
    corpus,
    newTerm,
    kept.map((term) => corpus.vocabulary[term]!),
  );
}

/** The corpus with term t as `newTerm[t]`, or without it where that is GONE. Segments stay, if without terms. */
function renumbered(corpus: Corpus, newTerm: Int32Array, vocabulary: readonly string[]): Corpus {
  const { segments } = corpus;
  const now = renumberedRows(corpus, newTerm, vocabulary.length);
  if (segments === undefined) return { ...corpus, ...now, vocabulary };
  const ofSegments: Segments = { start: segments.start, ...renumberedRows(segments, newTerm, vocabulary.length) };
  return { ...corpus, ...now, vocabulary, segments: ofSegments };
}

function renumberedRows(rows: Rows, newTerm: Int32Array, terms: number): Rows {
  const rowStart = new Uint32Array(rows.rowStart.length);
  const term = new Uint32Array(rows.term.length);
  const count = new Uint32Array(rows.term.length);
  let end = 0;
  for (let r = 0; r + 1 < rowStart.length; r++) {
    for (let i = rows.rowStart[r]!; i < rows.rowStart[r + 1]!; i++) {
      const now = newTerm[rows.term[i]!]!;
      if (now === GONE) continue;
      term[end] = now;
      count[end++] = rows.count[i]!;
    }
    rowStart[r + 1] = end;
  }
  const result = { rowStart, term: term.slice(0, end), count: count.slice(0, end) };
  sortRows(result, terms);
  return result;
}

function leastDocuments(df: DocumentFrequency | undefined, documents: number): number {
  if (df === undefined) return 0;
  if (df === 'auto') return documents < SMALL ? 1 : documents < MIDDLING ? 2 : 5;
  return 'documents' in df ? df.documents : Math.ceil(df.share * documents);
}

/** @param share what `auto` is of a large corpus: a sentence has a fourth of the terms of a passage */
function mostDocuments(df: DocumentFrequency | undefined, documents: number, share: number): number {
  if (df === undefined) return documents;
  if (df === 'auto') return documents < SMALL ? documents : Math.floor(share * documents);
  return 'documents' in df ? df.documents : Math.floor(df.share * documents);
}

function nothing(): { terms: number; tokens: number } {
  return { terms: 0, tokens: 0 };
}

function nothingLeft(
  units: string,
  tokensRead: number,
  limits: { readonly minDf: number; readonly maxDf: number },
  dropped: Pruning['droppedBy'],
): UserError {
  if (tokensRead === 0)
    return new UserError(`no terms: ${units} without a word that is not a stop word`, {
      hint: 'is it the right column or field (--text), and the right language of --stop-words?',
    });
  const [by, most] = Object.entries(dropped).reduce((a, b) => (b[1].terms > a[1].terms ? b : a));
  const limit = by === 'min-df' ? `fewer than ${limits.minDf}` : `more than ${limits.maxDf}`;
  return new UserError(
    `no terms left of ${Object.values(dropped).reduce((sum, { terms }) => sum + terms, 0)}: --${by} removed ${most.terms} in ${limit} of the ${units}`,
    { hint: by === 'min-df' ? 'lower it: --min-df 1' : 'raise it: --max-df 1.0' },
  );
}
