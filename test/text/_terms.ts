import { type Analysis, nothingLeftOut } from '../../src/text/analyse.js';
import { termCounter } from '../../src/text/count.js';
import { termNumbering } from '../../src/text/terms.js';

/** The terms of a text, in order. */
export function analyse(text: string, analysis: Analysis): string[] {
  const numbering = termNumbering(analysis);
  return Array.from(numbering.numbers(text, nothingLeftOut()), (number) => numbering.terms[number]!);
}

/** The segments of a text: the text of each, and its terms, each once. */
export function analyseSegments(text: string, analysis: Analysis): { text: string; terms: string[] }[] {
  const counter = termCounter(analysis);
  const texts = counter.add(text);
  const { counts, terms } = counter.take();
  const { rowStart, term } = counts.segments ?? counts;
  return texts.map((segment, s) => ({
    text: segment,
    terms: Array.from(term.subarray(rowStart[s], rowStart[s + 1]), (number) => terms[number]!),
  }));
}
