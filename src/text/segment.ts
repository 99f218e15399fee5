/** What a segment of a document is: a sentence, a line, a paragraph, a single term, or nothing. */
export const SEGMENTS = ['none', 'sentence', 'line', 'paragraph', 'token'] as const;
export type SegmentKind = (typeof SEGMENTS)[number];

/** Intl.Segmenter of Node 20 takes quadratic time; so much of a text at once costs little. */
const SEGMENT_AT_ONCE = 2000;

// The rules of sentences (UAX #29) are the same in every language but Greek; the host's own must not get in.
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** What ends in a point within a sentence: titles, and initials (J. F. Kennedy, U.S. Senate, z. B.). */
const ABBREVIATION =
  /(?:^|[^\p{L}\p{M}])(?:\p{L}|Mrs?|Ms|Messrs|Drs?|Prof|Rev|Hon|Gov|Sen|Rep|Gen|Col|Maj|Capt|Lt|Sgt|Adm|Cmdr|St|Mt|Ft|vs|cf|e\.g|i\.e|Mme|Mlle|Hr|Fr|bzw|ca)\.\s*$/u;

/** What ends in a point before a number, in figures or Roman. */
const NUMBERED =
  /(?:^|[^\p{L}\p{M}])(?:Nos?|Nrs?|Art|Secs?|Vols?|Figs?|Chaps?|Abs|p|pp|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.\s*$/iu;
const NUMBER = /^(?:\p{N}|[IVXLC]+\b)/u;

/** The text of each segment of a text, in order, blank ones left out. Not of `token`: its segments are the terms. */
export function segmentTexts(text: string, kind: 'sentence' | 'line' | 'paragraph'): string[] {
  const pieces =
    kind === 'sentence'
      ? sentences(text)
      : text.split(kind === 'line' ? /\r\n|[\n\r\u2028\u2029]/ : /\n[^\S\n]*\n|\u2029/);
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

/**
 * The sentences of a text. A line end is the end of a sentence, unless the next line goes on with a small letter: text
 * of fixed line length, whose lines that go on with a capital remain cut.
 */
function sentences(text: string): string[] {
  const found: string[] = [];
  for (const paragraph of text
    .replace(/\r\n?/g, '\n')
    .replace(/\n(?=[^\S\n]*\p{Ll})/gu, ' ')
    .split('\n')) {
    const first = found.length;
    for (const piece of pieces(paragraph)) {
      const before = found.at(-1);
      const goesOn =
        found.length > first &&
        (/^\p{Ll}/u.test(piece) || ABBREVIATION.test(before!) || (NUMBERED.test(before!) && NUMBER.test(piece)));
      if (goesOn) found[found.length - 1] = before! + piece;
      else found.push(piece);
    }
  }
  return found;
}

/** The sentences of Intl.Segmenter, a window of the text at a time: the last of a window is begun again in the next. */
function* pieces(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const window = text.slice(from, from + SEGMENT_AT_ONCE);
    const isLast = from + window.length === text.length;
    let done = 0;
    for (const { segment, index } of segmenter.segment(window)) {
      if (!isLast && index + segment.length === window.length) break;
      yield segment;
      done = index + segment.length;
    }
    // A sentence longer than the window is cut between two words, or where it has none between characters
    if (done === 0) {
      const space = window.lastIndexOf(' ');
      done = space > 0 ? space + 1 : window.length - (isHighSurrogate(window.charCodeAt(window.length - 1)) ? 1 : 0);
      yield window.slice(0, done);
    }
    from += done;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
