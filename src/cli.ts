import type { Command } from './commands/_command.js';
import { NumericalError, STATUS, UserError } from './errors.js';
import { suggestion } from './settings.js';
import { version } from './version.js';

/** Commands in the order of the pipeline; each is loaded when it is called. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  import: {
    summary: 'text → corpus file, so that later fits skip the text',
    load: async () => (await import('./commands/import.js')).command,
  },
  fit: {
    summary: 'text or corpus file → topics, kept in a model file',
    load: async () => (await import('./commands/fit.js')).command,
  },
  topics: { summary: 'the top terms of each topic', load: async () => (await import('./commands/topics.js')).command },
  documents: {
    summary: 'topic proportions of the fitted documents',
    load: async () => (await import('./commands/documents.js')).command,
  },
  infer: {
    summary: 'topic proportions of new documents',
    load: async () => (await import('./commands/infer.js')).command,
  },
  perplexity: {
    summary: 'held-out scores per token, each with its definition',
    load: async () => (await import('./commands/perplexity.js')).command,
  },
  elbo: {
    summary: 'the ELBO of each iteration, and its terms',
    load: async () => (await import('./commands/elbo.js')).command,
  },
  inspect: {
    summary: 'what a corpus or model file holds',
    load: async () => (await import('./commands/inspect.js')).command,
  },
  generate: {
    summary: 'a synthetic corpus with known topics',
    load: async () => (await import('./commands/generate.js')).command,
  },
};

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `thema ${version()}: topics of a text corpus, by variational EM

  thema fit articles.csv --text body -k 50 -o news.safetensors
  thema topics news.safetensors

Commands:
${rows.join('\n')}

thema COMMAND --help shows a command's examples and options.
`;
}

async function main(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    process.stderr.write(overview());
    process.exitCode = STATUS.usage;
    return;
  }
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${version()}\n`);
    return;
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    process.stdout.write(overview());
    return;
  }
  const [asked, args] = name === 'help' ? [rest[0]!, ['--help']] : [name, rest];
  if (!Object.hasOwn(COMMANDS, asked)) {
    const close = asked.startsWith('-') ? undefined : suggestion(asked, Object.keys(COMMANDS));
    const message = asked.startsWith('-') ? `got ${asked} before a command` : `there is no command "${asked}"`;
    throw new UserError(message, { status: STATUS.usage, hint: close ?? 'thema --help lists the commands' });
  }
  const command = await COMMANDS[asked]!.load();
  const { readArguments, shieldArguments } = await import('./commands/_arguments.js');
  const { endCleanlyOnSignals } = await import('./commands/_signals.js');
  const all = () => Promise.all(Object.values(COMMANDS).map(({ load }) => load()));
  const parsed = await readArguments(command, shieldArguments(args), all);
  if (typeof parsed === 'string') {
    process.stdout.write(parsed);
    return;
  }
  endCleanlyOnSignals();
  await command.run(parsed);
}

/** One or two lines on stderr, and the exit status. The process ends by itself: ending it here would cut piped output. */
function fail(error: unknown): void {
  const known = error instanceof UserError || error instanceof NumericalError;
  if (known) {
    process.stderr.write(`thema: ${error.message}\n`);
    if (error instanceof UserError && error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    process.exitCode = error.status;
  } else {
    process.stderr.write(`thema: internal error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write('hint: this is a bug in thema; run again with --debug to see where\n');
    process.exitCode = STATUS.bug;
  }
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** The output of each thread is piped into these, with a listener of errors: more than ten are no leak. */
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);

/** A closed pipe downstream is success: nobody wants the rest. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`thema: cannot write to stdout: ${error.message}\n`);
  process.exit(STATUS.io);
});

/** Nobody listens to the talk any more: the work goes on. */
process.stderr.on('error', () => {});

main(process.argv.slice(2)).catch(fail);
