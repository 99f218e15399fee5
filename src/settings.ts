import { didYouMean, STATUS, UserError } from './errors.js';

/** Another setting has one of these values; with none, it is not given. */
export type Condition = readonly [name: string, ...values: string[]];

/** What a setting's value may be. One table of settings makes the flags, their help, their checks and the defaults. */
export type Setting = {
  /** What it does, in the words of `--help`. */
  readonly describe: string;
  /** One-letter flag. */
  readonly alias?: string;
  /** Where it has an effect, on all of these conditions: elsewhere it is refused. */
  readonly onlyWith?: readonly Condition[];
  /** How the value is shown in `--help`, such as `N` or `FILE`. */
  readonly value?: string;
} & (
  | {
      readonly kind: 'integer' | 'number';
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
      readonly above?: number;
    }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default?: string }
  | { readonly kind: 'text'; readonly default?: string }
  | { readonly kind: 'flag'; readonly default: boolean }
);

export type Settings = Readonly<Record<string, Setting>>;

type ValueOf<S extends Setting> = S extends { kind: 'flag' }
  ? boolean
  : S extends { kind: 'integer' | 'number' }
    ? number
    : S extends { kind: 'choice'; choices: readonly (infer C)[] }
      ? C
      : string;

/** The values of a table of settings: those without a default may be undefined. */
export type Values<T extends Settings> = {
  readonly [name in keyof T]: T[name] extends { default: unknown } ? ValueOf<T[name]> : ValueOf<T[name]> | undefined;
};

/**
 * The value of `setting` written as `text`.
 *
 * @throws {UserError} status 2, naming `source` (such as `--topics`), if `text` is not such a value
 */
export function parseSetting(setting: Setting, text: string, source: string): number | string | boolean {
  const wrong = (expected: string, hint?: string): never => {
    throw new UserError(`${source}: got "${text}", expected ${expected}`, { status: STATUS.usage, hint });
  };
  switch (setting.kind) {
    case 'flag':
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      return wrong('true or false');
    case 'choice':
      if (setting.choices.includes(text)) return text;
      return wrong(`one of ${setting.choices.join(', ')}`, suggestion(text, setting.choices));
    case 'text':
      return text === '' ? wrong('a value') : text;
    case 'integer':
    case 'number': {
      const {
        min = -Number.MAX_VALUE,
        max = setting.kind === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE,
        above,
      } = setting;
      const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
      const whole = setting.kind === 'number' || Number.isSafeInteger(number);
      if (Number.isFinite(number) && whole && number >= min && number <= max && (above === undefined || number > above))
        return number;
      const kind = setting.kind === 'integer' ? 'a whole number' : 'a number';
      const low = above !== undefined ? ` above ${above}` : min > -Number.MAX_VALUE ? ` of at least ${min}` : '';
      const high =
        max < Number.MAX_SAFE_INTEGER || (setting.kind === 'integer' && number > max) || Math.abs(Number(text)) > max
          ? `${low ? ' and' : ''} at most ${max}`
          : '';
      return wrong(`${kind}${low}${high}`);
    }
  }
}

/** "Did you mean …?" with the known name closest to `name`, if one is close. */
export function suggestion(name: string, known: Iterable<string>): string | undefined {
  const close = didYouMean(name, known);
  return close === undefined ? undefined : `did you mean ${close}?`;
}

/** The defaults of a table of settings, overridden by `given`. */
export function withDefaults<T extends Settings>(
  settings: T,
  given: Readonly<Record<string, unknown>> = {},
): Values<T> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, given[name] ?? setting.default]),
  ) as unknown as Values<T>;
}
