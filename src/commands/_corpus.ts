import {
  corpusBuilder,
  fixedVocabularyBuilder,
  type Named,
  type Pruning,
  prune,
  withVocabulary,
} from '../corpus/build.js';
import { type Corpus, documentCount, tokenCount, withColumns } from '../corpus/corpus.js';
import { STATUS, UserError } from '../errors.js';
import { readCorpus } from '../files/corpus-file.js';
import { kindOf } from '../files/safetensors.js';
import { MODELS, type ModelKind } from '../models/index.js';
import { counted, grouped } from '../report/table.js';
import type { Values } from '../settings.js';
import {
  type Analysis,
  type AnalysisRecord,
  checkedRecord,
  type LeftOut,
  nothingLeftOut,
  recordAnalysis,
} from '../text/analyse.js';
import { renumbering, termCounter } from '../text/count.js';
import { metaNames } from '../text/fields.js';
import { inputName } from '../text/input.js';
import { columnNames, pointBatches } from '../text/points.js';
import { countsReader, type Document, documents } from '../text/read.js';
import type { SegmentKind } from '../text/segment.js';
import { cuts, readSettings, textSettings } from '../text/settings.js';
import { countDocuments } from '../text/threads.js';
import type { Arguments } from './_command.js';
import type { LoadedModel } from './_model.js';
import type { Progress } from './_progress.js';
import { threadsOf, type threadsSettings } from './_threads.js';

/** Options of every command that reads text, and of those that choose its terms. */
export const readGroups = { 'Reading documents': readSettings } as const;
export const textGroups = { ...readGroups, 'From text to terms': textSettings } as const;

type ReadValues = Values<typeof readSettings>;
export type TextValues = ReadValues & Values<typeof textSettings> & Values<typeof threadsSettings>;

/** What a corpus file says of how the corpus was made. */
export interface CorpusRecord {
  /** Version of thema that wrote it. */
  readonly version: string;
  /** How text became terms; null where the corpus came as counts. */
  readonly text: AnalysisRecord | null;
  /** Tokens that were left out on the way from text to terms; absent where the corpus came as counts. */
  readonly leftOut?: LeftOut;
  /** What was read and what was cut. */
  readonly pruning: Pruning;
}

/** How large a corpus is, for people. */
export function corpusSize(corpus: Corpus): string {
  const D = documentCount(corpus);
  if (corpus.vectors !== undefined)
    return `${counted(D, 'point')} of ${counted(corpus.vectors.columns.length, 'column')}`;
  return sizeInWords({ documents: D, tokens: tokenCount(corpus) }, corpus.vocabulary.length);
}

export function sizeInWords({ documents, tokens }: { documents: number; tokens: number }, V: number): string {
  return `${counted(documents, 'document')}, ${counted(V, 'term')}, ${counted(tokens, 'token')}`;
}

export type ReadCorpus = { readonly corpus: Corpus } & Omit<CorpusRecord, 'version'>;

/**
 * The corpus of the inputs: text, bags of words, or one corpus file.
 *
 * @param reads what is read of it; without it, all there is. Segments are kept only where they are read.
 * @param columns the columns of numbers that are read in place of text
 */
export async function loadCorpus(
  inputs: readonly string[],
  values: TextValues,
  { given, flags }: Pick<Arguments, 'given' | 'flags'>,
  say: Progress,
  reads?: ModelKind['reads'],
  columns?: string,
): Promise<ReadCorpus> {
  const segment = segmentOf(values.segment, reads);
  const onWarning = (message: string) => say.say(`warning: ${message}`);
  tellOfTerminal(inputs, say);
  const name = inputs.length === 1 ? inputName(inputs[0]!) : `${inputs.length} inputs`;
  // A corpus that is no longer text is cut only where its user asks for it.
  const asked = cuts(Object.fromEntries(Object.entries(values).filter(([setting]) => given.has(setting))));
  if (await isCorpusFile(inputs)) {
    refuseFlags(flags, ofText('input-format', 'vocabulary'), `a corpus file, which ${inputs[0]} is`);
    const { corpus, record } = await readCorpus(inputs[0]!);
    const json = (record as CorpusRecord).text;
    const text = json === null ? null : checkedRecord(json, inputs[0]!);
    if (values.segment !== undefined && values.segment !== (text?.segment ?? 'none')) {
      throw new UserError(`--segment: got ${values.segment}, but ${inputs[0]} keeps ${text?.segment ?? 'none'}`, {
        status: STATUS.usage,
        hint: 'import the text again with --segment',
      });
    }
    const points = withPoints(corpus, reads, columns, inputs[0]!);
    if (points !== null) {
      refuseFlags(flags, Object.keys(textSettings), 'points');
      return ofPoints(points);
    }
    return { ...prune(withSegments(corpus, reads, inputs[0]!), asked), text };
  }
  if (columns !== undefined) {
    refuseFlags(flags, [...Object.keys(textSettings), 'vocabulary'], '--columns, which are numbers');
    const options = { ...values, onWarning };
    const all = pointBatches(inputs, columnNames(columns), options, process.stdin, Number.POSITIVE_INFINITY);
    return ofPoints((await all.next()).value as Corpus);
  }
  const readCounts = countsReader(inputs, values);
  if (readCounts !== undefined) {
    refuseFlags(flags, ofText(), 'counts of terms');
    const corpus = await readCounts(inputs, { vocabulary: values.vocabulary, onWarning }, process.stdin);
    return { ...prune(withSegments(corpus, reads, name), asked), text: null };
  }
  refuseFlags(flags, ['vocabulary'], 'text, whose terms are found in it, but with --schedule online');
  const text = await recordAnalysis({ ...values, segment });
  const builder = corpusBuilder(metaNames(values));
  say.begin(`reading ${name}`);
  let count = 0;
  const leftOut = nothingLeftOut();
  const found = documents(inputs, { ...values, onWarning }, process.stdin);
  for await (const part of countDocuments(found, text, threadsOf(values), builder.number)) {
    builder.add(part.documents, part.counts);
    for (const why of Object.keys(leftOut) as (keyof LeftOut)[]) leftOut[why] += part.leftOut[why];
    count += part.documents.length;
    if (count >= 1000) say.update(count, `${grouped(count)} documents`, { documents: count });
  }
  say.end();
  if (leftOut.kept === 0) throw noTerms(count, leftOut);
  return { ...builder.finish(cuts(values)), text, leftOut };
}

/** @throws {UserError} if one of these was given as a flag */
export function refuseFlags(flags: ReadonlySet<string>, names: readonly string[], on: string): void {
  const name = names.find((name) => flags.has(name));
  if (name === undefined) return;
  throw new UserError(`--${name}: has no effect on ${on}`, { status: STATUS.usage });
}

/** Options that say how text is read and becomes terms, but for those that cut a corpus afterwards, and these as well. */
export function ofText(...others: readonly string[]): string[] {
  const elsewhere = ['input-format', 'vocabulary', 'segment', 'min-df', 'max-df', 'max-vocabulary'];
  return [...Object.keys({ ...readSettings, ...textSettings }).filter((name) => !elsewhere.includes(name)), ...others];
}

/** No word of the texts became a term: which setting left most of them out. */
function noTerms(texts: number, { stopWords, short, long }: LeftOut): UserError {
  const words = stopWords + short + long;
  if (words === 0) {
    return new UserError(`no terms: ${counted(texts, 'document')} without a word`, {
      hint: 'is it the right column or field (--text)? numbers are words only with --numbers',
    });
  }
  const all = `no terms left of ${counted(words, 'word')} in ${counted(texts, 'document')}`;
  if (stopWords >= Math.max(short, long)) {
    return new UserError(`${all}: --stop-words removed ${grouped(stopWords)}`, {
      hint: 'is it the right column or field (--text), and the right language of --stop-words?',
    });
  }
  if (short >= long) {
    return new UserError(`${all}: --min-length removed ${grouped(short)}`, { hint: 'lower it: --min-length 1' });
  }
  return new UserError(`${all}: ${grouped(long)} are longer than a word can be`, { hint: 'is it text?' });
}

/** What a segment of text is to be. */
export function segmentOf(given: SegmentKind | undefined, reads: ModelKind['reads'] | undefined): SegmentKind {
  if (reads === undefined) return given ?? 'none';
  const hasSegments = reads === 'segments';
  if (given !== undefined && hasSegments !== (given !== 'none')) {
    throw new UserError(
      `--segment: got ${given}, but the model reads ${hasSegments ? 'documents as sequences of segments' : 'no segments'}`,
      { status: STATUS.usage },
    );
  }
  return given ?? (hasSegments ? 'sentence' : 'none');
}

/** The corpus with its segments where they are read, and else without. */
function withSegments(corpus: Corpus, reads: ModelKind['reads'] | undefined, name: string): Corpus {
  if (reads === undefined) return corpus;
  const { segments, ...whole } = corpus;
  if (reads !== 'segments') return whole;
  if (segments !== undefined) return corpus;
  throw new UserError(`${name}: holds documents as counts, but the model reads them as sequences of segments`, {
    status: STATUS.usage,
    hint: 'give text, or a corpus file made of text with thema import --segment sentence',
  });
}

/**
 * The documents of a corpus file as points of these columns, or of all; null where they are text.
 *
 * @throws {UserError} if they are points and something else is read, or the other way round, or a column is missing
 */
function withPoints(
  corpus: Corpus,
  reads: ModelKind['reads'] | undefined,
  columns: string | undefined,
  name: string,
): Corpus | null {
  const { vectors } = corpus;
  if (vectors === undefined) {
    if (columns === undefined) return null;
    throw new UserError(`${name}: holds terms and no columns of numbers, got --columns ${columns}`, {
      status: STATUS.usage,
    });
  }
  if (reads !== undefined && reads !== 'vectors') {
    throw new UserError(`${name}: holds points, but the model reads terms`, {
      status: STATUS.usage,
      hint: 'thema fit --model gmm reads points',
    });
  }
  const chosen = columns === undefined ? vectors : withColumns(vectors, columnNames(columns));
  if (typeof chosen !== 'string') return { ...corpus, vectors: chosen };
  throw new UserError(`${name}: no column "${chosen}"; there are ${vectors.columns.join(', ')}`);
}

function ofPoints(corpus: Corpus): ReadCorpus {
  const none = { terms: 0, tokens: 0 };
  const pruning: Pruning = {
    documents: documentCount(corpus),
    emptyDocuments: 0,
    tokensRead: 0,
    termsRead: 0,
    cuts: { minDf: 1, maxDf: documentCount(corpus), maxVocabulary: null },
    droppedBy: { 'min-df': none, 'max-df': none, 'max-vocabulary': none },
  };
  return { corpus, text: null, pruning };
}

/** A command that waits for typing looks as if it hung. */
export function tellOfTerminal(inputs: readonly string[], say: Progress): void {
  if (inputs.includes('-') && process.stdin.isTTY) say.say('reading the terminal, one document a line; Ctrl-D ends it');
}

/** One input that is a corpus file of ours. */
export async function isCorpusFile(inputs: readonly string[]): Promise<boolean> {
  for (const input of inputs) {
    const kind = input === '-' ? undefined : await kindOf(input);
    if (kind === 'model')
      throw new UserError(`${input}: is a model file, expected documents`, {
        hint: `thema inspect ${input} shows what it holds`,
      });
    if (kind === 'corpus' && inputs.length > 1) {
      throw new UserError(`${input}: is a corpus file, expected it alone`, {
        status: STATUS.usage,
        hint: 'import all the documents into one corpus file',
      });
    }
    if (kind === 'corpus') return true;
  }
  return false;
}

/** Documents over a model's vocabulary. */
export interface NewDocuments {
  readonly corpus: Corpus;
  /** Tokens of each document that are not in the vocabulary. */
  readonly unseen: Uint32Array;
  /** The text of each segment of each document; null where there are none, or only counts. */
  readonly texts: readonly (readonly string[])[] | null;
}

/** How documents are to be read. */
type ReadArguments = { readonly values: ReadValues } & Pick<Arguments, 'flags'>;

/** Documents of one batch of text at most. */
const BATCH = 1024;

/**
 * The inputs over the vocabulary of `model`, in order: text in batches of a few hundred documents, so that memory does
 * not grow with their number; corpus files and bags of words whole.
 */
export async function* newDocuments(
  inputs: readonly string[],
  model: LoadedModel,
  { values, flags }: ReadArguments,
  say: Progress,
  batch = BATCH,
): AsyncGenerator<NewDocuments> {
  const onWarning = (message: string) => say.say(`warning: ${message}`);
  const { reads } = MODELS[model.name]!;
  const { columns } = model.record;
  tellOfTerminal(inputs, say);
  const readCounts = countsReader(inputs, values);
  if (await isCorpusFile(inputs)) {
    refuseFlags(flags, ofText('input-format', 'vocabulary'), `a corpus file, which ${inputs[0]} is`);
    const { corpus } = await readCorpus(inputs[0]!);
    const points = withPoints(corpus, columns === undefined ? 'counts' : reads, columns?.join(','), inputs[0]!);
    if (points !== null) yield newPoints(points);
    else yield { ...withVocabulary(withSegments(corpus, reads, inputs[0]!), model.vocabulary), texts: null };
  } else if (columns !== undefined) {
    refuseFlags(flags, ['vocabulary'], 'points');
    for await (const points of pointBatches(inputs, columns, { ...values, onWarning }, process.stdin, batch))
      yield newPoints(points);
  } else if (readCounts !== undefined) {
    refuseFlags(flags, ofText(), 'counts of terms');
    const corpus = await readCounts(
      inputs,
      { vocabulary: values.vocabulary ?? (inputs.includes('-') ? model.vocabulary : undefined), onWarning },
      process.stdin,
    );
    yield { ...withVocabulary(withSegments(corpus, reads, inputs.join(', ')), model.vocabulary), texts: null };
  } else {
    refuseFlags(flags, ['vocabulary'], 'text, of which the model knows the terms');
    yield* batches(
      documents(inputs, { ...values, onWarning }, process.stdin),
      analysisOf(model),
      model.vocabulary,
      batch,
    );
  }
}

function newPoints(corpus: Corpus): NewDocuments {
  return { corpus, unseen: new Uint32Array(documentCount(corpus)), texts: null };
}

/** All the inputs over the vocabulary of `model` as one corpus. */
export async function allNewDocuments(
  inputs: readonly string[],
  model: LoadedModel,
  args: ReadArguments,
  say: Progress,
): Promise<NewDocuments> {
  const { value } = await newDocuments(inputs, model, args, say, Number.POSITIVE_INFINITY).next();
  return value as NewDocuments;
}

export async function* batches(
  found: AsyncIterable<Document>,
  ready: Analysis,
  vocabulary: readonly string[],
  size: number,
): AsyncGenerator<NewDocuments> {
  // All documents as one batch are for scores: their texts would only take memory
  const keepsTexts = ready.record.segment !== 'none' && size < Number.POSITIVE_INFINITY;
  const builder = fixedVocabularyBuilder(vocabulary, []);
  const counter = termCounter(ready);
  const renumber = renumbering(builder.number);
  let named: Named[] = [];
  let texts: (readonly string[])[] = [];
  let held = 0;
  const flush = (): void => {
    builder.add(named, renumber(counter.take()));
    named = [];
  };
  const batch = (): NewDocuments => {
    flush();
    const made = { ...builder.take(), texts: keepsTexts ? texts : null };
    [texts, held] = [[], 0];
    return made;
  };
  for await (const { id, text } of found) {
    const segments = counter.add(text);
    if (keepsTexts) texts.push(segments);
    if (named.push({ id, meta: [] }) === BATCH) flush();
    if (++held === size) yield batch();
  }
  if (held > 0) yield batch();
}

function analysisOf({ analysis }: LoadedModel): Analysis {
  if (analysis !== null) return analysis;
  throw new UserError('the model was fitted to counts and does not know how text becomes its terms; got text', {
    status: STATUS.usage,
    hint: 'give the documents as counts too, in an .ldac file',
  });
}
