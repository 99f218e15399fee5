import type { Report } from './render.js';
import { grouped, table } from './table.js';

export interface ScoreRow {
  readonly measure: string;
  /** Which documents were scored: the given or the training documents. */
  readonly scored_on: string;
  readonly documents: number;
  readonly tokens: number;
  readonly nats_per_token: number;
  readonly perplexity: number;
  /** Seed of the split into halves; null where nothing was drawn. */
  readonly seed: number | null;
  /** Which read-out of the topics predicts, where there are several and one does. */
  readonly read_out: string | null;
  readonly definition: string;
}

/** Scores, each with its definition in words. */
export function perplexityReport(rows: readonly ScoreRow[], notes: readonly string[]): Report<ScoreRow> {
  const columns = [
    'measure',
    'scored_on',
    'documents',
    'tokens',
    'nats_per_token',
    'perplexity',
    'seed',
    'read_out',
    'definition',
  ] as const;
  return {
    rows,
    columns,
    cells: (row) => [columns.map((column) => row[column])],
    *text(_rows, style) {
      const lines = table([
        ['measure', 'scored on', 'documents', 'tokens', 'nats/token', 'perplexity'],
        ...rows.map((row) => [
          row.measure,
          row.scored_on,
          grouped(row.documents),
          grouped(row.tokens),
          row.nats_per_token.toFixed(4),
          row.perplexity < 1e9 ? row.perplexity.toFixed(1) : row.perplexity.toExponential(2),
        ]),
      ]);
      yield style('bold', lines[0]!);
      yield* lines.slice(1);
      yield '';
      for (const { measure, definition } of rows) yield `${measure}: ${definition}`;
      yield* notes;
    },
  };
}
