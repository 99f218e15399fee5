import { UserError } from '../errors.js';

/** The error for a file that breaks its format: status 65. */
export function damaged(name: string, what: string): UserError {
  return new UserError(`${name} is damaged: ${what}`, {
    hint: 'make the file again, or copy it again from its source',
  });
}

/** A name out of a file, quoted and shortened, for a message. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 60 ? name.slice(0, 60) + '…' : name);
}
