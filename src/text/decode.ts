import { STATUS, UserError } from '../errors.js';
import { suggestion } from '../settings.js';
import { type Bytes, peeked } from './input.js';

/** Above this share of characters that stand for invalid bytes, the text is in another encoding. */
const TOLERATED_INVALID = 0.01;

/**
 * Bytes decoded at once. V8 holds a text in two bytes a character as soon as one of them is not Latin-1, and all that is
 * done to it takes twice the time: of small pieces few have such a one.
 */
const PIECE = 8192;

const REPLACEMENT = '\uFFFD';

/** Decodes the next bytes, or what is left at the end. */
type Decoder = (bytes: Buffer | undefined) => { readonly text: string; readonly invalid: number };

/**
 * Bytes as text, in chunks without a meaning of their own. A byte order mark is removed, and wins over `encoding`;
 * CR LF and a lone CR become LF. Invalid bytes become U+FFFD and are counted: few are reported to `onWarning`.
 *
 * @throws {UserError} status 65 if the text looks binary, or more than 1% of it is invalid; status 2 if there is no such encoding
 */
export async function* decoded(
  bytes: Bytes,
  name: string,
  encoding: string,
  onWarning: (message: string) => void,
): AsyncGenerator<string> {
  checkEncoding(encoding);
  const [start, all] = await peeked(bytes, 4);
  const mark = byteOrderMark(start);
  const label = mark?.encoding ?? encoding;
  const decode = /^utf-?8$/i.test(label) ? utf8Decoder() : otherDecoder(label);
  const position = { line: 1, column: 1 };
  let skip = mark?.length ?? 0;
  let characters = 0;
  let invalid = 0;
  let firstInvalid = '';
  let heldReturn = false;

  const take = (chunk: Buffer | undefined): string => {
    const { text: raw, invalid: more } = decode(chunk);
    let text = heldReturn ? `\r${raw}` : raw;
    heldReturn = chunk !== undefined && text.endsWith('\r');
    if (heldReturn) text = text.slice(0, -1);
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    const nul = text.indexOf('\0');
    if (nul >= 0) throw binary(name, place(name, position, text, nul));
    if (more > 0 && invalid === 0) firstInvalid = place(name, position, text, text.indexOf(REPLACEMENT));
    invalid += more;
    characters += text.length;
    advance(position, text, text.length);
    return text;
  };

  for await (const chunk of all) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    for (let from = skipped; from < chunk.length; from += PIECE) {
      const text = take(chunk.subarray(from, from + PIECE));
      if (text !== '') yield text;
    }
  }
  const last = take(undefined);
  if (invalid > 0) {
    const share = `${invalid} of ${characters} characters (first at ${firstInvalid})`;
    const hint = 'if the text is in another encoding, say which, such as --encoding windows-1252';
    if (invalid > TOLERATED_INVALID * characters)
      throw new UserError(`${name}: not ${label} text: ${share} come from invalid bytes, expected at most 1%`, {
        hint,
      });
    onWarning(`${name}: ${share} come from bytes that are not ${label}, and were replaced by U+FFFD; ${hint}`);
  }
  if (last !== '') yield last;
}

/** @throws {UserError} status 2 if there is no such encoding */
export function checkEncoding(encoding: string): void {
  try {
    new TextDecoder(encoding);
  } catch {
    const common = [
      'utf-8',
      'utf-16le',
      'utf-16be',
      'windows-1252',
      'iso-8859-1',
      'iso-8859-15',
      'windows-1251',
      'koi8-r',
    ];
    const asian = ['shift_jis', 'euc-jp', 'gb18030', 'gbk', 'big5', 'euc-kr'];
    throw new UserError(
      `--encoding: got "${encoding}", expected an encoding such as ${[...common, ...asian].join(', ')}`,
      {
        status: STATUS.usage,
        hint: suggestion(encoding, [...common, ...asian]),
      },
    );
  }
}

function byteOrderMark(start: Buffer): { encoding: string; length: number } | undefined {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return { encoding: 'utf-8', length: 3 };
  if (start[0] === 0xff && start[1] === 0xfe) return { encoding: 'utf-16le', length: 2 };
  if (start[0] === 0xfe && start[1] === 0xff) return { encoding: 'utf-16be', length: 2 };
  return undefined;
}

/**
 * UTF-8 with each maximal invalid part replaced, as the WHATWG encoding standard says. Chunks are cut before an
 * unfinished sequence, so that the outcome does not depend on where they end; V8 decodes them faster than TextDecoder.
 */
function utf8Decoder(): Decoder {
  let held: Buffer = Buffer.alloc(0);
  return (bytes) => {
    let whole = bytes ?? Buffer.alloc(0);
    if (held.length > 0) whole = Buffer.concat([held, whole]);
    const end = bytes === undefined ? whole.length : whole.length - unfinished(whole);
    held = Buffer.from(whole.subarray(end));
    const text = whole.toString('utf8', 0, end);
    if (!text.includes(REPLACEMENT)) return { text, invalid: 0 };
    const genuine = occurrences(whole.subarray(0, end).toString('latin1'), '\xEF\xBF\xBD');
    return { text, invalid: occurrences(text, REPLACEMENT) - genuine };
  };
}

/** Length of the sequence at the end of `bytes` that more bytes could finish: 0 to 3. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? back : 0;
    }
    if (byte < 0x80) return 0;
  }
  return 0;
}

function otherDecoder(label: string): Decoder {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  return (bytes) => {
    const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    return { text, invalid: text.includes(REPLACEMENT) ? occurrences(text, REPLACEMENT) : 0 };
  };
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function binary(name: string, at: string): UserError {
  return new UserError(`${name}: looks like a binary file (a NUL character at ${at}), expected text`, {
    hint: /\.(pdf|docx?|odt|epub|rtf|xlsx?|parquet|zip|zst|xz|bz2)$/i.test(name)
      ? 'save it as plain text, CSV or NDJSON first (gzip and Brotli are read as they are)'
      : 'if it is UTF-16 text without a byte order mark, add --encoding utf-16le',
  });
}

/** Moves a position over the first `length` characters of `text`. */
function advance(position: { line: number; column: number }, text: string, length: number): void {
  let lineStart = -1;
  for (let at = text.indexOf('\n'); at >= 0 && at < length; at = text.indexOf('\n', at + 1)) {
    position.line++;
    lineStart = at;
  }
  position.column = lineStart < 0 ? position.column + length : length - lineStart;
}

function place(name: string, position: { line: number; column: number }, text: string, at: number): string {
  const here = { ...position };
  advance(here, text, at);
  return `${name}:${here.line}:${here.column}`;
}
