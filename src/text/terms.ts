import { type Analysis, type LeftOut, words } from './analyse.js';
import { formTable, HASH_FACTOR, HASH_START } from './forms.js';

/** Turns texts into numbers of terms. Holds what became of each word as it is written, so that it is analysed once. */
export interface TermNumbering {
  /** The terms met so far: number t is `terms[t]`. */
  readonly terms: readonly string[];
  /** The terms of a text, in order, as numbers: good until the next call. Counts the words that were kept and left out. */
  numbers(text: string, count: LeftOut): Uint32Array;
  /** Forms and terms held. */
  size(): number;
}

/** What can become of a form: a term by its number, or one of these, or one of these after {@link SEVERAL}. */
const LEFT_OUT = ['stopWords', 'short', 'long'] as const;
const NO_WORD = -LEFT_OUT.length - 1;
/** The number SEVERAL − i stands for the words at i of a list of those forms that are not one word. */
const SEVERAL = NO_WORD - 1;

/** Bytes of the longest form that is held; longer ones, such as phrases of scripts without spaces, hardly come again. */
const LONGEST_FORM = 64;

const SPACE = 0x20;

/**
 * The numbering of the terms that `analysis` finds: normal form, tokens, stop words and short words out, stems,
 * n-grams. An n-gram (`united_states`) takes words that neighbour each other in the text, punctuation aside: a word
 * left out stands between its neighbours.
 *
 * With the built-in tokens a text is cut into forms at ASCII characters which neither are part of a word nor decide how
 * their neighbours are written in lower case or NFC, so that its words are those of its forms.
 */
export function termNumbering(analysis: Analysis): TermNumbering {
  const { ngrams, tokenPattern, numbers: hasNumbers } = analysis.record;
  const isWithin = withinForms(hasNumbers);
  const forms = formTable();
  const outcomes: number[] = [];
  const several: (readonly number[])[] = [];
  const numberOf = new Map<string, number>();
  const terms: string[] = [];
  let bytes = Buffer.alloc(0);
  let found = new Uint32Array(1024);
  let length = 0;
  /** The last words of an n-gram that may go on, as numbers. */
  let run: number[] = [];

  const number = (term: string): number => {
    const known = numberOf.get(term);
    if (known !== undefined) return known;
    const own = ownCopy(term);
    numberOf.set(own, terms.length);
    return terms.push(own) - 1;
  };
  const push = (term: number): void => {
    if (length === found.length) {
      const larger = new Uint32Array(2 * length);
      larger.set(found);
      found = larger;
    }
    found[length++] = term;
  };
  /** The word `outcome`: a term, or one that is left out. */
  const take = (outcome: number, count: LeftOut): void => {
    if (outcome < 0) {
      count[LEFT_OUT[-1 - outcome]!]++;
      if (ngrams > 1) run = [];
      return;
    }
    count.kept++;
    push(outcome);
    if (ngrams === 1) return;
    run.push(outcome);
    if (run.length > ngrams) run.shift();
    for (let n = 2; n <= run.length; n++)
      push(
        number(
          run
            .slice(-n)
            .map((term) => terms[term])
            .join('_'),
        ),
      );
  };
  /** What becomes of the words of a text. */
  const outcomesOf = (text: string): number[] =>
    words(text, analysis).map(({ word, why }) => (why === 'kept' ? number(word) : -1 - LEFT_OUT.indexOf(why)));
  const takeForm = (from: number, to: number, hash: number, count: LeftOut): void => {
    if (to - from > LONGEST_FORM) {
      for (const outcome of outcomesOf(bytes.toString('utf8', from, to))) take(outcome, count);
      return;
    }
    const form = forms.number(bytes, from, to, hash);
    if (form === outcomes.length) {
      const all = outcomesOf(bytes.toString('utf8', from, to));
      outcomes.push(all.length === 1 ? all[0]! : all.length === 0 ? NO_WORD : SEVERAL - (several.push(all) - 1));
    }
    const outcome = outcomes[form]!;
    if (outcome > NO_WORD) take(outcome, count);
    else if (outcome < NO_WORD) for (const one of several[SEVERAL - outcome]!) take(one, count);
  };

  return {
    terms,
    numbers(text, count) {
      length = 0;
      run = [];
      if (tokenPattern !== null) {
        for (const outcome of outcomesOf(text)) take(outcome, count);
        return found.subarray(0, length);
      }
      // A text of n UTF-16 units has at most 3n bytes; after them comes a space that ends the last form.
      if (bytes.length <= 3 * text.length) bytes = Buffer.alloc(Math.max(4096, 6 * text.length));
      const end = bytes.write(text, 'utf8');
      bytes[end] = SPACE;
      for (let at = 0; at < end; ) {
        if (isWithin[bytes[at]!] === 0) {
          at++;
          continue;
        }
        const from = at;
        let hash = HASH_START;
        do {
          hash = Math.imul(hash ^ bytes[at]!, HASH_FACTOR);
          at++;
        } while (isWithin[bytes[at]!] !== 0);
        takeForm(from, at, hash, count);
      }
      return found.subarray(0, length);
    },
    size: () => outcomes.length + terms.length,
  };
}

/**
 * By byte, whether it is within a form: letters, what joins letters, and the characters that Unicode calls
 * case-ignorable, over which a Σ looks for the end of its word. All that is not ASCII is.
 */
function withinForms(hasNumbers: boolean): Uint8Array {
  const within = hasNumbers ? /[A-Za-z0-9'`.:^,-]/ : /[A-Za-z'`.:^-]/;
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte >= 0x80 || within.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}

/** A term cut from a text would keep the whole text in memory: V8's substrings of 13 or more characters are views. */
function ownCopy(term: string): string {
  return term.length < 13 ? term : Buffer.from(term).toString();
}
