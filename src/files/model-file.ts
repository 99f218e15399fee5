import type { Reals } from '../math/reals.js';
import { type WriteOptions, writeFile } from './atomic-write.js';
import { damaged, quoted } from './damaged.js';
import { formatRecord, parseRecord } from './record.js';
import { metadataOf, readSafetensors, type Tensor, tensor, writeSafetensors } from './safetensors.js';
import type { Sink } from './sink.js';
import { firstRepeated, packText, unpackText } from './text-list.js';

/** An array of a model, row-major. */
export interface ModelArray {
  readonly shape: readonly number[];
  readonly data: Reals | Uint32Array;
  /** Of a matrix to be written: `data` has column after column. */
  readonly byColumn?: boolean;
}

/**
 * A fitted model in a file of thema's: its arrays under their own names (F64, F32 or U32), the text lists `vocabulary` and, if
 * there are any, `ids`; in the metadata `thema.model`, the model's name, and `thema.record`, JSON. What the arrays mean is
 * the model's affair.
 */
export interface ModelFile {
  /** The model's name, such as `lda`. */
  readonly model: string;
  /** Arrays by name; an object without prototype where it was read. */
  readonly arrays: Readonly<Record<string, ModelArray>>;
  readonly vocabulary: readonly string[];
  /** Names of the fitted documents, where the file keeps them. */
  readonly ids: readonly string[] | null;
  /** Settings, text analysis, ELBO trace, stop, seed, version: whatever JSON can hold. */
  readonly record: unknown;
}

/** Tensors that are not arrays of the model. */
const OWN = new Set(['vocabulary', 'vocabulary.offsets', 'ids', 'ids.offsets']);

/**
 * Writes a model to `path`; see {@link writeFile} for what becomes of an existing file.
 *
 * @returns the number of bytes written.
 */
export async function writeModel(path: string, options: WriteOptions, file: ModelFile): Promise<number> {
  return writeFile(path, options, (sink) => writeModelTo(sink, file));
}

/**
 * Writes a model to a sink.
 *
 * @throws Error where a number is not finite, a name is taken or a term occurs twice: the caller's mistake.
 */
export async function writeModelTo(sink: Sink, { model, arrays, vocabulary, ids, record }: ModelFile): Promise<void> {
  const tensors: Tensor[] = [];
  for (const [name, { shape, data, byColumn }] of Object.entries(arrays)) {
    if (OWN.has(name)) throw new Error(`the array name ${name} is taken`);
    const at = notFinite(data);
    if (at >= 0) throw new Error(`element ${at} of ${name} is ${data[at]}`);
    tensors.push({ ...tensor(name, data, shape), byColumn });
  }
  const twice = firstRepeated(vocabulary);
  if (twice !== undefined) throw new Error(`the vocabulary has ${quoted(twice)} twice`);
  tensors.push(...packText('vocabulary', vocabulary));
  if (ids !== null) tensors.push(...packText('ids', ids));
  await writeSafetensors(sink, 'model', tensors, { 'thema.model': model, 'thema.record': formatRecord(record) });
}

/**
 * Reads a model from a file or from the bytes of one.
 *
 * @throws UserError 66 where there is no such file; 65 where it is not a model, is damaged or has a number that is not finite.
 */
export async function readModel(from: string | Uint8Array): Promise<ModelFile> {
  const file = await readSafetensors(from, 'model');
  const arrays: Record<string, ModelArray> = Object.create(null);
  for (const { name, dtype, shape, data } of file.tensors.values()) {
    if (OWN.has(name)) continue;
    if (!(data instanceof Float64Array || data instanceof Float32Array || data instanceof Uint32Array)) {
      throw damaged(file.name, `the array ${quoted(name)} is ${dtype} where F64, F32 or U32 is expected`);
    }
    const at = notFinite(data);
    if (at >= 0) throw damaged(file.name, `element ${at} of ${quoted(name)} is ${data[at]}`);
    arrays[name] = { shape, data };
  }
  const vocabulary = unpackText(file, 'vocabulary');
  const twice = firstRepeated(vocabulary);
  if (twice !== undefined) throw damaged(file.name, `its vocabulary has ${quoted(twice)} twice`);
  const hasIds = file.tensors.has('ids') || file.tensors.has('ids.offsets');
  return {
    model: metadataOf(file, 'thema.model'),
    arrays,
    vocabulary,
    ids: hasIds ? unpackText(file, 'ids') : null,
    record: parseRecord(metadataOf(file, 'thema.record'), file.name),
  };
}

/** Index of the first NaN or infinity, or -1. */
function notFinite(data: Reals | Uint32Array): number {
  if (data instanceof Uint32Array) return -1;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}
