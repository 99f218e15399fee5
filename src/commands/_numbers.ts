import { STATUS, UserError } from '../errors.js';

/** A whole number of at least 1, or `all`. */
export function countOrAll(text: string, source: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (/^0*[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UserError(`${source}: got "${text}", expected a whole number of at least 1, or all`, {
    status: STATUS.usage,
  });
}
