import type { Corpus } from '../corpus/corpus.js';
import type { State } from '../em/model.js';
import { STATUS, UserError } from '../errors.js';
import type { Report } from '../report/render.js';
import { lifts, type SegmentRow, segmentRows, segmentsReport } from '../report/segments.js';
import { topTerms } from '../report/topics.js';
import type { Settings } from '../settings.js';
import type { LoadedModel } from './_model.js';

/** Options of commands that report documents. */
export const documentSettings = {
  top: {
    kind: 'text',
    alias: 'n',
    value: 'N',
    default: '3',
    describe: 'topics of each document, largest first, or all',
  },
  segments: {
    kind: 'flag',
    default: false,
    describe: 'a row for each segment: its topic on the most likely path, its topics and their probabilities',
  },
} as const satisfies Settings;

/** Documents whose segments are asked for. */
export interface Segmented {
  readonly corpus: Corpus;
  readonly texts: readonly (readonly string[])[] | null;
  readonly state: State;
}

/** Terms that name a topic beside its segments. */
const NAMING_TERMS = 8;

/**
 * The report of the segments of batches of documents.
 *
 * @throws {UserError} status 2 if the model knows no segments
 */
export function segmentsOf(
  path: string,
  { model, state, shares, dims, vocabulary }: LoadedModel,
  batches: Iterable<Segmented> | AsyncIterable<Segmented>,
  top: number,
  width: number | undefined,
): Report<SegmentRow> {
  if (model.segmentation === undefined) {
    throw new UserError(`--segments: ${path} is a model (${model.name}) of whole documents, which have no segments`, {
      status: STATUS.usage,
      hint: 'thema fit --model hmm fits documents as sequences of segments',
    });
  }
  const topics = Object.values(model.readings)[0]!(state);
  const weights = lifts(topics, shares);
  const naming = Array.from({ length: dims.K }, (_, k) =>
    topTerms(topics, k, dims.K, NAMING_TERMS).map((w) => vocabulary[w]!),
  );
  async function* rows(): AsyncGenerator<SegmentRow> {
    for await (const { corpus, texts, state } of batches) {
      const { ids, segments } = corpus;
      const data = model.prepare(corpus, state);
      yield* segmentRows({ ids, segments: segments!, texts, vocabulary, weights, top }, (d) =>
        model.segmentation!(data, state, d),
      );
    }
  }
  return segmentsReport(rows(), (k) => naming[k]!, width);
}
