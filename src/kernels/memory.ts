import { readFileSync } from 'node:fs';

/** The functions of assembly/; their arguments are numbers and pointers, in bytes. */
export type KernelExports = Readonly<
  Record<'ldaDocuments' | 'ldaTerms' | 'ldaStartDocuments', (...args: number[]) => void>
>;

/** A memory for kernels, laid out afresh for each corpus, and the kernels on it. */
export interface KernelMemory {
  readonly kernels: KernelExports;
  /** Frees everything and makes room for arrays of these many 4-byte numbers, each 16-byte aligned. */
  layOut<N extends string>(lengths: Readonly<Record<N, number>>): Readonly<Record<N, number>>;
  f32(pointer: number, length: number): Float32Array;
  u32(pointer: number, length: number): Uint32Array;
}

const PAGE = 65_536;
/** The most a 32-bit WebAssembly memory can have: 4 GiB. */
const MOST_PAGES = 65_536;
/** What lies below belongs to the compiled module. */
const BASE = 1024;

let compiled: WebAssembly.Module | undefined;

/** @throws {RangeError} from `layOut`, where the arrays need more than 4 GiB */
export function kernelMemory(): KernelMemory {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    kernels: exports as unknown as KernelExports,
    layOut(lengths) {
      let end = BASE;
      const pointers = Object.entries<number>(lengths).map(([name, length]) => {
        const pointer = end;
        end += Math.ceil((4 * length) / 16) * 16;
        return [name, pointer] as const;
      });
      const pages = Math.ceil(end / PAGE);
      if (pages > MOST_PAGES) throw new RangeError(`the kernels need ${pages} pages, there are ${MOST_PAGES}`);
      const has = memory.buffer.byteLength / PAGE;
      if (pages > has) memory.grow(pages - has);
      return Object.fromEntries(pointers) as never;
    },
    f32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    u32: (pointer, length) => new Uint32Array(memory.buffer, pointer, length),
  };
}
