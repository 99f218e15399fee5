import type { Corpus, Segments } from '../corpus/corpus.js';
import type { StopReason } from '../em/fit.js';
import type { Axis, Shapes, State, TopicModel } from '../em/model.js';
import { allocateState, type Dims, sizeOf } from '../em/state.js';
import { UserError } from '../errors.js';
import type { WriteOptions } from '../files/atomic-write.js';
import { segmentArrays, segmentsProblem } from '../files/corpus-file.js';
import { damaged } from '../files/damaged.js';
import { type ModelArray, readModel, writeModel } from '../files/model-file.js';
import { MODELS } from '../models/index.js';
import type { TraceRow } from '../report/elbo.js';
import { type Analysis, type AnalysisRecord, analysis, checkedRecord } from '../text/analyse.js';

/** What a model file says beside its arrays. */
export interface FitRecord {
  /** Version of thema that wrote it. */
  readonly version: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** How text became terms; null where the corpus came as counts. */
  readonly text: AnalysisRecord | null;
  /** Names of the columns, where the documents came as numbers. */
  readonly columns?: readonly string[];
  readonly corpus: { readonly documents: number; readonly emptyDocuments: number; readonly tokens: number };
  /** `documents`: an online fit visited all of them as often as it was to. */
  readonly stop: StopReason | 'documents' | 'generated';
  readonly trace: readonly TraceRow[];
  /** By what topics are read, where the model has a choice, and what held-out documents said of it; else the first. */
  readonly readOut?: { readonly by: string; readonly heldOut: ReadOutScores | null };
}

/** Mean ln p of a held-out token by read-out. */
export type ReadOutScores = Readonly<Record<string, number>>;

/** A fitted model with what is needed to use it. */
export interface LoadedModel {
  readonly name: string;
  readonly model: TopicModel<Corpus, unknown>;
  readonly dims: Dims;
  /** Rows of `posterior` only where the file keeps documents. */
  readonly state: State;
  /** K shares of the fitted tokens. */
  readonly shares: Float64Array;
  readonly vocabulary: readonly string[];
  /** The fitted documents; null where the file does not keep them. */
  readonly documents: {
    readonly ids: readonly string[];
    readonly tokens: Uint32Array;
    /** Where the model reads documents as sequences. */
    readonly segments: Segments | undefined;
  } | null;
  /** How new text becomes terms; null where the corpus came as counts. */
  readonly analysis: Analysis | null;
  readonly record: FitRecord;
}

/** Writes a model file. Arrays V×K in memory are K×V in the file, as the field writes topics. */
export function saveModel(path: string, options: WriteOptions, loaded: Omit<LoadedModel, 'analysis'>): Promise<number> {
  const { name, model, dims, state, shares, vocabulary, documents, record } = loaded;
  const arrays: Record<string, ModelArray> = {};
  for (const [array, axes] of Object.entries(model.params)) {
    arrays[fileName(array)] = isTermTopic(axes)
      ? { shape: [dims.K, dims.V], data: state.params[array]!, byColumn: true }
      : { shape: extents(axes, dims), data: state.params[array]! };
  }
  if (documents !== null) {
    for (const [array, axes] of Object.entries(model.posterior)) {
      arrays[fileName(array)] = {
        shape: [documents.ids.length, ...extents(axes, dims)],
        data: state.posterior[array]!,
      };
    }
    arrays['document_tokens'] = { shape: [documents.tokens.length], data: documents.tokens };
    for (const [name, data] of Object.entries(segmentArrays(documents.segments)))
      arrays[name] = { shape: [data.length], data };
  }
  arrays['share'] = { shape: [dims.K], data: shares };
  return writeModel(path, options, { model: name, arrays, vocabulary, ids: documents?.ids ?? null, record });
}

/**
 * Reads a model file.
 *
 * @throws {UserError} 66 where there is none; 65 where it is damaged, not a model, or holds arrays that do not fit
 */
export async function loadModel(path: string, threads = 1): Promise<LoadedModel> {
  const { model: name, arrays, vocabulary, ids, record: json } = await readModel(path);
  const kind = Object.hasOwn(MODELS, name) ? MODELS[name]! : undefined;
  if (kind === undefined)
    throw new UserError(`${path}: holds a model "${name}", which this version of thema does not know`);
  const record = json as FitRecord;
  const shares = arrayOf(path, arrays, 'share', undefined);
  const dims: Dims = { V: vocabulary.length, K: shares.length };
  const model = kind.create(record.settings, { ...dims, columns: record.columns?.length ?? 0, threads });
  const state = allocateState(model, dims, ids?.length ?? 0);
  for (const [array, axes] of Object.entries(model.params)) {
    if (isTermTopic(axes))
      transpose(arrayOf(path, arrays, array, [dims.K, dims.V]), dims.K, dims.V, state.params[array]!);
    else state.params[array]!.set(arrayOf(path, arrays, array, extents(axes, dims)));
  }
  state.readOut = readOutOf(path, record, model) ?? state.readOut;
  model.derive(state);
  if (ids !== null) fillPosterior(path, arrays, model.posterior, dims, ids.length, state.posterior);
  const tokens = ids === null ? null : Uint32Array.from(arrayOf(path, arrays, 'document_tokens', [ids.length]));
  return {
    name,
    model,
    dims,
    state,
    shares,
    vocabulary,
    documents: ids === null ? null : { ids, tokens: tokens!, segments: fittedSegments(path, arrays, dims, ids.length) },
    analysis: record.text === null ? null : await analysis(checkedRecord(record.text, path)),
    record,
  };
}

function readOutOf(path: string, { readOut }: FitRecord, model: TopicModel<Corpus, unknown>): string | undefined {
  if (readOut === undefined || Object.hasOwn(model.readings, readOut.by)) return readOut?.by;
  throw new UserError(`${path}: reads topics by "${readOut.by}", which this version of thema does not know`);
}

function fillPosterior(
  path: string,
  arrays: Readonly<Record<string, ModelArray>>,
  shapes: Shapes,
  dims: Dims,
  D: number,
  posterior: State['posterior'],
): void {
  for (const [array, axes] of Object.entries(shapes)) {
    posterior[array]!.set(storedArray(path, arrays, array, [D, ...extents(axes, dims)]).data);
  }
}

/** The segments that the model was fitted to, where the file has them. */
function fittedSegments(
  path: string,
  arrays: Readonly<Record<string, ModelArray>>,
  { V }: Dims,
  D: number,
): Segments | undefined {
  if (arrays['segment_start'] === undefined) return undefined;
  const whole = (name: string) => Uint32Array.from(arrayOf(path, arrays, name, undefined));
  const segments: Segments = {
    start: whole('segment_start'),
    rowStart: whole('segment_row_start'),
    term: whole('segment_term'),
    count: whole('segment_count'),
  };
  const wrong = segmentsProblem(segments, D, V);
  if (wrong !== undefined) throw damaged(path, wrong);
  return segments;
}

/** `logVariance` in the code is `log_variance` in the file. */
function fileName(array: string): string {
  return array.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function arrayOf(
  path: string,
  arrays: Readonly<Record<string, ModelArray>>,
  name: string,
  shape: readonly number[] | undefined,
): Float64Array {
  const { data } = storedArray(path, arrays, name, shape);
  return data instanceof Float64Array ? data : Float64Array.from(data);
}

function storedArray(
  path: string,
  arrays: Readonly<Record<string, ModelArray>>,
  name: string,
  shape: readonly number[] | undefined,
): ModelArray {
  const array = arrays[fileName(name)];
  if (array === undefined)
    throw new UserError(`${path}: has no array "${fileName(name)}"`, {
      hint: 'it was not written by thema, or by another version',
    });
  if (shape !== undefined && String(array.shape) !== String(shape)) {
    throw new UserError(
      `${path}: the array "${fileName(name)}" is ${array.shape.join('×')}, expected ${shape.join('×')}`,
    );
  }
  return array;
}

function extents(axes: readonly Axis[], dims: Dims): number[] {
  return axes.map((axis) => sizeOf([axis], dims));
}

function isTermTopic(axes: readonly Axis[]): boolean {
  return axes.length === 2 && axes[0] === 'V' && axes[1] === 'K';
}

/** Writes the columns×rows transpose of a row-major rows×columns array. */
function transpose(array: Float64Array, rows: number, columns: number, to: Float64Array): void {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c * rows + r] = array[r * columns + c]!;
}
