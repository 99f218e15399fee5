import { type DrawnDocument, drawDocuments, drawTopics, type GenerateOptions, termName } from '../corpus/generate.js';
import { STATUS, UserError } from '../errors.js';
import { checkOutput, writeFile } from '../files/atomic-write.js';
import { writeModel } from '../files/model-file.js';
import { random } from '../math/random.js';
import { grouped } from '../report/table.js';
import type { Values } from '../settings.js';
import { version } from '../version.js';
import { defineCommand } from './_command.js';
import { outputFileSettings } from './_output.js';
import { progress } from './_progress.js';

const settings = {
  documents: { kind: 'integer', alias: 'd', value: 'D', min: 1, default: 1000, describe: 'number of documents' },
  length: {
    kind: 'number',
    value: 'N',
    above: 0,
    max: 1e6,
    default: 100,
    describe: 'mean tokens of a document (Poisson, at least 1)',
  },
  terms: { kind: 'integer', value: 'V', min: 1, max: 10_000_000, default: 2000, describe: 'size of the vocabulary' },
  topics: { kind: 'integer', alias: 'k', value: 'K', min: 1, max: 100_000, default: 10, describe: 'number of topics' },
  alpha: {
    kind: 'number',
    value: 'A',
    above: 0,
    max: 1e6,
    default: 0.1,
    describe: "Dirichlet prior of each document's topic proportions",
  },
  eta: {
    kind: 'number',
    value: 'H',
    above: 0,
    max: 1e6,
    default: 0.05,
    describe: "Dirichlet prior of each topic's terms",
  },
  seed: { kind: 'integer', alias: 's', value: 'S', min: 0, default: 1, describe: 'seed of all draws' },
  truth: { kind: 'text', value: 'FILE', describe: 'also write the true topics and proportions, as a model file' },
} as const;

export const command = defineCommand({
  name: 'generate',
  description: `Draws documents from LDA with random topics: for tests, benchmarks and teaching. The same options and seed give the same
bytes everywhere. Writes NDJSON ({"id", "text"}), or lda-c with the vocabulary beside it where the output ends in .ldac.`,
  examples: [
    ['thema generate -d 500 -k 5 | thema fit - -k 5', 'planted topics, found again'],
    [
      'thema generate -d 100000 --terms 20000 -k 100 -o big.ldac --truth truth.safetensors',
      'a benchmark with its answer',
    ],
  ],
  operands: [],
  groups: { Options: settings, Output: outputFileSettings },
  async run({ values }) {
    const { output = '-', force, truth, seed } = values;
    if (truth === '-') throw new UserError('--truth: got -, expected a file', { status: STATUS.usage });
    const options: GenerateOptions = {
      documents: values.documents,
      length: values.length,
      V: values.terms,
      K: values.topics,
      alpha: values.alpha,
      eta: values.eta,
    };
    const { V, K } = options;
    const vocabulary = output.endsWith('.ldac') ? output.replace(/\.ldac$/, '.vocab.txt') : undefined;
    for (const path of [output, truth, vocabulary]) if (path !== undefined) await checkOutput(path, force);
    const draws = random(seed);
    const topics = drawTopics(options, draws);
    const say = progress(values);
    const gamma = new Float64Array(truth === undefined ? 0 : options.documents * K).fill(options.alpha);
    const tokens = new Uint32Array(truth === undefined ? 0 : options.documents);
    const shares = new Float64Array(K);
    let total = 0;
    say.begin('generating', options.documents);
    await writeFile(output, { force, stdout: process.stdout }, async (sink) => {
      let d = 0;
      for (const document of drawDocuments(options, topics, draws)) {
        await sink.write(vocabulary !== undefined ? ldacLine(document) : ndjsonLine(document, d));
        total += document.terms.length;
        for (const k of document.topics) {
          shares[k]!++;
          if (truth !== undefined) gamma[d * K + k]!++;
        }
        if (truth !== undefined) tokens[d] = document.terms.length;
        if (++d % 1000 === 0) say.update(d, `${grouped(total)} tokens`, { documents: d, tokens: total });
      }
    });
    say.end();
    if (vocabulary !== undefined) {
      await writeFile(vocabulary, { force }, async (sink) => {
        for (let w = 0; w < V; w++) await sink.write(`${termName(w)}\n`);
      });
    }
    if (truth !== undefined) await writeTruth(truth, force, options, values, { topics, gamma, tokens, shares, total });
    if (output !== '-')
      say.say(
        `wrote ${output}: ${grouped(options.documents)} documents, ${grouped(total)} tokens. Next: thema fit ${output} -k ${K}`,
      );
  },
});

function ndjsonLine({ terms }: DrawnDocument, d: number): string {
  return `${JSON.stringify({ id: String(d + 1), text: Array.from(terms, termName).join(' ') })}\n`;
}

function ldacLine({ terms }: DrawnDocument): string {
  const counts = new Map<number, number>();
  for (const w of terms.slice().sort()) counts.set(w, (counts.get(w) ?? 0) + 1);
  return `${counts.size} ${[...counts].map(([w, n]) => `${w}:${n}`).join(' ')}\n`;
}

/** The truth as a fitted model would say it: β the topics, γ_d = α + the tokens of each topic in document d. */
function writeTruth(
  path: string,
  force: boolean,
  { documents, V, K, alpha }: GenerateOptions,
  values: Values<typeof settings>,
  drawn: { topics: Float64Array; gamma: Float64Array; tokens: Uint32Array; shares: Float64Array; total: number },
): Promise<number> {
  const { topics, gamma, tokens, shares, total } = drawn;
  return writeModel(
    path,
    { force },
    {
      model: 'lda',
      arrays: {
        beta: { shape: [K, V], data: topics },
        alpha: { shape: [K], data: new Float64Array(K).fill(alpha) },
        gamma: { shape: [documents, K], data: gamma },
        document_tokens: { shape: [documents], data: tokens },
        share: { shape: [K], data: shares.map((n) => n / total) },
      },
      vocabulary: Array.from({ length: V }, (_, w) => termName(w)),
      ids: Array.from({ length: documents }, (_, d) => String(d + 1)),
      record: {
        version: version(),
        settings: {
          topics: K,
          beta: 'point',
          alpha: String(alpha),
          generated: { length: values.length, eta: values.eta },
        },
        seed: values.seed,
        text: null,
        corpus: { documents, emptyDocuments: 0, tokens: total },
        stop: 'generated',
        trace: [],
      },
    },
  );
}
