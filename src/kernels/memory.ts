import { readFileSync } from 'node:fs';
import { STATUS, UserError } from '../errors.js';
import { createPool } from '../pool.js';

/** The functions of assembly/. */
export type KernelName =
  | 'ldaDocuments'
  | 'ldaTopics'
  | 'ldaExpectLog'
  | 'ldaScale'
  | 'ldaTerms'
  | 'boundTopics'
  | 'boundDocuments'
  | 'collapsedTopics'
  | 'collapsedPlaces'
  | 'collapsedDocuments'
  | 'collapsedTerms'
  | 'collapsedTokens'
  | 'collapsedPoints'
  | 'collapsedCompletion'
  | 'gmmPoints'
  | 'gmmStatistics'
  | 'multinomialLogs'
  | 'plsaDocuments'
  | 'mixtureDocuments'
  | 'multinomialTerms'
  | 'hmmEmissions'
  | 'hmmDocuments'
  | 'hmmTerms'
  | 'decoderLogits'
  | 'decoderGradients'
  | 'decoderJoin'
  | 'encoderForward'
  | 'encoderBackward'
  | 'encoderUnits'
  | 'encoderTerms'
  | 'formsKnown';

/** A memory for kernels, and the threads that run them on it. */
export interface KernelMemory {
  /** Calls a kernel with the arguments of each task, numbers and pointers in bytes, on all threads. */
  run(name: KernelName, tasks: readonly (readonly number[])[]): void;
  /** A kernel to be called on this thread. */
  kernel(name: KernelName): (...args: number[]) => number;
  /**
   * Makes room for arrays of these many 4-byte numbers, each 16-byte aligned. Frees what was there, but for what lies before
   * `from`: the `end` of what was laid out first. All are zero, unless `clears` is false: then those that are never written
   * take no memory.
   */
  layOut<N extends string>(
    lengths: Readonly<Record<N, number>>,
    from?: number,
    clears?: boolean,
  ): Readonly<Record<N | 'end', number>>;
  f32(pointer: number, length: number): Float32Array;
  f64(pointer: number, length: number): Float64Array;
  u32(pointer: number, length: number): Uint32Array;
  i32(pointer: number, length: number): Int32Array;
  bytes(pointer: number, length: number): Buffer;
  /** Gives the memory back: the next that is asked for is this one. */
  release(): void;
}

const PAGE = 65_536;
/** The most a 32-bit WebAssembly memory can have: 4 GiB. */
const MOST_PAGES = 65_536;
/** What lies below belongs to the compiled module. */
const BASE = 1024;

let compiled: WebAssembly.Module | undefined;

/** Memories that were released, by number of threads: other threads keep theirs, so a new one would be one more. */
const released = new Map<number, KernelMemory[]>();

/** Starts the threads that kernels will run on; they take a tenth of a second. */
export function startThreads(threads: number): void {
  kernelMemory(threads).release();
}

/** @throws {UserError} from `layOut`, where the arrays need more than 4 GiB */
export function kernelMemory(threads: number): KernelMemory {
  return released.get(threads)?.pop() ?? newMemory(threads);
}

function newMemory(threads: number): KernelMemory {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  const kernels = new WebAssembly.Instance(compiled, { env: { memory } }).exports as Record<
    KernelName,
    (...args: number[]) => number
  >;
  const pool = createPool(threads, compiled, memory, kernels);
  /** Beyond it nothing has been written: it is zero, and takes no room yet. */
  let written = BASE;
  return {
    run: pool.run,
    kernel: (name) => kernels[name],
    layOut(lengths, from = BASE, clears = true) {
      let end = from;
      const pointers = Object.entries<number>(lengths).map(([name, length]) => {
        const pointer = end;
        end += Math.ceil((4 * length) / 16) * 16;
        return [name, pointer] as const;
      });
      const pages = Math.ceil(end / PAGE);
      if (pages > MOST_PAGES) {
        throw new UserError(
          `the kernels need ${(end / 2 ** 30).toFixed(1)} GiB for the corpus and its topics, there are 4`,
          {
            status: STATUS.usage,
            hint: 'fewer topics or terms, or --precise, which has no such limit',
          },
        );
      }
      const has = memory.buffer.byteLength / PAGE;
      if (pages > has) memory.grow(pages - has);
      if (clears && written > from) new Uint8Array(memory.buffer, from, Math.min(end, written) - from).fill(0);
      written = Math.max(written, end);
      return Object.fromEntries([...pointers, ['end', end]]) as never;
    },
    f32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    f64: (pointer, length) => new Float64Array(memory.buffer, pointer, length),
    u32: (pointer, length) => new Uint32Array(memory.buffer, pointer, length),
    i32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
    bytes: (pointer, length) => Buffer.from(memory.buffer, pointer, length),
    release() {
      released.set(threads, [...(released.get(threads) ?? []), this]);
    },
  };
}
