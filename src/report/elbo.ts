import type { Report } from './render.js';
import { counted, grouped, table } from './table.js';

/** One iteration of a fit: the objective's terms stand under their names. */
export interface TraceRow {
  readonly iteration: number;
  readonly elbo: number;
  /** (elbo − previous) / |elbo|; null at the first iteration. */
  readonly change: number | null;
  /** elbo / tokens. */
  readonly per_token: number;
  /** What the iteration was of, where a fit has stages. */
  readonly stage?: string;
  readonly [term: string]: number | string | null | undefined;
}

/** The stage whose rows are collapsed passes, which ascend no objective; all others are iterations of EM. */
export const PASSES = 'collapsed';

/** An iteration in words, where passes before EM are counted apart: `iteration 20`, `pass 15`. */
export function iterationInWords(trace: readonly Steps[], iteration: number): string {
  const passes = passesOf(trace);
  return iteration > passes ? `iteration ${iteration - passes}` : `pass ${iteration}`;
}

/** How long a fit was: `15 passes and 20 iterations`. */
export function lengthInWords(trace: readonly Steps[]): string {
  const passes = passesOf(trace);
  const iterations = trace.reduce((most, { iteration }) => Math.max(most, iteration), 0) - passes;
  const ofPasses = passes === 0 ? [] : [`${grouped(passes)} pass${passes === 1 ? '' : 'es'}`];
  return [...ofPasses, ...(iterations === 0 ? [] : [counted(iterations, 'iteration')])].join(' and ');
}

type Steps = Pick<TraceRow, 'iteration' | 'stage'>;

function passesOf(trace: readonly Steps[]): number {
  return trace.reduce((most, { iteration, stage }) => (stage === PASSES ? Math.max(most, iteration) : most), 0);
}

/** The trace of a fit; its text for a terminal of so many columns has a small chart on top, and terms where they fit. */
export function elboReport(trace: readonly TraceRow[], width?: number): Report<TraceRow> {
  const columns = Object.keys(trace[0] ?? { iteration: 0, elbo: 0, change: 0, per_token: 0 });
  return {
    rows: trace,
    columns,
    cells: (row) => [columns.map((column) => row[column] ?? null)],
    *text(_rows, style) {
      if (width !== undefined && trace.length > 1) {
        yield* chartLines(
          trace.map((row) => row.per_token),
          width,
        ).map((line) => style('cyan', line));
        yield '';
      }
      const lines = (columns: readonly string[]) =>
        table([columns, ...trace.map((row) => columns.map((column) => shown(column, row[column] ?? null)))]);
      const all = lines(columns);
      const isWide = width !== undefined && all.some((line) => line.length > width);
      const [header, ...body] = isWide ? lines(columns.filter((column) => SUMMARY.includes(column))) : all;
      yield style('bold', header!);
      yield* body;
      if (isWide) yield style('dim', 'the terms of the ELBO: in a wider terminal, or --format csv');
    },
  };
}

function shown(column: string, value: number | string | null): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (column === 'iteration' || column === 'visited') return String(value);
  if (column === 'change') return value.toExponential(2);
  return value.toFixed(column === 'per_token' ? 6 : 3);
}

/** The columns that a narrow terminal has room for. */
const SUMMARY = ['iteration', 'stage', 'elbo', 'change', 'per_token'];

const ROWS = 8;

/** A chart of block characters, `ROWS` high: the values against their index, with the scale at the left. */
function chartLines(values: readonly number[], width: number): string[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const labels = [high.toFixed(3), low.toFixed(3)];
  const margin = Math.max(...labels.map((label) => label.length)) + 1;
  const columns = Math.min(values.length, Math.max(10, width - margin - 1));
  const heights = Array.from({ length: columns }, (_, c) => {
    const value = values[Math.round((c * (values.length - 1)) / Math.max(1, columns - 1))]!;
    return high > low ? ((value - low) / (high - low)) * ROWS : ROWS;
  });
  return Array.from({ length: ROWS }, (_, r) => {
    const floor = ROWS - 1 - r;
    const bars = heights.map((height) => ' ▁▂▃▄▅▆▇█'[Math.max(0, Math.min(8, Math.round((height - floor) * 8)))]!);
    const label = r === 0 ? labels[0]! : r === ROWS - 1 ? labels[1]! : '';
    return `${label.padStart(margin - 1)} │${bars.join('')}`;
  });
}
