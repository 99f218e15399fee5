import { type Corpus, documentCount, tokenCount } from '../corpus/corpus.js';
import { cutBlocks } from '../em/blocks.js';
import { infer, NO_SUMS } from '../em/infer.js';
import type { State, TopicModel } from '../em/model.js';
import { type Dims, withDocuments } from '../em/state.js';
import { STATUS, UserError } from '../errors.js';
import { exp, log } from '../math/special.js';

/** A score of held-out tokens, with what it is made of. */
export interface Score {
  readonly measure: string;
  /** The formula, in words. */
  readonly definition: string;
  readonly documents: number;
  /** Tokens scored. */
  readonly tokens: number;
  /** The formula's logarithm, per token. */
  readonly nats_per_token: number;
  /** exp(−nats_per_token), natural base. */
  readonly perplexity: number;
  /** Which read-out of the topics it is by; null where none is in it. */
  readonly read_out: string | null;
}

/** ln p of a token that the model says cannot occur, in place of −∞; the value of lda-c, as in the bound. */
const LOG_ZERO = -100;

/** A topic model with its fitted parameters. */
export interface Fitted {
  readonly model: TopicModel<Corpus, unknown>;
  readonly dims: Dims;
  readonly state: State;
}

/** What a document's terms of the objective sum to, unless the model says otherwise. */
const BOUND = { measure: 'bound', of: 'a lower bound on log p(document)' };

/**
 * The objective per token of held-out documents, a bound for most models: their terms of it, with the topics fixed. What
 * the topics themselves cost (−KL of q(β)) is charged to the documents that they were fitted to, not to these.
 */
export async function documentScore(fitted: Fitted, corpus: Corpus): Promise<Score> {
  const state = withDocuments(fitted.model, fitted.dims, fitted.state, documentCount(corpus));
  let sum = 0;
  for (const term of await infer(fitted.model, fitted.model.prepare(corpus, state), cutBlocks(corpus.rowStart), state))
    sum += term;
  const { measure, of } = fitted.model.documentScore ?? BOUND;
  return score(measure, `exp(−Σ_d s_d / tokens), s_d ${of}, topics fixed`, corpus, sum);
}

/**
 * Document completion: the posterior of each document from its observed half, then the probability of each token of the
 * other half given it; with topic proportions θ,  p(w | observed) = Σ_k E[θ_dk | observed] β_kw, β by the read-out or E[β].
 */
export async function completionScore(
  { model, dims, state: params }: Fitted,
  observed: Corpus,
  heldOut: Corpus,
): Promise<Score> {
  if (model.predictor === undefined) {
    throw new UserError(`a ${model.name} has no probability of a token: its documents are points`, {
      status: STATUS.usage,
    });
  }
  const state = withDocuments(model, dims, params, documentCount(observed));
  await infer(model, model.prepare(observed, state), cutBlocks(observed.rowStart), state, NO_SUMS);
  const predict = model.predictor(state);
  const beta = params.readOut === undefined ? 'E[β_kw]' : `β_kw, β by read-out ${params.readOut}`;
  let sum = 0;
  for (let d = 0; d < documentCount(heldOut); d++) {
    for (let i = heldOut.rowStart[d]!; i < heldOut.rowStart[d + 1]!; i++) {
      sum += heldOut.count[i]! * Math.max(log(predict(d, heldOut.term[i]!)), LOG_ZERO);
    }
  }
  return score(
    'completion',
    `exp(−Σ log p(token | observed half of its document) / tokens), p = ${model.prediction ?? `Σ_k E[θ_k | observed] ${beta}`}, over the other half`,
    heldOut,
    sum,
    params.readOut ?? null,
  );
}

function score(
  measure: string,
  definition: string,
  corpus: Corpus,
  nats: number,
  readOut: string | null = null,
): Score {
  const tokens = tokenCount(corpus);
  const perToken = nats / tokens;
  let documents = 0;
  for (let d = 0; d < documentCount(corpus); d++) if (corpus.rowStart[d + 1]! > corpus.rowStart[d]!) documents++;
  return {
    measure,
    definition,
    documents,
    tokens,
    nats_per_token: perToken,
    perplexity: exp(-perToken),
    read_out: readOut,
  };
}
