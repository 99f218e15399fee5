export type Format = 'text' | 'json' | 'ndjson' | 'csv' | 'tsv';

export type Cell = string | number | null;

/** Paints text for a terminal, or returns it as it is. */
export type Style = (style: 'bold' | 'dim' | 'cyan' | 'red', text: string) => string;

/** A report: rows of data, and the two ways to show them that are not JSON. */
export interface Report<Row extends object> {
  readonly rows: Iterable<Row> | AsyncIterable<Row>;
  /** Header of CSV and TSV. */
  readonly columns: readonly string[];
  /** The CSV lines of a row, cells in the order of `columns`. */
  cells(row: Row): readonly (readonly Cell[])[];
  /** The rows as lines for people. */
  text(rows: Iterable<Row> | AsyncIterable<Row>, style: Style): AsyncIterable<string> | Iterable<string>;
}

/**
 * The report in a format, piece by piece, so that rows may stream: JSON is one array of the objects that NDJSON prints
 * line by line; CSV follows RFC 4180 with LF line ends; in TSV, tabs and line ends within a cell become spaces.
 */
export async function* render<Row extends object>(
  report: Report<Row>,
  format: Format,
  style: Style,
): AsyncGenerator<string> {
  switch (format) {
    case 'text':
      for await (const line of report.text(report.rows, style)) yield `${line}\n`;
      return;
    case 'ndjson':
      for await (const row of report.rows) yield `${JSON.stringify(row)}\n`;
      return;
    case 'json': {
      let separator = '[\n';
      for await (const row of report.rows) {
        yield separator + JSON.stringify(row);
        separator = ',\n';
      }
      yield separator === '[\n' ? '[]\n' : '\n]\n';
      return;
    }
    case 'csv':
    case 'tsv': {
      const line = format === 'csv' ? csvLine : tsvLine;
      yield line(report.columns);
      for await (const row of report.rows) for (const cells of report.cells(row)) yield line(cells);
    }
  }
}

function csvLine(cells: readonly Cell[]): string {
  const quoted = cells.map((cell) => {
    const text = cell === null ? '' : String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${quoted.join(',')}\n`;
}

function tsvLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => (cell === null ? '' : String(cell).replace(/[\t\r\n]+/g, ' '))).join('\t')}\n`;
}
