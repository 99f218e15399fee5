/** `npm run bench`: measures one question or several, or writes the report. */
import { parseArgs } from 'node:util';
import { say } from './_measure.js';
import type { Options, Question } from './_question.js';
import { openResults } from './_results.js';
import { markdown } from './_table.js';
import { question as command } from './command.js';
import { question as gmm } from './gmm.js';
import { question as imports } from './import.js';
import { question as infer } from './infer.js';
import { question as kernel } from './kernel.js';
import { question as latePass } from './late-pass.js';
import { question as memory } from './memory.js';
import { question as pass } from './pass.js';
import { writeReport } from './report.js';
import { question as scaling } from './scaling.js';
import { question as startUp } from './start-up.js';
import { question as threads } from './threads.js';
import { question as timeToPerplexity } from './time-to-perplexity.js';
import { question as vae } from './vae.js';

const QUESTIONS: readonly Question[] = [
  ...[timeToPerplexity, command, pass, threads, scaling, latePass, kernel],
  ...[infer, imports, startUp, memory, gmm, vae],
];

const USAGE = `npm run bench -- NAME… [options]

${QUESTIONS.map(({ name, asks }) => `  ${name.padEnd(20)}${asks}`).join('\n')}
  ${'all'.padEnd(20)}all of them, in this order
  ${'report'.padEnd(20)}writes bench/README.md and its charts from bench/results

  --quick              small corpora, one repetition, nothing is kept: does it work?
  --corpora 20ng,ap    corpora of the shared folder
  --topics 20,100      numbers of topics
  --tools mallet,…     other tools to measure, of those the question knows
  --seconds 40         time-to-perplexity: where the ladder of a tool ends
  --repetitions 3      measure in turns so many times; medians are kept
  --tokens 0.1,1,100   scaling: millions of tokens of the synthetic corpora
  --axes documents,…   scaling: along documents, topics, vocabulary

Results are kept in bench/results; a later run replaces the rows it measures again.
THEMA_SHARED, THEMA_PYTHON and MALLET_CP: see bench/README.md.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    corpora: { type: 'string' },
    topics: { type: 'string' },
    tools: { type: 'string' },
    seconds: { type: 'string' },
    repetitions: { type: 'string' },
    tokens: { type: 'string' },
    axes: { type: 'string' },
  },
});

const QUICK = { corpora: ['m10'], topics: [10], seconds: 1, repetitions: 1, tokens: [0.01, 0.02] };

function options(): Options {
  const list = (text: string | undefined) => text?.split(',');
  const numbers = (text: string | undefined) => list(text)?.map(numberOf);
  const given = {
    corpora: list(values.corpora),
    topics: numbers(values.topics),
    tools: list(values.tools),
    seconds: numbers(values.seconds)?.[0],
    repetitions: numbers(values.repetitions)?.[0],
    tokens: numbers(values.tokens),
    axes: list(values.axes),
  };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { quick: values.quick, ...(values.quick ? QUICK : {}), ...Object.fromEntries(said) };
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`got ${text}, expected a number above 0`);
  return number;
}

const names = positionals.includes('all') ? QUESTIONS.map(({ name }) => name) : positionals;
const unknown = names.find((name) => name !== 'report' && !QUESTIONS.some((question) => question.name === name));
if (unknown !== undefined) say(`no question ${unknown}`);
if (names.length === 0 || unknown !== undefined) {
  process.stdout.write(`${USAGE}\n`);
  process.exitCode = unknown === undefined ? 0 : 2;
} else {
  const results = await openResults(values.quick);
  for (const name of names) {
    const question = QUESTIONS.find((one) => one.name === name);
    if (question === undefined) {
      await writeReport(QUESTIONS, results);
      continue;
    }
    const begun = performance.now();
    await question.run(options(), results);
    process.stdout.write(`\n${question.asks}\n\n${question.tables(results).map(markdown).join('\n\n')}\n\n`);
    say(`${name}: ${Math.round((performance.now() - begun) / 1000)} s`);
  }
}
