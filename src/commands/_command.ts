import type { Settings, Values } from '../settings.js';

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

/** An operand: `name` once, `name..` any number, `[name]` and `[name..]` optional. */
export interface Operand {
  readonly name: string;
  readonly optional?: boolean;
  readonly many?: boolean;
}

/** What a command is called with. */
export interface Arguments<T = Settings> {
  /** The values of one-off operands by name. */
  readonly operands: Readonly<Record<string, string>>;
  /** The operands of the `many` kind. */
  readonly inputs: readonly string[];
  readonly values: T extends Settings ? Values<T> : never;
  /** Values of the settings that the chosen variant has of its own. */
  readonly variant: Readonly<Record<string, number | string | boolean | undefined>>;
  /** Names of the settings that a flag, a variable or the project file gave. */
  readonly given: ReadonlySet<string>;
  /** Those that a flag gave: of a flag without an effect the user has to know; a project file speaks for many commands. */
  readonly flags: ReadonlySet<string>;
}

/** One command of the program, as data; `run` does the work and writes only what was asked for to stdout. */
export interface Command {
  readonly name: string;
  /** What it does, in paragraphs. */
  readonly description: string;
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  readonly operands: readonly Operand[];
  /** Options by heading of `--help`. */
  readonly groups: Readonly<Record<string, Settings>>;
  /** Options that belong to one value of the option `by`, such as those of each `--model`. */
  readonly variants?: {
    readonly by: string;
    readonly settings: Readonly<Record<string, Settings>>;
  };
  // Each command knows its own settings; the table of commands does not.
  run(args: Arguments): Promise<void>;
}

/** Makes a command whose `run` sees the values of its own settings. */
export function defineCommand<G extends Readonly<Record<string, Settings>>>(
  command: Omit<Command, 'groups' | 'run'> & {
    readonly groups: G;
    run(args: Arguments<UnionToIntersection<G[keyof G]> & typeof commonSettings>): Promise<void>;
  },
): Command {
  return command as unknown as Command;
}

type UnionToIntersection<U> = (U extends unknown ? (x: U) => void : never) extends (x: infer I) => void ? I : never;
