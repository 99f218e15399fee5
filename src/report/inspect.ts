import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { lengthInWords, type TraceRow } from './elbo.js';
import type { Report } from './render.js';
import { counted, grouped, printable } from './table.js';

/** Terms shown from either end. */
const SHOWN = 20;

/** What a file holds: one object. CSV has a line for each of its plain values. */
function objectReport<Row extends object>(
  row: Row,
  lines: (row: Row) => Iterable<readonly [string, string]>,
): Report<Row> {
  return {
    rows: [row],
    columns: ['name', 'value'],
    cells: (of) => [...lines(of)],
    *text(_rows, style) {
      const all = [...lines(row)];
      const width = Math.max(...all.map(([name]) => name.length));
      for (const [name, value] of all) yield `${style('bold', name.padEnd(width))}  ${printable(value)}`;
    },
  };
}

export interface CorpusFacts {
  /** Of thema, where it is a file of thema's. */
  readonly version: string | null;
  readonly text: unknown;
  /** Words that did not become terms; absent where the corpus came as counts. */
  readonly leftOut?: { readonly stopWords: number; readonly short: number; readonly long: number } | undefined;
  readonly pruning: {
    readonly documents: number;
    readonly emptyDocuments: number;
    readonly tokensRead: number;
    readonly termsRead: number;
    readonly cuts: { readonly minDf: number; readonly maxDf: number; readonly maxVocabulary: number | null };
    readonly droppedBy: Readonly<Record<string, { readonly terms: number; readonly tokens: number }>>;
  };
}

/** Sizes, lengths, frequent and rare terms of a corpus, and what was cut from it. */
export function inspectCorpusReport(corpus: Corpus, { version, text, leftOut, pruning }: CorpusFacts): Report<object> {
  const D = documentCount(corpus);
  const frequency = new Float64Array(corpus.vocabulary.length);
  const lengths = new Float64Array(D);
  for (let d = 0; d < D; d++) {
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++) {
      frequency[corpus.term[i]!]! += corpus.count[i]!;
      lengths[d]! += corpus.count[i]!;
    }
  }
  const order = Array.from(frequency.keys()).sort((a, b) => frequency[b]! - frequency[a]! || a - b);
  const term = (w: number) => ({ term: corpus.vocabulary[w]!, tokens: frequency[w]! });
  lengths.sort();
  const quantile = (q: number) => lengths[Math.min(D - 1, Math.floor(q * D))]!;
  const row = {
    kind: 'corpus',
    version,
    documents: D,
    empty_documents: pruning.emptyDocuments,
    terms: corpus.vocabulary.length,
    entries: corpus.term.length,
    tokens: tokenCount(corpus),
    document_lengths: {
      shortest: lengths[0]!,
      quarter: quantile(0.25),
      median: quantile(0.5),
      three_quarters: quantile(0.75),
      longest: lengths[D - 1]!,
    },
    most_frequent: order.slice(0, SHOWN).map(term),
    rarest: order.slice(-SHOWN).map(term),
    columns: corpus.vectors?.columns ?? [],
    metadata: [...corpus.meta.keys()],
    read: { terms: pruning.termsRead, tokens: pruning.tokensRead },
    left_out:
      leftOut === undefined ? null : { stop_words: leftOut.stopWords, short: leftOut.short, long: leftOut.long },
    cuts: pruning.cuts,
    dropped: pruning.droppedBy,
    text,
  };
  const listed = (terms: { term: string; tokens: number }[]) =>
    terms.map(({ term, tokens }) => `${term} ${tokens}`).join(', ');
  return objectReport(row, function* ({ document_lengths: lengths }) {
    yield ['kind', version === null ? 'corpus of counts' : `corpus, written by thema ${version}`];
    if (row.columns.length > 0) {
      yield ['documents', `${grouped(row.documents)} points`];
      yield ['columns', row.columns.join(', ')];
      if (row.metadata.length > 0) yield ['metadata', row.metadata.join(', ')];
      return;
    }
    yield ['documents', `${grouped(row.documents)} (${grouped(row.empty_documents)} without terms)`];
    yield ['terms', grouped(row.terms)];
    yield ['tokens', `${grouped(row.tokens)} in ${grouped(row.entries)} document-term pairs`];
    yield [
      'document lengths',
      `${lengths.shortest} – ${lengths.quarter} – ${lengths.median} – ${lengths.three_quarters} – ${lengths.longest} tokens (shortest, quartiles, longest)`,
    ];
    yield ['most frequent', listed(row.most_frequent)];
    yield ['rarest', listed(row.rarest)];
    if (row.metadata.length > 0) yield ['metadata', row.metadata.join(', ')];
    const units = corpus.segments === undefined ? 'documents' : 'segments';
    yield ['read', `${grouped(row.read.tokens)} tokens of ${grouped(row.read.terms)} terms`];
    if (row.left_out !== null) {
      yield ['left out as stop words', `${grouped(row.left_out.stop_words)} words`];
      yield ['left out as too short', `${grouped(row.left_out.short)} words`];
      if (row.left_out.long > 0) yield ['left out as too long', `${grouped(row.left_out.long)} words`];
    }
    for (const [cut, { terms, tokens }] of Object.entries(row.dropped)) {
      yield [
        `left out by ${cut}`,
        `${grouped(terms)} terms, ${grouped(tokens)} tokens${limitOf(cut, row.cuts, units)}`,
      ];
    }
    yield [
      'text settings',
      text === null ? 'none: the corpus came as counts' : settingsLine(text as Record<string, unknown>),
    ];
  });
}

function limitOf(
  cut: string,
  { minDf, maxDf, maxVocabulary }: CorpusFacts['pruning']['cuts'],
  units: 'documents' | 'segments',
): string {
  if (cut === 'min-df') return ` (in fewer than ${grouped(minDf)} ${units})`;
  if (cut === 'max-df') return ` (in more than ${grouped(maxDf)} ${units})`;
  return maxVocabulary === null ? '' : ` (beyond ${grouped(maxVocabulary)} terms)`;
}

export interface ModelFacts {
  readonly name: string;
  readonly dims: { readonly V: number; readonly K: number };
  readonly params: Readonly<Record<string, Float64Array>>;
  readonly posterior: readonly string[];
  /** What the model knows of each topic beside its terms. */
  readonly facts: readonly Readonly<Record<string, unknown>>[];
  /** What the ELBO is divided by: documents are made of tokens, or are points. */
  readonly per: 'token' | 'point';
  readonly documents: number | null;
  readonly record: {
    readonly version: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly seed: number;
    readonly text: unknown;
    /** Names of the columns, where the documents are points. */
    readonly columns?: readonly string[];
    readonly corpus: { readonly documents: number; readonly emptyDocuments: number; readonly tokens: number };
    readonly stop: string;
    readonly trace: readonly TraceRow[];
  };
  /** How topics are read, where there is a choice, and what held-out documents said of it. */
  readonly readOut: { readonly by: string; readonly held_out: Readonly<Record<string, number>> | null } | null;
}

/** Arrays, settings and priors of a model, and how its fit ended. */
export function inspectModelReport({
  name,
  dims,
  params,
  posterior,
  facts,
  per,
  documents,
  record,
  readOut,
}: ModelFacts): Report<object> {
  const last = record.trace.at(-1) ?? null;
  const single = Object.fromEntries(
    Object.entries(params).flatMap(([array, values]) => (values.length === 1 ? [[array, values[0]!]] : [])),
  );
  const row = {
    kind: 'model',
    version: record.version,
    model: name,
    topics: dims.K,
    terms: dims.V,
    arrays: [...Object.keys(params), ...(documents === null ? [] : posterior)],
    fitted_to: record.corpus,
    keeps_documents: documents !== null,
    iterations: last?.iteration ?? 0,
    stop: record.stop,
    elbo: last?.elbo ?? null,
    elbo_per_token: last?.per_token ?? null,
    read_out: readOut?.by ?? null,
    read_out_scores: readOut?.held_out ?? null,
    seed: record.seed,
    settings: record.settings,
    ...single,
    facts: facts.map((fact, topic) => ({ topic, ...fact })),
    text: record.text,
  };
  return objectReport(row, function* () {
    yield ['kind', `model, written by thema ${record.version}`];
    const points = record.columns !== undefined;
    yield ['model', `${name}, ${counted(dims.K, 'topic')}${points ? '' : `, ${counted(dims.V, 'term')}`}`];
    yield ['arrays', row.arrays.join(', ')];
    yield [
      'fitted to',
      points
        ? `${counted(record.corpus.documents, 'point')} of ${record.columns.join(', ')}`
        : `${counted(record.corpus.documents, 'document')} (${grouped(record.corpus.emptyDocuments)} without terms), ${counted(record.corpus.tokens, 'token')}`,
    ];
    yield ['documents', documents === null ? 'not kept' : `${grouped(documents)} kept`];
    if (last !== null) {
      const online = record.stop === 'documents';
      yield [
        'fit',
        online
          ? `online, ${counted(last.iteration, 'step')}`
          : `${record.stop === 'converged' ? 'converged' : 'stopped'} after ${lengthInWords(record.trace)}`,
      ];
      const estimate = online ? ', estimated from the last batch' : '';
      yield ['ELBO', `${last.elbo.toFixed(3)} nats, ${last.per_token.toFixed(5)} per ${per}${estimate}`];
    }
    if (readOut !== null) {
      const scores = Object.entries(readOut.held_out ?? {}).map(([name, score]) => `${name} ${score.toFixed(4)}`);
      yield [
        'read-out',
        `${readOut.by}${scores.length === 0 ? '' : `, chosen by held-out tokens: ${scores.join(', ')} nats`}`,
      ];
    }
    yield ['seed', String(record.seed)];
    yield ['settings', settingsLine(record.settings)];
    for (const [array, value] of Object.entries(single)) yield [array, value.toPrecision(4)];
    for (const fact of Object.keys(facts[0] ?? {})) yield [fact, factLine(facts.map((of) => of[fact]))];
    if (points) return;
    yield [
      'text settings',
      record.text === null ? 'none: the corpus came as counts' : settingsLine(record.text as Record<string, unknown>),
    ];
  });
}

/** A fact of all topics: numbers and flags in a line, rows and matrices by their size. */
function factLine(values: readonly unknown[]): string {
  if (values.some(Array.isArray)) return `${(values[0] as unknown[]).length} numbers a topic, in --json`;
  return values.map((value) => (typeof value === 'number' ? value.toPrecision(4) : String(value))).join(' ');
}

function settingsLine(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== null)
    .map(
      ([name, value]) =>
        `${name} ${Array.isArray(value) ? (value.length > 8 ? `(${value.length})` : value.join(',')) : typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
    .join(', ');
}
