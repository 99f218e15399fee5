import type { Table } from './_question.js';

/** Three significant digits, or as many as a whole number has. */
export function short(x: number): string {
  if (!Number.isFinite(x)) return '–';
  if (Math.abs(x) >= 100) return Math.round(x).toLocaleString('en');
  return String(Number(x.toPrecision(3)));
}

/** How many times as much `b` is as `a`. */
export function ratio(a: number, b: number): string {
  return `${short(b / a)}×`;
}

/** Names of tools as their makers write them. */
const NAMES: Readonly<Record<string, string>> = {
  mallet: 'MALLET',
  sklearn: 'scikit-learn',
  'sklearn-batch': 'scikit-learn (batch)',
  'sklearn-online': 'scikit-learn (online)',
  gensim: 'gensim',
  'gensim-multicore': 'gensim (multicore)',
  'topica-sparse': 'topica (Gibbs)',
  'topica-warp': 'topica (Warp)',
  'topica-cvb0': 'topica (CVB0)',
  'topica-online': 'topica (online)',
};

export function nameOf(tool: string): string {
  return NAMES[tool] ?? tool;
}

/** A table as Markdown, which a terminal shows well too: cells padded, numbers at the right. */
export function markdown(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(3, ...table.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) => `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(table[0]!), rule, ...table.slice(1).map(line)].join('\n');
}
