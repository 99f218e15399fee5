import type { Setting, Settings } from '../settings.js';
import type { Command } from './_command.js';

/** Where the descriptions of options begin. */
const COLUMN = 28;

/** The text of `--help`: how to call the command, examples, what it does, options by group. */
export function help(command: Command, common: Settings, width: number): string {
  const { examples, description, groups, variants } = command;
  const isTable = (text: string) => text.startsWith(' ');
  const paragraphs = description
    .split('\n\n')
    .map((text) => (isTable(text) ? tableLines(text, width) : wrapped(text, width, 0)));
  const own: [string, Settings][] = Object.entries(variants?.settings ?? {}).map(([name, table]) => [
    `With --${variants!.by} ${name}`,
    table,
  ]);
  const [first, ...rest] = Object.entries(groups);
  const all: [string, Settings][] = [first!, ...own, ...rest, ['Common options', common]];
  const options = all.map(([heading, settings]) =>
    [`${heading}:`, ...Object.entries(settings).map(([name, setting]) => optionLines(name, setting, width))].join('\n'),
  );
  return `${[usage(command), exampleLines(examples, width), ...paragraphs, ...options].join('\n\n')}\n`;
}

/** Lines such as `  --model lda  what it is`, the last column broken into lines of its own. */
function tableLines(text: string, width: number): string {
  return text.replace(/^( +\S+ \S+ +)(.*)$/gm, (_, start: string, what: string) => {
    return start + wrapped(what, width, start.length).trimStart();
  });
}

function usage({ name, operands }: Command): string {
  const shown = operands.map(({ name, optional, many }) => {
    const operand = `${name.toUpperCase()}${many ? '...' : ''}`;
    return optional ? `[${operand}]` : operand;
  });
  return `thema ${[name, ...shown].join(' ')} [options]`;
}

function exampleLines(examples: Command['examples'], width: number): string {
  const column = Math.max(...examples.map(([line]) => line.length)) + 4;
  const fits = examples.every(([, what]) => column + what.length <= width);
  const lines = examples.map(([line, what]) =>
    fits ? `  ${line.padEnd(column - 2)}${what}` : `  ${line}\n      ${what}`,
  );
  return ['Examples:', ...lines].join('\n');
}

function optionLines(name: string, setting: Setting, width: number): string {
  const off = setting.kind === 'flag' && setting.default;
  const value = setting.value ?? (setting.kind === 'choice' ? setting.choices.join('|') : '');
  const flag = `${setting.alias === undefined ? '    ' : `-${setting.alias}, `}--${off ? 'no-' : ''}${name} ${value}`;
  const standard = setting.kind === 'flag' || setting.default === undefined ? '' : ` [default: ${setting.default}]`;
  const text = wrapped(`${off ? 'do not ' : ''}${setting.describe}${standard}`, width, COLUMN);
  const start = `  ${flag.trimEnd()}`;
  return start.length <= COLUMN - 2 ? start.padEnd(COLUMN) + text.trimStart() : `${start}\n${text}`;
}

/** The words of a text in lines of at most `width` characters, each after `indent` spaces. */
function wrapped(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((text) => ' '.repeat(indent) + text).join('\n');
}
