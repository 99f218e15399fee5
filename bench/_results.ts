import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { peers, ROOT } from './_places.js';

export const RESULTS = join(ROOT, 'bench', 'results');

/** When, where and with what rows were measured. */
export interface Session {
  readonly date: string;
  /** Of the working tree; with a + if files were changed since. */
  readonly commit: string;
  readonly machine: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, string | number | null>>;

interface Kept {
  readonly sessions: readonly Session[];
  /** `session` is an index of `sessions`. */
  readonly rows: readonly Row[];
}

export interface Results {
  /** Rows of a question, in the order they were first measured in. */
  rows<R>(question: string): readonly R[];
  sessions(question: string): readonly Session[];
  /** Replaces the rows that agree with a new one in the fields of `key`, and adds the new ones. */
  save<R extends object>(question: string, key: readonly (keyof R & string)[], rows: readonly R[]): void;
}

/** The results kept in bench/results, or with `quick` none, and none are kept. */
export async function openResults(quick: boolean): Promise<Results> {
  const session: Session = {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: commit(),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    versions: quick ? {} : await peers(),
  };
  const kept = new Map<string, Kept>();
  const path = (question: string) => join(RESULTS, `${question}.json`);
  function load(question: string): Kept {
    const known = kept.get(question);
    if (known !== undefined) return known;
    if (quick || !existsSync(path(question))) return { sessions: [], rows: [] };
    return JSON.parse(readFileSync(path(question), 'utf8')) as Kept;
  }
  return {
    rows: <R>(question: string) => load(question).rows as readonly R[],
    sessions: (question) => load(question).sessions,
    save(question, key, rows) {
      const merged = merge(load(question), session, key, rows as readonly object[] as readonly Row[]);
      kept.set(question, merged);
      if (quick) return;
      mkdirSync(RESULTS, { recursive: true });
      writeFileSync(path(question), written(merged));
    },
  };
}

/** `old` with new rows of `session`; sessions without rows are gone. */
export function merge(old: Kept, session: Session, key: readonly string[], rows: readonly Row[]): Kept {
  const keyOf = (row: Row) => JSON.stringify(key.map((field) => row[field]));
  const replaced = new Set(rows.map(keyOf));
  const sessions = [...old.sessions];
  if (sessions.at(-1)?.date !== session.date) sessions.push(session);
  const all = [
    ...old.rows.filter((row) => !replaced.has(keyOf(row))),
    ...rows.map((row) => ({ ...row, session: sessions.length - 1 })),
  ];
  const used = sessions.map((_, index) => index).filter((index) => all.some((row) => row['session'] === index));
  return {
    sessions: used.map((index) => sessions[index]!),
    rows: all.map((row) => ({ ...row, session: used.indexOf(row['session'] as number) })),
  };
}

/** JSON with a line for each row. */
function written({ sessions, rows }: Kept): string {
  const lines = (list: readonly object[]) => list.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
  return `{\n  "sessions": [\n${lines(sessions)}\n  ],\n  "rows": [\n${lines(rows)}\n  ]\n}\n`;
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  try {
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src', 'package.json') === '' ? '' : '+')
    );
  } catch {
    return 'unknown';
  }
}
