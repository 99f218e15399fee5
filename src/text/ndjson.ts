import { UserError } from '../errors.js';
import { type FieldNames, missingField, usualText } from './fields.js';
import { jsonErrorOffset } from './json-error.js';
import { type Found, lineBatches } from './lines.js';

type Json = Record<string, unknown>;

/**
 * NDJSON: each line one JSON object, each object a document. Blank lines are skipped.
 *
 * @throws {UserError} status 65 with `name:line[:column]` for a line that is none, or whose text is missing
 */
export async function* ndjsonDocuments(
  chunks: AsyncIterable<string>,
  name: string,
  names: FieldNames,
): AsyncGenerator<Found[]> {
  let line = 0;
  let text = names.text;
  for await (const lines of lineBatches(chunks, name)) {
    const found: Found[] = [];
    for (const source of lines) {
      line++;
      if (source.trim() === '') continue;
      const place = `${name}:${line}`;
      const object = parsed(source, place);
      text ??= [usualText(Object.keys(object), place, 'fields')];
      found.push({
        text:
          text.length === 1 ? textOf(object, text[0]!, place) : text.map((f) => textOf(object, f, place)).join('\n'),
        line,
        id: idOf(object, names.id, source, place),
        meta: names.meta.map((field) => metaOf(object, field, source)),
      });
    }
    yield found;
  }
}

function parsed(source: string, place: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    const offset = jsonErrorOffset(source);
    const came = offset >= source.length ? 'the end of the line' : JSON.stringify(excerpt(source, offset));
    throw new UserError(
      `${place}:${offset + 1}: got ${came}, which is not JSON there; expected one JSON object a line`,
      {
        hint: 'if the file is one JSON array or is spread over lines: jq -c ".[]" FILE | thema …; if it is plain text: --input-format txt',
      },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new UserError(`${place}: got ${kind(value)}, expected one JSON object a line`, {
    hint: Array.isArray(value) ? 'to make lines of the items of an array: jq -c ".[]" FILE | thema …' : undefined,
  });
}

/** The value of `field`; `a.b` is field b of field a, unless there is a field called `a.b`. Own properties only. */
function valueAt(object: Json, field: string): unknown {
  if (Object.hasOwn(object, field)) return object[field];
  let value: unknown = object;
  for (const part of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Json)[part];
  }
  return value;
}

function textOf(object: Json, field: string, place: string): string {
  const value = valueAt(object, field);
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return wellFormed(value.join('\n'));
  if (value === undefined) throw missingField(field, fieldsOf(object), place, 'field');
  throw new UserError(`${place}: field "${field}" is ${kind(value)}, expected text or a number`, {
    hint: value === null ? `to leave out such lines: jq -c 'select(.${field} != null)' FILE | thema …` : undefined,
  });
}

function idOf(object: Json, field: string | undefined, source: string, place: string): string | undefined {
  const value = valueAt(object, field ?? 'id');
  if (typeof value === 'string' && value !== '') return wellFormed(value);
  if (typeof value === 'number') return digits(value, field ?? 'id', source);
  if (field === undefined) return undefined;
  if (value === undefined) throw missingField(field, fieldsOf(object), place, 'field');
  throw new UserError(`${place}: field "${field}" is ${kind(value)}, expected a name or number for --id`);
}

/** Metadata may be missing (an empty value); lists and objects stay JSON. */
function metaOf(object: Json, field: string, source: string): string {
  const value = valueAt(object, field);
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return wellFormed(value);
  return typeof value === 'number' ? digits(value, field, source) : JSON.stringify(value);
}

/** A number as it was written where a double cannot hold it: ids of 18 digits are common. */
function digits(value: number, field: string, source: string): string {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value);
  const key = JSON.stringify(field.slice(field.lastIndexOf('.') + 1)).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  for (const [, written] of source.matchAll(new RegExp(`${key}\\s*:\\s*(-?\\d+)`, 'g')))
    if (Number(written) === value) return written!;
  return String(value);
}

/** The names of fields, those of objects inside written with dots. */
function fieldsOf(object: Json): string[] {
  return Object.entries(object).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [name, ...Object.keys(value).map((inner) => `${name}.${inner}`)]
      : [name],
  );
}

/** JSON can spell half a surrogate pair, which no UTF-8 file can hold. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function excerpt(source: string, offset: number): string {
  return source.length > offset + 20 ? `${source.slice(offset, offset + 20)}…` : source.slice(offset);
}
