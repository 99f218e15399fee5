import { createFormTable } from '../kernels/forms.js';
import { type Analysis, type LeftOut, words } from './analyse.js';

/** Turns texts into numbers of terms. Holds what became of each word as it is written, so that it is analysed once. */
export interface TermNumbering {
  /** The terms met so far: number t is `terms[t]`. */
  readonly terms: readonly string[];
  /** The terms of a text, in order, as numbers: good until the next call. Counts the words that were kept and left out. */
  numbers(text: string, count: LeftOut): Uint32Array;
  /** Forms and terms held. */
  size(): number;
  /** Begins anew, so that memory is bounded. */
  forget(): void;
}

/** What becomes of a word: it is a term, by its number, or is left out, and is −1 − the reason's place here. */
const LEFT_OUT = ['stopWords', 'short', 'long'] as const;
const STOP_WORD = -1;
/** What else can become of a form: it holds no word, or is SEVERAL − i and holds those at i of a list. */
const NO_WORD = -LEFT_OUT.length - 1;
const SEVERAL = NO_WORD - 1;

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
  const forms = createFormTable(hasNumbers ? /[A-Za-z0-9'`.:^,-]/ : /[A-Za-z'`.:^-]/);
  const several: (readonly number[])[] = [];
  const numberOf = new Map<string, number>();
  const terms: string[] = [];
  const tally = new Uint32Array(LEFT_OUT.length);
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
  /** Makes room for so many terms more. */
  const reserve = (more: number): void => {
    if (length + more <= found.length) return;
    const larger = new Uint32Array(2 * found.length + more);
    larger.set(found);
    found = larger;
  };
  const push = (term: number): void => {
    reserve(1);
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
  /** Takes what becomes of known forms. Whether it is a term or a stop word is chance, so that no branch may ask for it. */
  const takeKnown = (outcomes: Int32Array, count: number): void => {
    for (let i = 0; i < count; ) {
      reserve(count - i);
      const [terms, first, start] = [found, i, length];
      let end = start;
      for (; ngrams === 1 && i < count && outcomes[i]! >= STOP_WORD; i++) {
        terms[end] = outcomes[i]!;
        end += 1 + (outcomes[i]! >> 31);
      }
      length = end;
      kept += end - start;
      tally[0]! += i - first - (end - start);
      if (i < count) take(outcomes[i++]!);
    }
  };
  const meet = (form: string, isHeld: boolean): number => {
    const all = outcomesOf(form);
    all.forEach(take);
    if (all.length === 1) return all[0]!;
    return all.length === 0 || !isHeld ? NO_WORD : SEVERAL - (several.push(all) - 1);
  };

  return {
    terms,
    numbers(text, count) {
      [length, kept, run] = [0, 0, []];
      tally.fill(0);
      if (tokenPattern !== null) outcomesOf(text).forEach(take);
      else forms.each(text, takeKnown, meet);
      count.kept += kept;
      LEFT_OUT.forEach((why, i) => {
        count[why] += tally[i]!;
      });
      return found.subarray(0, length);
    },
    size: () => forms.size() + terms.length,
    forget() {
      forms.forget();
      numberOf.clear();
      [terms.length, several.length] = [0, 0];
    },
  };
}

/** A term cut from a text would keep the whole text in memory: V8's substrings of 13 or more characters are views. */
function ownCopy(term: string): string {
  return term.length < 13 ? term : Buffer.from(term).toString();
}
