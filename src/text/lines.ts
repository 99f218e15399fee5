import { UserError } from '../errors.js';

/** A line or record longer than this is a wrong format, not a document. In UTF-16 units. */
export const LONGEST_RECORD = 64 * 1024 * 1024;

/** What a format's reader finds: the text of a document, where it is, and its id and metadata where the format has them. */
export type Found = {
  readonly text: string;
  readonly line: number;
  readonly id?: string | undefined;
  readonly meta?: string[] | undefined;
};

/** The lines of a text, in batches of those that came together. The last line need not end in LF. */
export async function* lineBatches(chunks: AsyncIterable<string>, name: string): AsyncGenerator<string[]> {
  // Only new chunks are searched, and a line is joined once, so that a line of n chunks takes time n.
  let begun: string[] = [];
  let length = 0;
  let line = 1;
  for await (const chunk of chunks) {
    const lines = chunk.split('\n');
    const rest = lines.pop()!;
    if (lines.length > 0) {
      if (begun.length > 0) lines[0] = begun.join('') + lines[0];
      begun = [];
      length = 0;
      line += lines.length;
      yield lines;
    }
    if (rest !== '') begun.push(rest);
    length += rest.length;
    if (length > LONGEST_RECORD) throw tooLong(name, line, 'line');
  }
  if (begun.length > 0) yield [begun.join('')];
}

/** Each line a document. A blank line is a document without text, so that results align with the lines. */
export async function* lineDocuments(chunks: AsyncIterable<string>, name: string): AsyncGenerator<Found[]> {
  let line = 1;
  for await (const lines of lineBatches(chunks, name)) yield lines.map((text) => ({ text, line: line++ }));
}

/** Each run of lines between blank lines a document. */
export async function* paragraphDocuments(chunks: AsyncIterable<string>, name: string): AsyncGenerator<Found[]> {
  let line = 0;
  let paragraph: string[] = [];
  let length = 0;
  for await (const lines of lineBatches(chunks, name)) {
    const found: Found[] = [];
    for (const text of lines) {
      line++;
      if (text.trim() !== '') {
        paragraph.push(text);
        length += text.length + 1;
        if (length > LONGEST_RECORD) throw tooLong(name, line - paragraph.length + 1, 'paragraph');
      } else if (paragraph.length > 0) {
        found.push({ text: paragraph.join('\n'), line: line - paragraph.length });
        paragraph = [];
        length = 0;
      }
    }
    yield found;
  }
  if (paragraph.length > 0) yield [{ text: paragraph.join('\n'), line: line - paragraph.length + 1 }];
}

/** All of the text as one document. */
export async function* fileDocument(chunks: AsyncIterable<string>, name: string): AsyncGenerator<Found[]> {
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length > LONGEST_RECORD) throw tooLong(name, 1, 'document');
  }
  if (length > 0) yield [{ text: parts.join(''), line: 1 }];
}

function tooLong(name: string, line: number, what: string): UserError {
  return new UserError(`${name}:${line}: a ${what} of more than ${LONGEST_RECORD / 1024 ** 2} million characters`, {
    hint:
      what === 'document'
        ? 'make each line or paragraph a document with --per line or --per paragraph'
        : 'if the format is another one, say which with --input-format',
  });
}
