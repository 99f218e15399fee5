import { type Analysis, type LeftOut, words } from './analyse.js';
import { HASH_FACTOR, HASH_START, remembered } from './forms.js';

/** Turns texts into numbers of terms. Holds what became of each word as it is written, so that it is analysed once. */
export interface TermNumbering {
  /** The terms met so far: number t is `terms[t]`. */
  readonly terms: readonly string[];
  /** The terms of a text, in order, as numbers: good until the next call. Counts the words that were kept and left out. */
  numbers(text: string, count: LeftOut): Uint32Array;
  /** Forms and terms held. */
  size(): number;
}

/** What becomes of a word: it is a term, by its number, or is left out, and is −1 − the reason's place here. */
const LEFT_OUT = ['stopWords', 'short', 'long'] as const;
/** What else can become of a form: it holds no word, or is SEVERAL − i and holds those at i of a list. */
const NO_WORD = -LEFT_OUT.length - 1;
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
  const several: (readonly number[])[] = [];
  const numberOf = new Map<string, number>();
  const terms: string[] = [];
  const tally = new Uint32Array(LEFT_OUT.length);
  let bytes = Buffer.alloc(0);
  let found = new Uint32Array(1024);
  let length = 0;
  let kept = 0;
  /** The last words of an n-gram that may go on, as numbers. */
  let run: number[] = [];

  const number = (term: string): number => {
    const known = numberOf.get(term);
    if (known !== undefined) return known;
    const own = ownCopy(term);
    numberOf.set(own, terms.length);
    return terms.push(own) - 1;
  };
  /** What becomes of the words of a text. */
  const outcomesOf = (text: string): number[] =>
    words(text, analysis).map(({ word, why }) => (why === 'kept' ? number(word) : -1 - LEFT_OUT.indexOf(why)));
  const forms = remembered((form) => {
    const all = outcomesOf(form);
    return all.length === 1 ? all[0]! : all.length === 0 ? NO_WORD : SEVERAL - (several.push(all) - 1);
  });

  const push = (term: number): void => {
    if (length === found.length) {
      const larger = new Uint32Array(2 * length);
      larger.set(found);
      found = larger;
    }
    found[length++] = term;
  };
  const pushPhrases = (word: number): void => {
    run.push(word);
    if (run.length > ngrams) run.shift();
    for (let n = 2; n <= run.length; n++) {
      const phrase = run.slice(-n).map((term) => terms[term]);
      push(number(phrase.join('_')));
    }
  };
  const take = (outcome: number): void => {
    if (outcome >= 0) {
      kept++;
      push(outcome);
      if (ngrams > 1) pushPhrases(outcome);
    } else if (outcome > NO_WORD) {
      tally[-1 - outcome]!++;
      if (ngrams > 1) run = [];
    } else if (outcome < NO_WORD) several[SEVERAL - outcome]!.forEach(take);
  };
  const takeForms = (end: number): void => {
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
      if (at - from > LONGEST_FORM) {
        outcomesOf(bytes.toString('utf8', from, at)).forEach(take);
        continue;
      }
      take(forms.of(bytes, from, at, hash));
    }
  };

  return {
    terms,
    numbers(text, count) {
      [length, kept, run] = [0, 0, []];
      tally.fill(0);
      if (tokenPattern !== null) outcomesOf(text).forEach(take);
      else {
        // A text of n UTF-16 units has at most 3n bytes; a space after them ends the last form.
        if (bytes.length <= 3 * text.length)
          bytes = Buffer.allocUnsafe(Math.max(2 * bytes.length, 3 * text.length + 1));
        const end = bytes.write(text, 'utf8');
        bytes[end] = SPACE;
        takeForms(end);
      }
      count.kept += kept;
      LEFT_OUT.forEach((why, i) => {
        count[why] += tally[i]!;
      });
      return found.subarray(0, length);
    },
    size: () => forms.size() + terms.length,
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
