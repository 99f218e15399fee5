import { STATUS, UserError } from '../errors.js';
import { suggestion } from '../settings.js';
import type { ReadValues } from './settings.js';

/** What a column of text is called when nobody says. */
const USUAL_TEXT = ['text', 'body', 'content'];

/** What the user calls the columns or fields of text, id and metadata. */
export type FieldNames = {
  readonly text: readonly string[] | undefined;
  readonly id: string | undefined;
  readonly meta: readonly string[];
};

export function fieldNames(options: ReadValues): FieldNames {
  const { text, id, meta } = options;
  return {
    text: text === undefined ? undefined : commaList(text, '--text'),
    id,
    meta: [...(meta === undefined ? [] : commaList(meta, '--meta')), ...groupNames(options)],
  };
}

/** The columns that tell which records are one document. Their values come as metadata, the last of it. */
export function groupNames(options: Pick<ReadValues, 'group'>): readonly string[] {
  return options.group === undefined ? [] : commaList(options.group, '--group');
}

/** The columns of metadata that the documents of these options have, in order. */
export function metaNames(options: Pick<ReadValues, 'meta'>): readonly string[] {
  return options.meta === undefined ? [] : commaList(options.meta, '--meta');
}

/** Names separated by commas. @throws {UserError} status 2 if one is empty or there twice */
export function commaList(list: string, flag: string): string[] {
  const names = list.split(',').map((name) => name.trim());
  const wrong = names.includes('') ? 'an empty name' : new Set(names).size < names.length ? 'a name twice' : undefined;
  if (wrong === undefined) return names;
  throw new UserError(`${flag}: got "${list}", which has ${wrong}, expected names separated by commas`, {
    status: STATUS.usage,
  });
}

/**
 * The field that holds the text when the user names none: one called text, body or content, or the only one.
 *
 * @throws {UserError} status 2, listing the fields, if that does not settle it
 */
export function usualText(fields: readonly string[], place: string, what: 'columns' | 'fields'): string {
  for (const usual of USUAL_TEXT) {
    const found = fields.find((field) => field.toLowerCase() === usual);
    if (found !== undefined) return found;
  }
  if (fields.length === 1) return fields[0]!;
  throw new UserError(`${place}: which of the ${what} holds the text? There ${listed(fields)}`, {
    status: STATUS.usage,
    hint: `name it, such as --text ${fields[fields.length - 1] ?? 'NAME'}`,
  });
}

/** A field asked for that is not there. */
export function missingField(
  name: string,
  fields: readonly string[],
  place: string,
  what: 'column' | 'field',
): UserError {
  return new UserError(`${place}: no ${what} "${name}"; there ${listed(fields)}`, { hint: suggestion(name, fields) });
}

function listed(fields: readonly string[]): string {
  const shown = fields.slice(0, 50).join(', ');
  const more = fields.length > 50 ? `, … (${fields.length} in all)` : '';
  return fields.length === 0 ? 'are none' : fields.length === 1 ? `is only ${shown}` : `are ${shown}${more}`;
}
