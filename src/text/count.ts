import { type Counts, rowCounter } from '../corpus/build.js';
import { growing } from '../corpus/growing.js';
import { type Analysis, type LeftOut, nothingLeftOut } from './analyse.js';
import { segmentTexts } from './segment.js';
import { termNumbering } from './terms.js';

/** What a counter found in texts, over terms that it numbers itself. */
export type Counted = {
  readonly counts: Counts;
  /** The number of the first of `terms`; 0 where the numbering begins, or begins anew. */
  readonly firstTerm: number;
  /** The terms that are new here. */
  readonly terms: readonly string[];
  readonly leftOut: LeftOut;
};

/** Counts the terms of texts and of their segments. */
export interface TermCounter {
  /** Counts a text; hands back the texts of its segments. */
  add(text: string): readonly string[];
  /** What was counted since the last call. */
  take(): Counted;
}

/** Forms and terms at which a counter forgets what it knows, so that its memory is bounded. */
const MOST_HELD = 1_000_000;

/**
 * A counter by an analysis. A segment without terms stays; an n-gram never reaches over two segments; single tokens as
 * segments are the terms of the text, one each.
 */
export function termCounter(analysis: Analysis, mostHeld = MOST_HELD): TermCounter {
  const { segment } = analysis.record;
  const numbering = termNumbering(analysis);
  let taken = 0;
  let leftOut = nothingLeftOut();
  const documents = rowCounter();
  const segments = rowCounter();
  const segmentStart = growing();
  segmentStart.push(0);
  let segmentCount = 0;

  const segmented = (text: string, kind: Exclude<typeof segment, 'none'>): readonly string[] => {
    if (kind === 'token') {
      const numbers = numbering.numbers(text, leftOut);
      documents.add(numbers);
      for (const number of numbers) segments.add([number]);
      segmentCount += numbers.length;
      return Array.from(numbers, (number) => numbering.terms[number]!);
    }
    const texts = segmentTexts(text, kind);
    const whole: number[] = [];
    for (const piece of texts) {
      const numbers = numbering.numbers(piece, leftOut);
      segments.add(numbers);
      for (const number of numbers) whole.push(number);
    }
    documents.add(whole);
    segmentCount += texts.length;
    return texts;
  };
  return {
    add(text) {
      if (segment === 'none') {
        documents.add(numbering.numbers(text, leftOut));
        return [text];
      }
      const texts = segmented(text, segment);
      segmentStart.push(segmentCount);
      return texts;
    },
    take() {
      const ofSegments = segment === 'none' ? undefined : { start: segmentStart.take(), ...segments.take() };
      const counted: Counted = {
        counts: { ...documents.take(), segments: ofSegments },
        firstTerm: taken,
        terms: numbering.terms.slice(taken),
        leftOut,
      };
      taken = numbering.terms.length;
      if (numbering.size() > mostHeld) {
        numbering.forget();
        taken = 0;
      }
      [leftOut, segmentCount] = [nothingLeftOut(), 0];
      segmentStart.push(0);
      return counted;
    },
  };
}

/** The counts that one counter takes, in order, over the numbers that `number` gives the terms. Writes to them. */
export function renumbering(number: (term: string) => number): (counted: Counted) => Counts {
  let numberOf: number[] = [];
  return ({ counts, firstTerm, terms }) => {
    if (firstTerm === 0) numberOf = [];
    for (const term of terms) numberOf.push(number(term));
    for (const { term } of counts.segments === undefined ? [counts] : [counts, counts.segments])
      for (let i = 0; i < term.length; i++) term[i] = numberOf[term[i]!]!;
    return counts;
  };
}
