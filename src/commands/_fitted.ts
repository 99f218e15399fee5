import { totalmem } from 'node:os';
import type { Corpus } from '../corpus/corpus.js';
import { mostStored } from '../em/blocks.js';
import type { State, TopicModel } from '../em/model.js';
import { copyOf, type Dims, sizeOf } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import type { ModelKind } from '../models/index.js';
import { iterationInWords, lengthInWords, type TraceRow } from '../report/elbo.js';
import { grouped } from '../report/table.js';
import type { AnalysisRecord } from '../text/analyse.js';
import type { TextValues } from './_corpus.js';
import type { FitRecord, LoadedModel, ReadOutScores } from './_model.js';
import type { Progress } from './_progress.js';
import type { Run } from './_run.js';

/** The model that a fit is of, made once its vocabulary is known. */
export interface Making {
  readonly model: TopicModel<Corpus, unknown>;
  readonly dims: Dims;
  readonly options: ModelKind['defaults'] & { readonly seed: number };
}

/** What a fit has to do. */
export interface Task {
  readonly inputs: readonly string[];
  readonly values: TextValues & {
    readonly model: string;
    readonly iterations: number | undefined;
    readonly seed: number;
    readonly restarts: number;
    readonly proportions: boolean;
    readonly 'max-memory': string | undefined;
  };
  /** Values of the model's own settings. */
  readonly variant: Readonly<Record<string, unknown>>;
  /** Names of the settings that were given. */
  readonly given: ReadonlySet<string>;
  /** Those that a flag gave. */
  readonly flags: ReadonlySet<string>;
  readonly kind: ModelKind;
  /** Makes the model, once it is known how many terms there are, or columns of points. */
  make(V: number, columns: number): Making;
  readonly init: LoadedModel | undefined;
  readonly say: Progress;
}

/** What a fit leaves, in whatever way it went over its documents. */
export interface Fitted extends Making {
  readonly vocabulary: readonly string[];
  /** How text became terms; null where the corpus came as counts. */
  readonly text: AnalysisRecord | null;
  /** Names of the columns, where documents are points. */
  readonly columns?: readonly string[] | undefined;
  readonly corpus: FitRecord['corpus'];
  /** What the model file can keep of the documents; null where nothing is left of them. */
  readonly documents: LoadedModel['documents'];
  readonly state: State;
  readonly shares: Float64Array;
  readonly trace: readonly TraceRow[];
  readonly readOutScores?: ReadOutScores | undefined;
  readonly stop: FitRecord['stop'];
  /** How large the corpus is, and how the fit ended, in words. */
  readonly size: string;
  readonly end: string;
}

/** The best of so many fits from different starts. */
export async function bestOf<R extends Run>(
  restarts: number,
  once: (restart: number, stage: string) => Promise<R>,
): Promise<R> {
  let best: R | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const found = await once(restart, restarts === 1 ? 'fit' : `fit ${restart + 1} of ${restarts}`);
    if (best === undefined || found.last.objective > best.last.objective) {
      best = restarts === 1 ? found : { ...found, state: copyOf(found.state) };
    }
  }
  return best!;
}

/** What is left of a fit that ended, and how it did. */
export function ended(
  { last, state, shares, trace, readOutScores, standardError }: Run,
  tolerance: number | undefined,
) {
  const reason = {
    converged: last.change! > 0 ? `converged (change below ${tolerance})` : 'converged (it rises no more)',
    iterations: 'stopped at --iterations',
    passes: 'which are its most',
    'held-out': `stopped as held-out documents gain no more; kept is ${iterationInWords(trace, last.kept)}`,
  }[last.stop!];
  const error = standardError === undefined ? '' : ` ± ${standardError.toFixed(2)}`;
  const elbo = `ELBO ${trace.at(-1)!.elbo.toFixed(2)}${error}`;
  const end = `${elbo} after ${lengthInWords(trace)}, ${reason}`;
  return { state, shares, trace, readOutScores, stop: last.stop!, end };
}

export function sizesOf(tokens: Uint32Array): FitRecord['corpus'] {
  return {
    documents: tokens.length,
    emptyDocuments: tokens.reduce((empty, n) => empty + (n === 0 ? 1 : 0), 0),
    tokens: tokens.reduce((sum, n) => sum + n, 0),
  };
}

/** Refuses a fit whose arrays cannot fit into the machine, before it begins. */
export function checkMemory(model: TopicModel<Corpus, unknown>, dims: Dims, D: number): void {
  let numbers = 0;
  for (const shapes of [model.params, model.derived, model.statistics])
    for (const axes of Object.values(shapes)) numbers += sizeOf(axes, dims);
  for (const axes of Object.values(model.posterior)) numbers += (model.single ? 0.5 : 1) * D * sizeOf(axes, dims);
  if (model.schedule === 'incremental') numbers += mostStored(dims);
  const gigabytes = (8 * numbers) / 2 ** 30;
  if (gigabytes > totalmem() / 2 ** 30) {
    throw new UserError(
      `--topics: ${grouped(dims.K)} topics of ${grouped(dims.V)} terms and ${grouped(D)} documents need ${gigabytes.toFixed(1)} GiB, ` +
        `this machine has ${(totalmem() / 2 ** 30).toFixed(1)}`,
      { status: STATUS.usage, hint: 'fewer topics, or fewer terms with --max-vocabulary' },
    );
  }
}
