import { type Context, createContext, Script } from 'node:vm';
import { STATUS, UserError } from '../errors.js';

const LONGEST_PATTERN = 1000;

/**
 * A user's regular expression as a tokeniser. A backtracking expression such as `(a+)+b` can take centuries on a line,
 * and no inspection of an expression finds all that do; so each match runs under a watchdog of `node:vm`, which can
 * stop a running expression. It costs 50 µs a text.
 *
 * @throws {UserError} status 2 if `pattern` is no expression or matches nothing at all
 */
export function patternTokens(pattern: string): (text: string) => string[] {
  const expression = compiled(pattern);
  const context: Context = createContext(Object.assign(Object.create(null), { expression, text: '' }));
  const script = new Script('text.match(expression)');
  return (text) => {
    context['text'] = text;
    try {
      const found = script.runInContext(context, { timeout: timeLimit(text) }) as string[] | null;
      return found === null ? [] : found.filter((token) => token !== '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new UserError(
        `--token-pattern: "${pattern}" took more than ${timeLimit(text) / 1000} s on a text of ${text.length} characters`,
        { status: STATUS.usage, hint: 'repeats inside repeats, such as (a+)+, take exponential time: write a+' },
      );
    } finally {
      context['text'] = '';
    }
  };
}

/** Milliseconds: 2 s, and 1 s for each MB; a sound expression takes a hundredth of that. */
function timeLimit(text: string): number {
  return 2000 + Math.ceil(text.length / 1000);
}

function compiled(pattern: string): RegExp {
  const usage = (message: string, hint?: string): UserError =>
    new UserError(`--token-pattern: ${message}`, { status: STATUS.usage, hint });
  if (pattern.length > LONGEST_PATTERN)
    throw usage(`got an expression of ${pattern.length} characters, expected at most ${LONGEST_PATTERN}`);
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, 'gu');
  } catch (error) {
    const reason = (error as Error).message.replace(/^.*\/[a-z]*: /s, '');
    throw usage(
      `got "${pattern}", expected a regular expression: ${reason}, at character ${errorPosition(pattern)}`,
      'the expression has flags g and u: \\p{L} is any letter, and \\ stands only before what needs it',
    );
  }
  if (new RegExp(`^(?:${pattern})$`, 'u').test(''))
    throw usage(`got "${pattern}", which matches the empty text, expected one that matches words`, 'write + for *');
  return expression;
}

/** The character (from 1) after the longest beginning that is an expression by itself: there the mistake is or opens. */
function errorPosition(pattern: string): number {
  for (let length = pattern.length - 1; length > 0; length--) {
    try {
      new RegExp(pattern.slice(0, length), 'u');
      return length + 1;
    } catch {}
  }
  return 1;
}
