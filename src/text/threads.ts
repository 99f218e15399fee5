import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Counts, Named } from '../corpus/build.js';
import { UserError } from '../errors.js';
import { type AnalysisRecord, analysis, type LeftOut } from './analyse.js';
import { type Counted, renumbering, type TermCounter, termCounter } from './count.js';
import type { Document } from './read.js';

/** UTF-16 units of text that are counted at once, by whichever thread is free. */
const CHUNK = 512 * 1024;

/** Chunks that this thread counts before it starts others, which takes as long as counting these. */
const ALONE = 4;

/** Chunks that a worker is given at once: the one it counts, and the next. */
const GIVEN = 2;

/** Chunks for each worker that may wait for one before them: as many as this thread counts while a worker starts. */
const WAITING = 16;

/** Documents that follow one another, and what then went wrong in reading, if anything did. */
type Chunk = { readonly documents: Named[]; readonly texts: string[]; failure?: { readonly error: unknown } };

/** A thread that counts chunks one after another over its own numbers of terms. */
interface Thread {
  /** Whether it can be given another chunk. */
  isFree(): boolean;
  count(texts: readonly string[]): Promise<Counted>;
  /** To be called with what `count` found, in order. */
  readonly renumber: (counted: Counted) => Counts;
  end(): void;
}

/**
 * The counts of documents, chunk by chunk in their order, over the numbers that `number` gives their terms. Chunks are cut by
 * the text alone, and `number` is called in the order of the text as far as new terms go, so that nothing depends on
 * the number of threads, this one among them; of several errors, the first in the text is thrown.
 *
 * @throws whatever reading throws, and a `--token-pattern` that takes too long
 */
export async function* countDocuments(
  found: AsyncIterable<Document>,
  record: AnalysisRecord,
  threads: number,
  number: (term: string) => number,
): AsyncGenerator<{ documents: readonly Named[]; counts: Counts; leftOut: LeftOut }> {
  const own = thisThread(termCounter(await analysis(record)), number);
  const workers: Thread[] = [];
  const pending: { documents: readonly Named[]; thread: Thread; counted: Promise<Counted> }[] = [];
  const oldest = async () => {
    const { documents, thread, counted } = pending.shift()!;
    const result = await counted;
    return { documents, counts: thread.renumber(result), leftOut: result.leftOut };
  };
  let read = 0;
  try {
    for await (const { documents, texts, failure } of chunks(found)) {
      if (++read === ALONE) while (workers.length < threads - 1) workers.push(startThread(record, number));
      const thread = workers.find((worker) => worker.isFree()) ?? own;
      const counted = thread.count(texts).then((result) => {
        if (failure !== undefined) throw failure.error;
        return result;
      });
      // Seen to when its turn comes
      counted.catch(() => {});
      pending.push({ documents, thread, counted });
      while (pending.length > WAITING * workers.length) yield await oldest();
    }
    while (pending.length > 0) yield await oldest();
  } finally {
    for (const worker of workers) worker.end();
  }
}

async function* chunks(found: AsyncIterable<Document>): AsyncGenerator<Chunk> {
  let chunk: Chunk = { documents: [], texts: [] };
  let size = 0;
  try {
    for await (const { id, meta, text } of found) {
      chunk.documents.push({ id, meta });
      chunk.texts.push(text);
      size += text.length + 1;
      if (size < CHUNK) continue;
      yield chunk;
      [chunk, size] = [{ documents: [], texts: [] }, 0];
    }
  } catch (error) {
    chunk.failure = { error };
  }
  yield chunk;
}

function countedTexts(counter: TermCounter, texts: readonly string[]): Counted {
  for (const text of texts) counter.add(text);
  return counter.take();
}

function thisThread(counter: TermCounter, number: (term: string) => number): Thread {
  return {
    isFree: () => true,
    count: async (texts) => countedTexts(counter, texts),
    renumber: renumbering(number),
    end() {},
  };
}

/** What a worker answers: what it counted, or a {@link UserError} in parts, since a thread's errors lose their class. */
type Answer = { readonly counted: Counted } | { readonly mistake: Pick<UserError, 'message' | 'status' | 'hint'> };

function startThread(record: AnalysisRecord, number: (term: string) => number): Thread {
  const worker = new Worker(new URL(import.meta.url), { workerData: { counts: record } });
  const waiting: { resolve(counted: Counted): void; reject(error: unknown): void }[] = [];
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  worker.on('message', (answer: Answer) => {
    const { resolve, reject } = waiting.shift()!;
    if ('counted' in answer) resolve(answer.counted);
    else reject(new UserError(answer.mistake.message, answer.mistake));
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('a thread that counts terms is gone')));
  return {
    isFree: () => waiting.length < GIVEN,
    count: (texts) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        waiting.push({ resolve, reject });
        worker.postMessage(texts);
      }),
    renumber: renumbering(number),
    end: () => void worker.terminate(),
  };
}

async function serve(record: AnalysisRecord): Promise<void> {
  const counter = termCounter(await analysis(record));
  parentPort!.on('message', (texts: readonly string[]) => {
    try {
      const counted = countedTexts(counter, texts);
      const { counts } = counted;
      const arrays = [counts, ...(counts.segments === undefined ? [] : [counts.segments])].flatMap(Object.values);
      const answer: Answer = { counted };
      parentPort!.postMessage(
        answer,
        arrays.filter((array) => ArrayBuffer.isView(array)).map((array) => array.buffer as ArrayBuffer),
      );
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const mistake = { message: error.message, status: error.status, hint: error.hint };
      const answer: Answer = { mistake };
      parentPort!.postMessage(answer);
    }
  });
}

const started = isMainThread ? undefined : (workerData as { readonly counts?: AnalysisRecord } | undefined)?.counts;
if (started !== undefined) await serve(started);
