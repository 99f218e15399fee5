import stringWidth from 'string-width';

/**
 * Lines of aligned columns, the first row being the header. Columns whose cells are numbers are set flush right.
 */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...rows.map((row) => stringWidth(row[c]!))));
  const right = widths.map(
    (_, c) => rows.length > 1 && rows.slice(1).every((row) => /^[-+]?[\d.,]*(e[-+]?\d+)?%?$/i.test(row[c]!)),
  );
  return rows.map((row) =>
    row
      .map((cell, c) => {
        const space = ' '.repeat(widths[c]! - stringWidth(cell));
        return right[c] ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Text of a corpus made harmless for a terminal: control and direction characters become �. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, '\ufffd');
}

/** A whole number with commas: 1,234,567. (Locales take some 20 ms to load.) */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number of things: 1 iteration, 2 iterations. */
export function counted(value: number, thing: string): string {
  return `${grouped(value)} ${thing}${value === 1 ? '' : 's'}`;
}

/** Words in lines of at most so many columns of a terminal. */
export function filled(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The text with spaces up to a width in columns of a terminal. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

/** The start of a text, with `…`, where it is wider than a number of columns of a terminal. */
export function shortened(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let end = Math.min(text.length, width);
  while (end > 0 && stringWidth(text.slice(0, end)) >= width) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** A share as a percentage with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** What a header says of how topics were read, where there is a choice. */
export function inHeader(readOut: string | undefined): string {
  return readOut === undefined ? '' : ` (read-out: ${readOut})`;
}

/** A probability without its leading zero, in at least two significant digits: .0123. */
export function probability(p: number): string {
  if (p >= 0.1) return p.toFixed(2).replace(/^0/, '');
  return p >= 1e-4 ? p.toFixed(Math.ceil(-Math.log10(p)) + 1).replace(/^0/, '') : p.toExponential(1);
}
