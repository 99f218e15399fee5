import { corpusBuilder, fixedVocabularyBuilder, type Pruning, prune, withVocabulary } from '../corpus/build.js';
import type { Corpus } from '../corpus/corpus.js';
import { STATUS, UserError } from '../errors.js';
import { readCorpus } from '../files/corpus-file.js';
import { kindOf } from '../files/safetensors.js';
import { grouped } from '../report/table.js';
import type { Values } from '../settings.js';
import {
  type Analysis,
  type AnalysisRecord,
  analyse,
  analysis,
  checkedRecord,
  recordAnalysis,
} from '../text/analyse.js';
import { metaNames } from '../text/fields.js';
import { readLdac } from '../text/ldac.js';
import { type Document, documents, isBagOfWords } from '../text/read.js';
import { cuts, readSettings, textSettings } from '../text/settings.js';
import type { LoadedModel } from './_model.js';
import type { Progress } from './_progress.js';

/** Options of every command that reads text, and of those that choose its terms. */
export const readGroups = { 'Reading documents': readSettings } as const;
export const textGroups = { ...readGroups, 'From text to terms': textSettings } as const;

type ReadValues = Values<typeof readSettings>;
type TextValues = ReadValues & Values<typeof textSettings>;

/** What a corpus file says of how the corpus was made. */
export interface CorpusRecord {
  /** Version of thema that wrote it. */
  readonly version: string;
  /** How text became terms; null where the corpus came as counts. */
  readonly text: AnalysisRecord | null;
  /** What was read and what was cut. */
  readonly pruning: Pruning;
}

export type ReadCorpus = { readonly corpus: Corpus } & Omit<CorpusRecord, 'version'>;

/** The corpus of the inputs: text, bags of words, or one corpus file. */
export async function loadCorpus(
  inputs: readonly string[],
  values: TextValues,
  given: ReadonlySet<string>,
  say: Progress,
): Promise<ReadCorpus> {
  const onWarning = (message: string) => say.say(`warning: ${message}`);
  tellOfTerminal(inputs, say);
  const name = inputs.length === 1 ? inputs[0]! : `${inputs.length} inputs`;
  // A corpus that is no longer text is cut only where its user asks for it.
  const asked = cuts(Object.fromEntries(Object.entries(values).filter(([setting]) => given.has(setting))));
  if (await isCorpusFile(inputs)) {
    const { corpus, record } = await readCorpus(inputs[0]!);
    const { text } = record as CorpusRecord;
    return { ...prune(corpus, asked), text: text === null ? null : checkedRecord(text, inputs[0]!) };
  }
  if (isBagOfWords(inputs, values)) {
    const corpus = await readLdac(inputs, { vocabulary: values.vocabulary, onWarning }, process.stdin);
    return { ...prune(corpus, asked), text: null };
  }
  const text = await recordAnalysis(values);
  const ready = await analysis(text);
  const builder = corpusBuilder(metaNames(values));
  say.begin(`reading ${name}`);
  let count = 0;
  for await (const document of documents(inputs, { ...values, onWarning }, process.stdin)) {
    builder.add(document.id, analyse(document.text, ready), document.meta);
    if (++count % 1000 === 0) say.update(count, `${grouped(count)} documents`, { documents: count });
  }
  say.end();
  return { ...builder.finish(cuts(values)), text };
}

/** A command that waits for typing looks as if it hung. */
function tellOfTerminal(inputs: readonly string[], say: Progress): void {
  if (inputs.includes('-') && process.stdin.isTTY) say.say('reading the terminal, one document a line; Ctrl-D ends it');
}

/** One input that is a corpus file of ours. */
async function isCorpusFile(inputs: readonly string[]): Promise<boolean> {
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
}

/** Documents of one batch of text at most. */
const BATCH = 256;

/**
 * The inputs over the vocabulary of `model`, in order: text in batches of a few hundred documents, so that memory does
 * not grow with their number; corpus files and bags of words whole.
 */
export async function* newDocuments(
  inputs: readonly string[],
  model: LoadedModel,
  values: ReadValues,
  say: Progress,
  batch = BATCH,
): AsyncGenerator<NewDocuments> {
  const onWarning = (message: string) => say.say(`warning: ${message}`);
  tellOfTerminal(inputs, say);
  if (await isCorpusFile(inputs)) {
    yield withVocabulary((await readCorpus(inputs[0]!)).corpus, model.vocabulary);
  } else if (isBagOfWords(inputs, values)) {
    const corpus = await readLdac(
      inputs,
      { vocabulary: values.vocabulary ?? (await besideOrModel(inputs, model)), onWarning },
      process.stdin,
    );
    yield withVocabulary(corpus, model.vocabulary);
  } else {
    yield* batches(
      documents(inputs, { ...values, onWarning }, process.stdin),
      analysisOf(model),
      model.vocabulary,
      batch,
    );
  }
}

/** All the inputs over the vocabulary of `model` as one corpus. */
export async function allNewDocuments(
  inputs: readonly string[],
  model: LoadedModel,
  values: ReadValues,
  say: Progress,
): Promise<NewDocuments> {
  const { value } = await newDocuments(inputs, model, values, say, Number.POSITIVE_INFINITY).next();
  return value as NewDocuments;
}

async function* batches(
  found: AsyncIterable<Document>,
  ready: Analysis,
  vocabulary: readonly string[],
  size: number,
): AsyncGenerator<NewDocuments> {
  let builder = fixedVocabularyBuilder(vocabulary, []);
  let held = 0;
  for await (const { id, text } of found) {
    builder.add(id, analyse(text, ready), []);
    if (++held === size) {
      yield builder.finish();
      [builder, held] = [fixedVocabularyBuilder(vocabulary, []), 0];
    }
  }
  if (held > 0) yield builder.finish();
}

function analysisOf({ analysis }: LoadedModel): Analysis {
  if (analysis !== null) return analysis;
  throw new UserError('the model was fitted to counts and does not know how text becomes its terms; got text', {
    status: STATUS.usage,
    hint: 'give the documents as counts too, in an .ldac file',
  });
}

/** The vocabulary of bags of words: a file beside them if there is one, else the model's own. */
async function besideOrModel(
  inputs: readonly string[],
  { vocabulary }: LoadedModel,
): Promise<readonly string[] | undefined> {
  return inputs.includes('-') ? vocabulary : undefined;
}
