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
  /** The last. */
  readonly elbo: number;
  /** Of the whole command. */
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
  readonly model: string;
}

type Event = Readonly<{ event: string; stage?: string; iteration?: number; seconds?: number; elbo?: number }>;

/** The seconds of the passes of each stage, from the events of `--progress json`. */
export function passesOf(events: readonly Event[]): Pick<Fit, 'seconds' | 'start' | 'passes'> {
  const start: number[] = [];
  const passes: number[] = [];
  let stage = '';
  let last = 0;
  let lastIteration = 0;
  for (const { event, stage: begun, iteration, seconds } of events) {
    if (event === 'begin') stage = begun!;
    if (event !== 'update' || seconds === undefined) continue;
    // an event may stand for several passes, or for the evaluation of what they left
    const n = iteration! - lastIteration;
    for (let i = 0; i < n; i++) (stage === 'start' ? start : passes).push((seconds - last) / n);
    [last, lastIteration] = [seconds, iteration!];
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
  const elbo = events.findLast((event) => event.elbo !== undefined)?.elbo ?? NaN;
  return { ...passesOf(events), elbo, wall, cpu, peak, model };
}

/** Seconds of a pass once the fit has settled: the median of the passes after the first. */
export function settled({ passes }: Fit): number {
  return median(passes.length > 1 ? passes.slice(1) : passes);
}

/** Settings of VB in which nothing is learned but topics and proportions. */
export const PLAIN_VB = ['--inference', 'vb', '--learn-alpha', 'none', '--no-learn-eta'];

/**
 * Seconds of a pass of `rounds` rounds a document, both priors `prior`, and the ELBO after it. `inference` says of what, as
 * PLAIN_VB does.
 *
 * It is the median of all passes after the second from a random start; code is warm after a tenth of a second or two.
 */
export async function plainPass(
  input: string,
  {
    k,
    rounds,
    prior,
    threads,
    passes: most = 6,
  }: { k: number; rounds: number; prior: number; threads: number; passes?: number },
  inference: readonly string[],
): Promise<{ readonly seconds: number; readonly elbo: number }> {
  const { passes, elbo } = await fit(input, [
    ...['-k', k, '-j', threads, '--alpha', prior, '--eta', prior, ...inference],
    ...['--start', 'random', '--schedule', 'batch', '--soft-iterations', 0, '--iterations', most, '--tolerance', 0],
    ...['--e-step-iterations', rounds, '--e-step-tolerance', 0, '--no-proportions'],
  ]);
  return { seconds: median(passes.slice(2)), elbo };
}

/** Whether later rounds take about as long each as earlier ones: given [rounds, seconds of a pass] of three numbers of rounds. */
export function isWhole([few, some, many]: readonly (readonly [number, number])[]): boolean {
  const early = (some![1] - few![1]) / (some![0] - few![0]);
  const late = (many![1] - some![1]) / (many![0] - some![0]);
  return early > 0 && late > 0.7 * early;
}

/** Perplexities of models by the common scorer. */
export async function perplexities(models: readonly string[], folder: string): Promise<number[]> {
  const { stdout } = await python('score-thema.py', SHARED, folder, ...models);
  return stdout.trim().split('\n').map(Number);
}
