import { createHash } from 'node:crypto';
import type { Sink } from '../../src/files/sink.js';

/** Gathers what is written to it. */
export function memorySink(): Sink & { bytes(): Uint8Array } {
  const chunks: Buffer[] = [];
  return {
    write: async (chunk) => {
      chunks.push(Buffer.from(chunk));
    },
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
  };
}

/** A file with any header and data, and the right checksum where the header has 64 zeros for it. */
export function forge(header: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const length = Math.ceil(Buffer.byteLength(header) / 8) * 8;
  const start = Buffer.alloc(8 + length, ' ');
  start.writeBigUInt64LE(BigInt(length));
  start.write(header, 8);
  const bytes = Buffer.concat([start, data]);
  const zeros = '0'.repeat(64);
  const at = bytes.indexOf(`"${zeros}"`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (at >= 0) bytes.write(digest, at + 1);
  return new Uint8Array(bytes);
}

/** A header of thema's with the tensors' JSON as given. */
export function headerWith(tensors: string, kind = 'model', metadata = ''): string {
  const own = `"sha256":"${'0'.repeat(64)}","thema.kind":"${kind}","thema.format":"1"${metadata}`;
  return `{"__metadata__":{${own}}${tensors === '' ? '' : ','}${tensors}}`;
}

/** A tensor of a header, or its metadata, to be put wrong. */
export interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
  [key: string]: unknown;
}

/** A file's header (parsed by JSON) and data, to be changed and forged again. */
export function dissect(bytes: Uint8Array): { header: Record<string, Entry>; data: Uint8Array } {
  const length = Number(Buffer.from(bytes).readBigUInt64LE());
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  return { header, data: bytes.slice(8 + length) };
}

/** Forges what `dissect` gave, after a change. */
export function reforge(
  bytes: Uint8Array,
  change: (header: Record<string, Entry>, data: DataView) => void,
): Uint8Array {
  const { header, data } = dissect(bytes);
  change(header, new DataView(data.buffer));
  header['__metadata__']['sha256'] = '0'.repeat(64);
  return forge(JSON.stringify(header), data);
}

/** Every way to flip one bit. */
export function* bitFlips(bytes: Uint8Array): Generator<[Uint8Array, string]> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield [flipped, `bit ${bit & 7} of byte ${bit >> 3}`];
  }
}

/** Every shorter file, and some longer ones. */
export function* wrongLengths(bytes: Uint8Array): Generator<[Uint8Array, string]> {
  for (let length = 0; length < bytes.length; length++) yield [bytes.slice(0, length), `the first ${length} bytes`];
  for (const byte of [0, 32, 255]) yield [new Uint8Array([...bytes, byte]), `with byte ${byte} appended`];
  yield [new Uint8Array([...bytes, ...bytes]), 'twice over'];
}
