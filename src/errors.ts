/** Exit statuses of the program (sysexits.h where one fits). */
export const STATUS = {
  bug: 1,
  usage: 2,
  badData: 65,
  noInput: 66,
  numerical: 70,
  cannotCreate: 73,
  io: 74,
} as const;

export type Status = (typeof STATUS)[keyof typeof STATUS];

/**
 * A mistake its user can mend. The message says what came and what was expected, after `file:line[:column]: ` where
 * there is a place; the hint says what to do. Shown without a stack.
 */
export class UserError extends Error {
  readonly status: Status;
  readonly hint: string | undefined;

  constructor(message: string, { status = STATUS.badData, hint }: { status?: Status; hint?: string | undefined } = {}) {
    super(message);
    this.name = 'UserError';
    this.status = status;
    this.hint = hint;
  }
}

/** A broken promise of the numerics: the objective fell beyond rounding, or is not a number. Exit status 70. */
export class NumericalError extends Error {
  readonly status: Status = STATUS.numerical;

  constructor(message: string) {
    super(message);
    this.name = 'NumericalError';
  }
}

/** The closest of `known` to `word` by edit distance, if close enough to be a slip of the fingers, or a part of it. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const [a, b] = [word.toLowerCase(), candidate.toLowerCase()];
    const isPart = a.length > 2 && b.includes(a);
    const distance = isPart ? 1 : editDistance(a, b);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance with transposition of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
