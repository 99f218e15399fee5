import type { Results } from './_results.js';

/** What the command line asks for; a question has its own defaults for what is left out. */
export interface Options {
  /** Small corpora and one repetition: does everything work? Nothing is kept. */
  readonly quick: boolean;
  readonly corpora?: readonly string[];
  /** Numbers of topics. */
  readonly topics?: readonly number[];
  /** Other tools to measure, of those the question knows. */
  readonly tools?: readonly string[];
  /** Seconds after which a tool's ladder of longer and longer fits ends. */
  readonly seconds?: number;
  readonly repetitions?: number;
  /** Millions of tokens of synthetic corpora. */
  readonly tokens?: readonly number[];
  /** What to scale: documents, topics, vocabulary. */
  readonly axes?: readonly string[];
}

/** Text cells; the first row is the header. */
export type Table = readonly (readonly string[])[];

/** One question: its file's name, the question in words, how it is measured, and how its rows are shown. */
export interface Question {
  readonly name: string;
  readonly asks: string;
  /** Measures, and keeps rows in `results`. */
  run(options: Options, results: Results): Promise<void>;
  /** What `results` holds of it; no rows where it holds nothing. */
  tables(results: Results): readonly Table[];
  /** Pictures by file name. */
  charts?(results: Results): Readonly<Record<string, string>>;
}
