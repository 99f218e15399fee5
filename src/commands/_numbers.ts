import { STATUS, UserError } from '../errors.js';

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Bytes written as `500M` or `2G`, in powers of 1024. */
export function bytesOf(text: string, source: string): number {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase());
  if (bytes >= 1) return bytes;
  throw new UserError(`${source}: got "${text}", expected a size such as 500M or 2G`, { status: STATUS.usage });
}

/** A whole number of at least 1, or `all`. */
export function countOrAll(text: string, source: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (/^0*[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UserError(`${source}: got "${text}", expected a whole number of at least 1, or all`, {
    status: STATUS.usage,
  });
}
