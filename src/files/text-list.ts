import { isUtf8 } from 'node:buffer';
import { UserError } from '../errors.js';
import { damaged, quoted } from './damaged.js';
import { type Safetensors, type Tensor, tensor, vectorOf } from './safetensors.js';

/** Some versions of Node take offsets into a buffer as 32-bit integers with a sign. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Packs n strings into two tensors: `<name>.offsets`, U32 of n + 1, and `<name>`, U8: string i is the UTF-8 in bytes
 * [offsets[i], offsets[i + 1]). A surrogate without its partner becomes U+FFFD, as in every UTF-8 output.
 *
 * @throws UserError 65 where the strings have 2 GiB or more.
 */
export function packText(name: string, strings: readonly string[]): [offsets: Tensor, bytes: Tensor] {
  const offsets = new Uint32Array(strings.length + 1);
  let end = 0;
  for (const [i, string] of strings.entries()) {
    end += Buffer.byteLength(string);
    if (end > MOST_BYTES) throw new UserError(`${name} has 2 GiB of text or more, which a file cannot hold`);
    offsets[i + 1] = end;
  }
  const bytes = Buffer.alloc(end);
  for (const [i, string] of strings.entries()) bytes.write(string, offsets[i]!);
  return [tensor(`${name}.offsets`, offsets), tensor(name, bytes)];
}

/**
 * The strings that {@link packText} packed.
 *
 * @throws UserError 65 where offsets fall or leave the bytes, or where a string is not UTF-8.
 */
export function unpackText(file: Safetensors, name: string): string[] {
  const offsets = vectorOf(file, `${name}.offsets`, 'U32');
  const bytes = Buffer.from(vectorOf(file, name, 'U8').buffer);
  const wrong = (what: string) => damaged(file.name, `${quoted(name)} ${what}`);
  if (bytes.length > MOST_BYTES) throw wrong('has 2 GiB of text or more');
  if (offsets.length === 0 || offsets[0] !== 0 || offsets.at(-1) !== bytes.length) {
    throw wrong('has offsets that do not go from its first byte to its last');
  }
  if (!isUtf8(bytes)) throw wrong('is not UTF-8');
  const strings: string[] = [];
  for (let i = 0; i + 1 < offsets.length; i++) {
    const [from, to] = [offsets[i]!, offsets[i + 1]!];
    if (to < from) throw wrong(`has offsets that fall at string ${i + 1}`);
    if (from < bytes.length && isContinuation(bytes[from]!)) throw wrong(`cuts a character at string ${i + 1}`);
    strings.push(bytes.toString('utf8', from, to));
  }
  return strings;
}

/** Whether a byte continues a character of UTF-8. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** The first string that came before, as UTF-8 has it: surrogates without partner are all the same. */
export function firstRepeated(strings: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const string of strings) {
    const written = string.replace(/\p{Surrogate}/gu, '\ufffd');
    if (seen.has(written)) return string;
    seen.add(written);
  }
  return undefined;
}
