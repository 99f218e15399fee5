import { join } from 'node:path';
import { measure, median } from './_measure.js';
import { python, SHARED, THEMA, WORK } from './_places.js';

/** A fit of thema. */
export interface Fit {
  /** Of fitting alone, the start included: without reading the corpus and writing the model. */
  readonly seconds: number;
  /** Of the passes of the start, in order; of the iterations after them. */
  readonly start: readonly number[];
  readonly passes: readonly number[];
  /** Of the whole command. */
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
  readonly model: string;
}

type Event = Readonly<{ event: string; stage?: string; done?: number; seconds?: number }>;

/** The seconds of the passes of each stage, from the events of `--progress json`. */
export function passesOf(events: readonly Event[]): Pick<Fit, 'seconds' | 'start' | 'passes'> {
  const start: number[] = [];
  const passes: number[] = [];
  let stage = '';
  let last = 0;
  for (const { event, stage: begun, seconds } of events) {
    if (event === 'begin') stage = begun!;
    if (event !== 'update' || seconds === undefined) continue;
    (stage === 'start' ? start : passes).push(seconds - last);
    last = seconds;
  }
  return { seconds: last, start, passes };
}

/** Fits and keeps the model under `name`, until the next of that name. */
export async function fit(input: string, args: readonly (string | number)[], name = 'model'): Promise<Fit> {
  const model = join(WORK, `${name}.safetensors`);
  const { wall, cpu, peak, stderr } = await measure([
    ...[...THEMA, 'fit', input, '-o', model, '--force', '--progress', 'json'],
    ...args.map(String),
  ] as [string, ...string[]]);
  const events = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  return { ...passesOf(events), wall, cpu, peak, model };
}

/** Seconds of a pass once the fit has settled: the median of the passes after the first. */
export function settled({ passes }: Fit): number {
  return median(passes.length > 1 ? passes.slice(1) : passes);
}

/**
 * Options of a fit that does a fixed amount of work a pass: so many rounds of each document, nothing learned but topics
 * and proportions, priors of scikit-learn, no start.
 */
export function plainFit(K: number, rounds: number, iterations: number): (string | number)[] {
  return [
    ...['-k', K, '--iterations', iterations, '--tolerance', 0, '--start', 'random', '--soft-iterations', 0],
    ...['--alpha', 1 / K, '--learn-alpha', 'none', '--eta', 1 / K, '--no-learn-eta'],
    ...['--e-step-iterations', rounds, '--e-step-tolerance', 0],
  ];
}

/** Perplexities of models by the common scorer. */
export async function perplexities(models: readonly string[], folder: string): Promise<number[]> {
  const { stdout } = await python('score-thema.py', SHARED, folder, ...models);
  return stdout.trim().split('\n').map(Number);
}
