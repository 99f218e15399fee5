import { damaged } from './damaged.js';

/** Objects in objects, at most this deep. */
const DEEPEST = 64;

/**
 * Writes a record of settings and results as JSON.
 *
 * @throws Error where JSON would lose something without a word: NaN, an infinity, a typed array, a map, a set.
 */
export function formatRecord(record: unknown): string {
  return (
    JSON.stringify(record, (key, value) => {
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`the record's ${key} is ${value}`);
      if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) {
        throw new Error(`the record's ${key} is a ${value.constructor.name}, which JSON cannot hold`);
      }
      return value;
    }) ?? 'null'
  );
}

/**
 * Reads the record of the file `file`.
 *
 * @throws UserError 65 where it is not JSON or nested deeper than 64 levels.
 */
export function parseRecord(json: string, file: string): unknown {
  if (depth(json) > DEEPEST) throw damaged(file, `its record is nested deeper than ${DEEPEST} levels`);
  try {
    return JSON.parse(json);
  } catch {
    throw damaged(file, 'its record is not JSON');
  }
}

/** The deepest nesting of brackets outside strings. */
function depth(json: string): number {
  let now = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++now);
    else if (character === '}' || character === ']') now--;
  }
  return deepest;
}
