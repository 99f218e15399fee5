import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { STATUS, UserError } from '../errors.js';
import { parseSetting, type Setting, type Settings, suggestion } from '../settings.js';
import type { Arguments, Command } from './_command.js';

/** Options of every command. */
export const commonSettings = {
  quiet: { kind: 'flag', alias: 'q', default: false, describe: 'say nothing but errors on stderr' },
  progress: {
    kind: 'choice',
    choices: ['auto', 'plain', 'json', 'none'],
    default: 'auto',
    describe: 'progress on stderr: a bar on a terminal and lines elsewhere, lines, NDJSON events, nothing',
  },
  debug: { kind: 'flag', default: false, describe: 'show the stack of an internal error' },
} as const satisfies Settings;

// yargs loses a lone `-` and everything about `--` (yargs-parser#381): both travel through it in disguise.
const DISGUISE = '\u0001';

/** Hides `-`, and the operands after `--`, from yargs. */
export function shieldArguments(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  const operands = end < 0 ? [] : argv.slice(end + 1);
  return [...options.map((arg) => (arg === '-' ? DISGUISE + arg : arg)), ...operands.map((arg) => DISGUISE + arg)];
}

function unshield(arg: string): string {
  return arg.startsWith(DISGUISE) ? arg.slice(1) : arg;
}

/**
 * The arguments of `command`: flags over `THEMA_*` variables over `thema.json` over defaults; of equal flags the last.
 *
 * @returns the text of `--help` if that was asked for
 * @throws {UserError} status 2, if an option or operand is unknown, missing or not such a value
 */
export async function readArguments(command: Command, argv: readonly string[]): Promise<Arguments | string> {
  const groups: Readonly<Record<string, Settings>> = { ...command.groups, 'Common options': commonSettings };
  const settings: Settings = Object.assign({}, ...Object.values(groups));
  const parser = yargs([...argv])
    .scriptName('thema')
    .usage(usage(command))
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw (
        error ??
        new UserError(message.replace('Not enough arguments following:', 'a value is missing after'), {
          status: STATUS.usage,
          hint: helpHint(command),
        })
      );
    })
    .wrap(Math.min(110, process.stdout.columns ?? 100));
  for (const [heading, group] of Object.entries(groups)) {
    for (const [name, setting] of Object.entries(group)) {
      const shown = setting.kind === 'flag' && setting.default ? `no-${name}` : name;
      parser.option(shown, {
        group: `${heading}:`,
        describe:
          setting.kind === 'flag' && setting.default
            ? `do not ${setting.describe}`
            : setting.describe + describeValue(setting),
        ...(setting.alias === undefined ? {} : { alias: setting.alias }),
        ...(setting.kind === 'flag' ? { type: 'boolean' as const } : { type: 'string' as const, nargs: 1 }),
      });
      if (setting.kind === 'flag')
        parser.option(shown === name ? `no-${name}` : name, { type: 'boolean', hidden: true });
    }
  }
  parser.option('help', { alias: 'h', type: 'boolean', group: 'Common options:', describe: 'show this' });

  const parsed = (await parser.parse()) as Record<string, unknown> & { _: (string | number)[] };
  if (parsed['help'] === true || last(parsed['help']) === true) return `${await parser.getHelp()}\n`;
  const aliases = Object.values(settings).flatMap(({ alias }) => alias ?? []);
  const known = Object.entries(settings).flatMap(([name, { kind }]) =>
    kind === 'flag' ? [name, `no-${name}`] : [name],
  );
  for (const name of Object.keys(parsed)) {
    if (
      name === '_' ||
      name === '$0' ||
      name === 'help' ||
      name === 'h' ||
      known.includes(name) ||
      aliases.includes(name)
    )
      continue;
    const flag = `${name.length === 1 ? '-' : '--'}${name}`;
    throw new UserError(`thema ${command.name} has no option ${flag}`, {
      status: STATUS.usage,
      hint: suggestion(name, known)?.replace('mean ', 'mean --') ?? helpHint(command),
    });
  }

  const project = readProjectFile();
  const given = new Set<string>();
  const values: Record<string, number | string | boolean | undefined> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const [text, source] = givenText(name, setting, parsed, project);
    values[name] = text === undefined ? setting.default : parseSetting(setting, text, source);
    if (text !== undefined) given.add(name);
  }
  return {
    ...readOperands(
      command,
      parsed._.map((operand) => unshield(String(operand))),
    ),
    values,
    given,
  };
}

/** What was given for a setting, and where. */
function givenText(
  name: string,
  setting: Setting,
  parsed: Record<string, unknown>,
  project: Readonly<Record<string, unknown>>,
): [string | undefined, string] {
  if (setting.kind === 'flag') {
    const [on, off] = [last(parsed[name]), last(parsed[`no-${name}`])];
    if (on !== undefined || off !== undefined) return [String(off === undefined ? on : !off), `--${name}`];
  } else {
    const flag = last(parsed[name]);
    if (flag !== undefined) return [unshield(String(flag)), `--${name}`];
  }
  const variable = `THEMA_${name.toUpperCase().replaceAll('-', '_')}`;
  if (process.env[variable] !== undefined && process.env[variable] !== '') return [process.env[variable], variable];
  if (Object.hasOwn(project, name)) return [String(project[name]), `thema.json: ${name}`];
  return [undefined, ''];
}

function readOperands({ name, operands }: Command, given: readonly string[]): Pick<Arguments, 'operands' | 'inputs'> {
  const rest = [...given];
  const found: Record<string, string> = {};
  let inputs: string[] = [];
  for (const operand of operands) {
    if (operand.many) {
      inputs = rest.splice(0);
    } else {
      const value = rest.shift();
      if (value !== undefined) found[operand.name] = value;
    }
    if (!operand.optional && (operand.many ? inputs.length === 0 : found[operand.name] === undefined)) {
      throw new UserError(`thema ${name}: ${operand.name} is missing`, {
        status: STATUS.usage,
        hint: `thema ${name} --help shows how to call it`,
      });
    }
  }
  if (rest.length > 0) {
    throw new UserError(`thema ${name}: got "${rest[0]}", expected no further operand`, {
      status: STATUS.usage,
      hint: `thema ${name} --help shows how to call it`,
    });
  }
  return { operands: found, inputs };
}

function readProjectFile(): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync('thema.json', 'utf8');
  } catch {
    return {};
  }
  try {
    const project: unknown = JSON.parse(text);
    if (typeof project === 'object' && project !== null && !Array.isArray(project))
      return project as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`thema.json: ${(error as Error).message}`, { status: STATUS.usage });
  }
  throw new UserError('thema.json: expected an object of options, such as {"topics": 50}', { status: STATUS.usage });
}

function usage({ name, operands, description, examples }: Command): string {
  const shown = operands.map(({ name, optional, many }) => {
    const operand = `${name.toUpperCase()}${many ? '...' : ''}`;
    return optional ? `[${operand}]` : operand;
  });
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`);
  return `thema ${[name, ...shown].join(' ')} [options]\n\n${description}\n\nExamples:\n${lines.join('\n')}`;
}

function describeValue(setting: Setting): string {
  const parts: string[] = [];
  if (setting.kind === 'choice') parts.push(setting.choices.join(' | '));
  if (setting.default !== undefined && setting.kind !== 'flag') parts.push(`default ${setting.default}`);
  return parts.length === 0 ? '' : ` [${parts.join('; ')}]`;
}

function last(value: unknown): unknown {
  return Array.isArray(value) ? value.at(-1) : value;
}

function helpHint({ name }: Command): string {
  return `thema ${name} --help lists the options`;
}
