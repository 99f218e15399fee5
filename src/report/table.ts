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

/** A whole number with thin groups of three: 1,234,567. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** A share as a percentage with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** A probability without its leading zero, in at least two significant digits: .0123. */
export function probability(p: number): string {
  if (p >= 0.1) return p.toFixed(2).replace(/^0/, '');
  return p >= 1e-4 ? p.toFixed(Math.ceil(-Math.log10(p)) + 1).replace(/^0/, '') : p.toExponential(1);
}
