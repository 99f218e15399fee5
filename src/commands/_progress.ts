import { SingleBar } from 'cli-progress';
import type { Values } from '../settings.js';
import type { commonSettings } from './_command.js';

/** What a command says on stderr while it works; stdout stays free for data. */
export interface Progress {
  /** The stage of `total` steps that begins; `total` may be unknown. */
  begin(stage: string, total?: number): void;
  /** Steps done so far, and what to say of them: `line` for people, `event` for programs. */
  update(done: number, line: string, event: Readonly<Record<string, unknown>>): void;
  end(): void;
  /** A sentence that stands on its own: what was written, what to run next, a warning. */
  say(sentence: string): void;
}

/** Milliseconds between the lines of a log. */
const LINE_INTERVAL = 3000;

export function progress({
  quiet,
  progress: mode,
}: Pick<Values<typeof commonSettings>, 'quiet' | 'progress'>): Progress {
  const write = (line: string) => process.stderr.write(`${line}\n`);
  const silent = { begin() {}, update() {}, end() {} };
  if (quiet) return { ...silent, say() {} };
  if (mode === 'json') {
    const event = (name: string, fields: object) => write(JSON.stringify({ event: name, ...fields }));
    return {
      begin: (stage, total) => event('begin', { stage, total: total ?? null }),
      update: (done, _line, fields) => event('update', { done, ...fields }),
      end: () => event('end', {}),
      say: (message) => event('message', { message }),
    };
  }
  if (mode === 'none') return { ...silent, say: write };
  return mode === 'auto' && process.stderr.isTTY ? bar(write) : lines(write);
}

/** The same, with the seconds since now in each event: only for programs that watch, for no model file may depend on them. */
export function timed(say: Progress): Progress {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  return { ...say, update: (done, line, event) => say.update(done, line, { ...event, seconds: seconds() }) };
}

/** Plain lines, one at the start of a stage, then one every few seconds. */
function lines(write: (line: string) => void): Progress {
  let stage = '';
  let latest = '';
  let written = 0;
  return {
    begin(name) {
      [stage, latest, written] = [name, '', Date.now()];
      write(`${stage}…`);
    },
    update(_done, line) {
      latest = line;
      if (Date.now() - written < LINE_INTERVAL) return;
      written = Date.now();
      write(`${stage}: ${line}`);
      latest = '';
    },
    end() {
      if (latest !== '') write(`${stage}: ${latest}`);
    },
    say: write,
  };
}

/** A bar on a terminal. It is stopped at any exit, because a running one leaves the cursor hidden and the process alive. */
function bar(write: (line: string) => void): Progress {
  let running: SingleBar | undefined;
  const stop = () => {
    running?.stop();
    running = undefined;
  };
  process.once('exit', stop);
  // Before the listener that ends the process.
  process.prependOnceListener('SIGINT', stop);
  process.prependOnceListener('SIGTERM', stop);
  return {
    begin(stage, total) {
      stop();
      running = new SingleBar({
        format: total === undefined ? `${stage}  {line}` : `${stage} {bar} {percentage}%  {line}`,
        stream: process.stderr,
        hideCursor: false,
        clearOnComplete: true,
        stopOnComplete: false,
        barsize: 16,
        gracefulExit: false,
        emptyOnZero: true,
      });
      running.start(total ?? 1, 0, { line: '' });
    },
    update: (done, line) => running?.update(done, { line }),
    end: stop,
    say(sentence) {
      stop();
      write(sentence);
    },
  };
}
