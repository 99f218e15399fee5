import { parseSetting } from '../settings.js';

/** A whole number of at least 1, or `all`. */
export function countOrAll(text: string, source: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  return parseSetting({ kind: 'integer', min: 1, describe: '' }, text, source) as number;
}
