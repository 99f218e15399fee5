import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { STATUS, UserError } from '../errors.js';
import { parseSetting, type Setting, type Settings, suggestion } from '../settings.js';
import { jsonErrorOffset } from '../text/json-error.js';
import { type Arguments, type Command, commonSettings } from './_command.js';
import { help as helpText } from './_help.js';

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
 * @param commands all commands: a key of `thema.json` may be an option of another
 * @returns the text of `--help` if that was asked for
 * @throws {UserError} status 2, if an option or operand is unknown, missing or not such a value
 */
export async function readArguments(
  command: Command,
  argv: readonly string[],
  commands: () => Promise<readonly Command[]>,
): Promise<Arguments | string> {
  const settings: Settings = Object.assign({}, ...Object.values(command.groups), commonSettings);
  const declared = settingsOf(command);
  const parser = yargs(argv.map((arg) => checkedFlag(arg, command, declared)))
    .locale('en')
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
    .fail((message) => {
      throw usageError(
        command,
        message.replace(
          /^Not enough arguments following: (.*)$/,
          (_, name) => `a value is missing after ${dashed(name)}`,
        ),
      );
    });
  for (const [name, { kind, alias }] of Object.entries({ ...declared, help })) {
    parser.option(name, {
      ...(alias === undefined ? {} : { alias }),
      ...(kind === 'flag' ? { type: 'boolean' as const } : { type: 'string' as const, nargs: 1 }),
    });
  }
  const parsed = (await parser.parse()) as Record<string, unknown> & { _: (string | number)[] };
  if (last(parsed['help']) === true)
    return helpText(command, { ...commonSettings, help }, Math.min(100, process.stdout.columns || 100));
  const known = new Set(Object.entries({ ...declared, help }).flatMap(([name, { alias = name }]) => [name, alias]));
  const unknown = Object.keys(parsed).find((name) => name !== '_' && name !== '$0' && !known.has(name));
  if (unknown !== undefined) throw usageError(command, `${command.name} has no option ${dashed(unknown)}`);

  const project = await readProjectFile(command, commands);
  const given = new Set<string>();
  const valuesOf = (table: Settings): Record<string, number | string | boolean | undefined> =>
    Object.fromEntries(
      Object.entries(table).map(([name, setting]) => {
        const [text, source] = givenText(name, parsed, project);
        if (text !== undefined) given.add(name);
        return [name, text === undefined ? setting.default : parseSetting(setting, text, source)];
      }),
    );
  const values = valuesOf(settings);
  const { by, settings: variants } = command.variants ?? { by: '', settings: {} };
  const chosen = variants[String(values[by])] ?? {};
  for (const name of Object.keys(parsed)) {
    const owners = Object.keys(variants).filter((variant) => Object.hasOwn(variants[variant]!, name));
    if (owners.length > 0 && !Object.hasOwn(chosen, name))
      throw usageError(command, `--${name} belongs to --${by} ${owners.join(', ')}, got --${by} ${values[by]}`);
  }
  const own = valuesOf(chosen);
  for (const [name, { onlyWith }] of Object.entries(chosen)) {
    const unmet = onlyWith?.find(([other, ...wanted]) => {
      const value = own[other] ?? values[other];
      return wanted.length === 0 ? value !== undefined : !wanted.includes(String(value));
    });
    if (unmet === undefined) continue;
    const [other, ...wanted] = unmet;
    const needed = wanted.length === 0 ? `without --${other}` : `with --${other} ${wanted.join(' or ')}`;
    if (parsed[name] !== undefined) throw usageError(command, `--${name} has an effect only ${needed}`);
    delete own[name];
  }
  return {
    ...readOperands(
      command,
      parsed._.map((operand) => unshield(String(operand))),
    ),
    values,
    variant: own,
    given,
    flags: new Set(Object.keys(declared).filter((name) => parsed[name] !== undefined)),
  };
}

const help = { kind: 'flag', alias: 'h', default: false, describe: 'show this' } as const satisfies Setting;

/** All options of a command, also those of its variants. */
function settingsOf({ groups, variants }: Command): Settings {
  return Object.assign({}, ...Object.values(variants?.settings ?? {}), ...Object.values(groups), commonSettings);
}

/**
 * A long option as yargs gets it: known, and a flag with its value. No value begins with two dashes but after a `=`, so
 * every argument that does is an option.
 */
function checkedFlag(arg: string, command: Command, settings: Settings): string {
  const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
  if (name === undefined || name === 'help') return arg;
  const isOff =
    name.startsWith('no-') && Object.hasOwn(settings, name.slice(3)) && settings[name.slice(3)]!.kind === 'flag';
  if (isOff && value === undefined) return `--${name.slice(3)}=false`;
  if (isOff || !Object.hasOwn(settings, name)) {
    const flags = Object.entries(settings).flatMap(([name, { kind }]) =>
      kind === 'flag' ? [name, `no-${name}`] : [name],
    );
    const message = isOff ? `--${name}: got a value, expected none` : `${command.name} has no option --${name}`;
    throw usageError(command, message, isOff ? undefined : suggestion(name, flags)?.replace('mean ', 'mean --'));
  }
  const setting = settings[name]!;
  return setting.kind === 'flag' ? `--${name}=${parseSetting(setting, value ?? 'true', `--${name}`)}` : arg;
}

/** What was given for a setting, and where. */
function givenText(
  name: string,
  parsed: Record<string, unknown>,
  project: Readonly<Record<string, string>>,
): [string | undefined, string] {
  const flag = last(parsed[name]);
  if (flag !== undefined) return [unshield(String(flag)), `--${name}`];
  const variable = `THEMA_${name.toUpperCase().replaceAll('-', '_')}`;
  if (process.env[variable] !== undefined && process.env[variable] !== '') return [process.env[variable], variable];
  return [project[name], `thema.json: ${name}`];
}

function readOperands(command: Command, given: readonly string[]): Pick<Arguments, 'operands' | 'inputs'> {
  const rest = [...given];
  const found: Record<string, string> = {};
  let inputs: string[] = [];
  for (const { name, many, optional } of command.operands) {
    if (many) inputs = rest.splice(0);
    else if (rest.length > 0) found[name] = rest.shift()!;
    if (!optional && (many ? inputs.length === 0 : found[name] === undefined)) {
      const expected = many ? 'expected at least one, or - for stdin' : 'expected a file';
      throw usageError(command, `${command.name}: got no ${name.toUpperCase()}, ${expected}`);
    }
  }
  if (given.includes('')) throw usageError(command, `${command.name}: got an empty operand, expected a name`);
  if (rest.length > 0) throw usageError(command, `${command.name}: got "${rest[0]}", expected no further operand`);
  return { operands: found, inputs };
}

/** The options of `thema.json` in the working folder, as texts; keys that no command knows are mistakes. */
async function readProjectFile(
  command: Command,
  commands: () => Promise<readonly Command[]>,
): Promise<Readonly<Record<string, string>>> {
  const wrong = (message: string, hint?: string) =>
    new UserError(`thema.json${message}`, { status: STATUS.usage, hint });
  let text: string;
  try {
    text = readFileSync('thema.json', 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw wrong(`: cannot be read: ${message}`);
  }
  let project: unknown;
  try {
    project = JSON.parse(text);
  } catch {
    const before = text.slice(0, jsonErrorOffset(text)).split('\n');
    throw wrong(`:${before.length}:${before.at(-1)!.length + 1}: is not JSON from here on`);
  }
  if (typeof project !== 'object' || project === null || Array.isArray(project))
    throw wrong(': expected an object of options, such as {"topics": 50}');
  const own = settingsOf(command);
  const options: [string, string][] = [];
  for (const [name, value] of Object.entries(project)) {
    if (!Object.hasOwn(own, name)) {
      const all = (await commands()).flatMap((command) => Object.keys(settingsOf(command)));
      if (!all.includes(name)) throw wrong(`: no command has an option "${name}"`, suggestion(name, all));
    }
    const parts: unknown[] = Array.isArray(value) ? value : [value];
    if (!parts.every((part) => ['string', 'number', 'boolean'].includes(typeof part)))
      throw wrong(`: ${name}: got ${JSON.stringify(value)}, expected a string, a number, true or false`);
    options.push([name, parts.join(',')]);
  }
  return Object.fromEntries(options);
}

function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

function last(value: unknown): unknown {
  return Array.isArray(value) ? value.at(-1) : value;
}

function usageError({ name }: Command, message: string, hint = `thema ${name} --help shows how to call it`): UserError {
  return new UserError(message, { status: STATUS.usage, hint });
}
