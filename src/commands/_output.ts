import { styleText } from 'node:util';
import { writeFile } from '../files/atomic-write.js';
import { type Format, type Report, render, type Style } from '../report/render.js';
import type { Settings, Values } from '../settings.js';

export const outputFileSettings = {
  output: { kind: 'text', alias: 'o', value: 'FILE', describe: 'write to FILE; - is stdout' },
  force: { kind: 'flag', alias: 'f', default: false, describe: 'replace an existing FILE' },
} as const satisfies Settings;

/** Options of every command that reports rows. */
export const reportSettings = {
  format: {
    kind: 'choice',
    choices: ['text', 'json', 'ndjson', 'csv', 'tsv'],
    default: 'text',
    describe: 'text for people; json, ndjson, csv, tsv for programs',
  },
  json: { kind: 'flag', default: false, describe: 'short for --format json' },
  ...outputFileSettings,
} as const satisfies Settings;

/** Columns of the terminal that a report goes to; undefined where it goes elsewhere. */
export function terminalWidth({ output = '-' }: { readonly output: string | undefined }): number | undefined {
  return output === '-' && process.stdout.isTTY ? process.stdout.columns || 80 : undefined;
}

/** Writes the report to --output, or to stdout. */
export async function writeReport<Row extends object>(
  report: Report<Row>,
  { format, json, output = '-', force }: Values<typeof reportSettings>,
): Promise<void> {
  const style: Style =
    output === '-' ? (name, text) => styleText(name, text, { stream: process.stdout }) : (_name, text) => text;
  await writeFile(output, { force, stdout: process.stdout }, async (sink) => {
    for await (const piece of render<Row>(report, json ? 'json' : (format as Format), style)) await sink.write(piece);
  });
}
