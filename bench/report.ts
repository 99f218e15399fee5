import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './_measure.js';
import { ROOT } from './_places.js';
import type { Question } from './_question.js';
import { RESULTS, type Results, type Session } from './_results.js';
import { markdown } from './_table.js';

/** What stands above this line in bench/README.md is written by hand. */
const MARK = '<!-- npm run bench -- report writes what follows -->';

/** Writes the part of bench/README.md below the mark, and the charts beside the results. */
export async function writeReport(questions: readonly Question[], results: Results): Promise<void> {
  const path = join(ROOT, 'bench', 'README.md');
  const byHand = readFileSync(path, 'utf8').split(MARK)[0]!;
  const sections = questions.flatMap((question) => {
    const tables = question.tables(results);
    if (tables.length === 0) return [];
    const charts = Object.entries(question.charts?.(results) ?? {}).map(([name, svg]) => {
      writeFileSync(join(RESULTS, name), svg);
      return `![${name.replace('.svg', '')}: perplexity against seconds](results/${name})`;
    });
    const source = `[${question.name}.ts](${question.name}.ts)`;
    const measured = results.sessions(question.name).map(sessionLine);
    return [`## ${question.asks}`, ...tables.map(markdown), ...charts, `${source}. ${measured.join('; ')}.`];
  });
  writeFileSync(path, `${byHand}${MARK}\n\n${sections.join('\n\n')}\n`);
  say(`wrote ${path}`);
}

function sessionLine({ date, commit, machine, node, versions }: Session): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured ${date} UTC at ${commit} on ${machine}; Node ${node.slice(1)}, ${packages.join(', ')}`;
}
