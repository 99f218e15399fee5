import { type Corpus, documentCount } from '../corpus/corpus.js';
import type { Reals } from '../math/reals.js';
import { digamma, lgamma } from '../math/special.js';
import { kernelMemory } from './memory.js';
import { copyRows, roomOf, roundUp4 } from './rows.js';
import { type Columns, columnsOf, cutTasks, MOST_TASKS, sumTasks, tasksOf } from './tasks.js';
import { cutTerms, expectLogThere, sumPairs } from './topics.js';

/** What phase 1 of documents [from, to) found; each array is valid until the next call. */
export interface LdaFound {
  /** Row d − from holds γ_d, K4 numbers of which K count. */
  readonly gamma: Float32Array;
  /**
   * Five numbers of each document, from row d − from on: Σ n ln s, Σ_k tokens ln θ̃_k, E[log p(z | θ)],
   * Σ_k (α_k − 1) E[log θ_k] (of points Σ_k α_k ln θ_k), and the entropy of q(θ) (of points 0); not with points alone.
   * The first is not finite where f32 underflowed, or has too few digits for the counts.
   */
  readonly terms: Float64Array;
  /** Σ_d E[log θ_d] and Σ_d N_d, K each; not with points alone. */
  readonly logTheta: Float64Array;
  readonly expected: Float64Array;
  readonly K4: number;
}

/** What `bound` found; each array is valid until the next call. */
export interface LdaBound extends Pick<LdaFound, 'logTheta' | 'expected'> {
  /**
   * Five numbers of each document, from row d − from on: Σ n ln Σ_k exp(E[log θ_k] + E[log β_wk]), NaN where that may have
   * underflowed, E[log p(w | z, β)], and the last three of `LdaFound.terms`.
   */
  readonly terms: Float64Array;
}

type LdaArray = 'lambda' | 'logBeta' | 'topicTerm';

/** The E-step of LDA by WebAssembly SIMD, in f32: the twin of the f64 loops of models/lda-documents.ts. */
export interface LdaKernel {
  /** λ, ln β or its expectation, and a sum of S, V×K each, where the kernel has them: as they were last given. */
  readonly arrays: Readonly<Record<LdaArray, Float64Array>>;
  /** One of them, all zero. Those that were given before are the same numbers. */
  give(name: LdaArray): Float64Array;
  /** λ = η + S of `arrays`. Returns Σ_w λ_wk. */
  setLambda(eta: number): Float64Array;
  /**
   * E[log β] of q(β_k) = Dir(λ_k), in `arrays`; `digammaSums` are ψ(Σ_w λ_wk).
   *
   * @returns Σ_wk E[log β_wk], and Σ_wk ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]
   */
  expectLog(digammaSums: Float64Array): { readonly total: number; readonly entropy: number };
  /** To be told when `logBeta` of `arrays` has changed. */
  topicsChanged(): void;
  /** Takes topics as points for the E-steps with points: `write` writes β, V×K in rows of `width`. */
  setPoints(write: (rows: Float32Array, width: number) => void): void;
  /** Whether it still has them: other E-steps make B in their place. */
  hasPoints(): boolean;
  /**
   * Phase 1, over documents [from, to): `rounds` of the fixed point at most, from `gamma` (D×K), then φ at it: from
   * posteriors, with proportions as points (φ_k ∝ γ_k B_wk), or with topics as points too (γ_k β_wk; then no terms).
   */
  documents(
    corpus: Corpus,
    from: number,
    to: number,
    alpha: Float64Array,
    gamma: Reals,
    rounds: number,
    tolerance: number,
    of: 'posteriors' | 'proportions' | 'points',
  ): LdaFound;
  /** Of documents [from, to), in f64 throughout, what belongs to `gamma` (D×K) and the best q(z) given it. */
  bound(
    corpus: Corpus,
    from: number,
    to: number,
    alpha: Float64Array,
    gamma: Reals,
    of: 'posteriors' | 'proportions',
  ): LdaBound;
  /** Leaves document d of those from `from` on out of phase 2. */
  leaveOut(corpus: Corpus, from: number, d: number): void;
  /**
   * Phase 2, over the terms of the same documents: adds S_wk = Σ_d n_dw φ_dwk to `topicTerm` (V×K), which is best that of
   * `arrays`.
   *
   * @returns Σ_wk S_wk E[log β_wk], and the same with the logarithms of the topics as the kernel has them; not with points
   */
  terms(
    corpus: Corpus,
    from: number,
    to: number,
    topicTerm: Float64Array | null,
  ): { readonly words: number; readonly asComputed: number };
}

/** What is known of a block of documents. */
interface Block {
  /** Ascending. */
  readonly terms: Uint32Array;
  columns?: Columns;
}

/** Numbers of B at most that a thread has side by side for a document. */
const MOST_COLUMNS = 1 << 20;

/** Entries at most of a corpus whose rows are all held; of a larger one, those of the documents that are visited. */
const MOST_HELD = 1 << 20;

/** Tasks of `bound` at most, each with room of its own. */
const BOUND_TASKS = 128;

export function createLdaKernel({ V, K }: { V: number; K: number }, threads: number): LdaKernel {
  const K4 = roundUp4(K);
  const taskRoom = roomOf(4 * K4);
  const boundRoom = roomOf(11 * K4);
  const memory = kernelMemory(threads);
  const topics = memory.layOut({
    beta: V * K4,
    logB: 2 * V * K4,
    logBeta: 2 * V * K,
    lambda: 2 * V * K,
    topicTerm: 2 * V * K,
    digammaSums: 2 * K4,
    maximum: 2 * V,
    found: 4 * V,
    statistics: V * K4,
    columnStart: V + 1,
    terms: V,
    alpha: K4,
    ofAlpha: 4 * K4,
    priors: 2 * K4,
    sums: cutTerms(V).length * roomOf(2 * K),
  });
  const arrays: Partial<Record<LdaArray, Float64Array>> = {};
  const termTasks = cutTerms(V);
  /** The documents [from, to) whose rows are there: all, or where they have many entries, those of a visit. */
  let held: { readonly corpus: Corpus; readonly from: number; readonly to: number } | undefined;
  /** Whether the rows of B are topics as points. */
  let arePoints = false;
  /** Which rows of the topics are there as B, and its logarithm; and whether all are in f64, in the place of that. */
  const isScaled = new Uint8Array(V);
  let isScaledInF64 = false;
  /** What there is room for: rows held and their entries, documents visited and theirs, entries of one document. */
  let most = { rows: 0, pairs: 0, documents: 0, entries: 0, longest: 0 };
  let at!: ReturnType<typeof layOut>;
  /** Documents [from, to) of the corpus whose rows are there, by `from-to`. */
  const blocks = new Map<string, Block>();
  /** The columns that are there. */
  let columns: Columns | undefined;

  function layOut({ rows, pairs, documents, entries, longest }: typeof most) {
    const apart = roomOf(6 * K4 + Math.min((longest * K4) / 3, MOST_COLUMNS));
    const numbers = documents * K4;
    const pointers = memory.layOut(
      {
        ...{ rowStart: rows + 1, term: pairs, count: pairs },
        ...{ gamma: numbers, theta: numbers, tokens: numbers, support: documents, terms: 10 * documents },
        ...{ ratio: entries, columnEntry: entries, columnDocument: entries },
        sums: Math.max(MOST_TASKS * taskRoom, BOUND_TASKS * boundRoom),
        rooms: threads * apart,
      },
      topics.end,
      false,
    );
    return { ...pointers, apart: 4 * apart };
  }

  /** What is held of documents [from, to) while they are visited: pointers as if it were held from document 0 on. */
  function roomFor(corpus: Corpus, from: number, to: number) {
    const { rowStart, term, count } = corpus;
    const was = held;
    if (corpus !== held?.corpus) blocks.clear();
    if (corpus !== held?.corpus || from < held.from || to > held.to) {
      const isSmall = term.length <= MOST_HELD;
      held = { corpus, from: isSmall ? 0 : from, to: isSmall ? documentCount(corpus) : to };
    }
    const [first, end] = [rowStart[held.from]!, rowStart[held.to]!];
    const needed = {
      rows: held.to - held.from,
      pairs: end - first,
      documents: to - from,
      entries: rowStart[to]! - rowStart[from]!,
      longest: 0,
    };
    for (let d = from; d < to; d++) needed.longest = Math.max(needed.longest, rowStart[d + 1]! - rowStart[d]!);
    const names = Object.keys(most) as (keyof typeof most)[];
    const grows = names.some((name) => needed[name] > most[name]);
    if (grows) {
      most = Object.fromEntries(names.map((name) => [name, Math.max(needed[name], most[name])])) as typeof most;
      at = layOut(most);
      columns = undefined;
    }
    if (grows || held !== was) {
      memory.u32(at.rowStart, needed.rows + 1).set(rowStart.subarray(held.from, held.to + 1));
      memory.u32(at.term, end - first).set(term.subarray(first, end));
      memory.f32(at.count, end - first).set(count.subarray(first, end));
    }
    return {
      rowStart: at.rowStart - 4 * held.from,
      term: at.term - 4 * first,
      count: at.count - 4 * first,
      gamma: at.gamma - 4 * K4 * from,
      theta: at.theta - 4 * K4 * from,
      tokens: at.tokens - 4 * K4 * from,
      support: at.support - 4 * from,
      terms: at.terms - 40 * from,
      ratio: at.ratio - 4 * rowStart[from]!,
    };
  }

  function topicsChanged(): void {
    isScaled.fill(0);
    isScaledInF64 = false;
  }

  /** What is known of documents [from, to) of the corpus whose rows are there. */
  function blockOf({ rowStart, term }: Corpus, from: number, to: number): Block {
    const key = `${from}-${to}`;
    const known = blocks.get(key);
    if (known !== undefined) return known;
    const isThere = new Uint8Array(V);
    for (let i = rowStart[from]!; i < rowStart[to]!; i++) isThere[term[i]!] = 1;
    const terms = new Uint32Array(V);
    let length = 0;
    for (let w = 0; w < V; w++) if (isThere[w] === 1) terms[length++] = w;
    const found: Block = { terms: terms.slice(0, length) };
    blocks.set(key, found);
    return found;
  }

  /** Makes B of the topics, where documents [from, to) need it and it is not there. */
  function scale(corpus: Corpus, from: number, to: number): void {
    isScaledInF64 = false;
    arePoints = false;
    const terms = memory.u32(topics.terms, V);
    let length = 0;
    for (const w of blockOf(corpus, from, to).terms) {
      if (isScaled[w]) continue;
      isScaled[w] = 1;
      terms[length++] = w;
    }
    const { logBeta, beta, logB } = topics;
    const tasks = tasksOf(cutTerms(length), (first, end) => [
      ...[first, end, K4, K, topics.terms, logBeta, beta, logB],
    ]);
    if (length > 0) memory.run('ldaScale', tasks);
  }

  /** Rows of γ; what is padded is 1. */
  function holdGamma(gamma: Reals, from: number, to: number): Float32Array {
    const rows = memory.f32(at.gamma, (to - from) * K4);
    if (K !== K4) rows.fill(1);
    copyRows(gamma.subarray(from * K), K, rows, K4, to - from);
    return rows;
  }

  /** ψ and ln Γ of α as the next kernel has it: all that is needed of topics that a document has no tokens of. */
  function knowAlpha(alpha: Float32Array): void {
    const ofAlpha = memory.f64(topics.ofAlpha, 2 * K4);
    for (let k = 0; k < K4; k++) {
      ofAlpha[k] = digamma(alpha[k]!);
      ofAlpha[K4 + k] = lgamma(alpha[k]!);
    }
  }

  /** Sums over tasks of the first two rows of K4 numbers of each task's room. */
  function sumsOf(tasks: number, apart: number): Pick<LdaFound, 'logTheta' | 'expected'> {
    return {
      logTheta: sumTasks(memory, at.sums, apart, tasks, K),
      expected: sumTasks(memory, at.sums + 8 * K4, apart, tasks, K),
    };
  }

  return {
    arrays: arrays as Record<LdaArray, Float64Array>,
    give(name) {
      // what was laid out is zero, and takes no room until somebody writes there
      const isFirst = arrays[name] === undefined;
      arrays[name] = memory.f64(topics[name], V * K);
      return isFirst ? arrays[name] : arrays[name].fill(0);
    },
    setLambda(eta) {
      const { topicTerm, lambda, sums } = topics;
      const apart = roomOf(2 * K);
      const tasks = tasksOf(termTasks, (from, to, task) => {
        return [from, to, K, eta, topicTerm, lambda, sums + 4 * apart * task];
      });
      memory.run('ldaTopics', tasks);
      return sumTasks(memory, sums, apart, tasks.length, K);
    },
    expectLog(digammaSums) {
      return expectLogThere(memory, { V, K, width: K }, topics, digammaSums);
    },
    topicsChanged,
    setPoints(write) {
      isScaled.fill(0);
      arePoints = true;
      write(memory.f32(topics.beta, V * K4), K4);
    },
    hasPoints: () => arePoints,
    documents(corpus, from, to, alpha, gamma, rounds, tolerance, of) {
      const { rowStart, term, count, gamma: posteriors, ...room } = roomFor(corpus, from, to);
      if (of !== 'points') scale(corpus, from, to);
      // what is padded is 1: γ stays 1 there, and adds nothing to the bound
      memory.f32(topics.alpha, K4).fill(1).set(alpha);
      if (of === 'posteriors') knowAlpha(memory.f32(topics.alpha, K4));
      const rows = holdGamma(gamma, from, to);
      const tasks = tasksOf(cutTasks(corpus.rowStart, from, to), (first, end, task) => {
        const logTheta = at.sums + 4 * taskRoom * task;
        return [
          ...[first, end, K4, K, rounds, tolerance, of === 'posteriors' ? 0 : 1, rowStart, term, count],
          ...[topics.beta, topics.alpha, topics.ofAlpha, posteriors, room.theta, room.support],
          ...[room.tokens, room.ratio, of === 'points' ? 0 : room.terms],
          ...[logTheta, logTheta + 8 * K4, at.rooms, at.apart],
        ];
      });
      memory.run('ldaDocuments', tasks);
      return {
        gamma: rows,
        terms: memory.f64(at.terms, 5 * (to - from)),
        ...sumsOf(tasks.length, taskRoom),
        K4,
      };
    },
    bound(corpus, from, to, alpha, gamma, of) {
      const { rowStart, term, count, gamma: posteriors, terms } = roomFor(corpus, from, to);
      const { logBeta, maximum, logB: beta, priors, ofAlpha } = topics;
      if (!isScaledInF64) {
        isScaled.fill(0);
        memory.run(
          'boundTopics',
          tasksOf(termTasks, (first, end) => [first, end, K4, K, logBeta, maximum, beta]),
        );
        isScaledInF64 = true;
      }
      memory.f64(priors, K4).fill(1).set(alpha);
      if (of === 'posteriors') knowAlpha(Float32Array.from(memory.f64(priors, K4)));
      holdGamma(gamma, from, to);
      const tasks = tasksOf(cutTasks(corpus.rowStart, from, to, BOUND_TASKS), (first, end, task) => {
        const logTheta = at.sums + 4 * boundRoom * task;
        return [
          ...[first, end, K4, K, of === 'posteriors' ? 0 : 1, rowStart, term, count, priors, ofAlpha, posteriors],
          ...[logBeta, beta, maximum, logTheta, logTheta + 8 * K4, logTheta + 16 * K4, terms],
        ];
      });
      memory.run('boundDocuments', tasks);
      return { terms: memory.f64(at.terms, 5 * (to - from)), ...sumsOf(tasks.length, boundRoom) };
    },
    leaveOut({ rowStart }, from, d) {
      memory.f32(at.ratio + 4 * (rowStart[d]! - rowStart[from]!), rowStart[d + 1]! - rowStart[d]!).fill(0);
    },
    terms(corpus, from, to, topicTerm) {
      const { ratio, theta, support, tokens } = roomFor(corpus, from, to);
      const known = blockOf(corpus, from, to);
      known.columns ??= columnsOf(corpus, from, to, V);
      const { start, entry, document } = known.columns;
      if (columns !== known.columns) {
        columns = known.columns;
        memory.u32(topics.columnStart, V + 1).set(start);
        memory.u32(at.columnEntry, entry.length).set(entry);
        memory.u32(at.columnDocument, document.length).set(document);
      }
      memory.f64(topics.found, 2 * V).fill(0);
      const { columnEntry, columnDocument } = at;
      const { columnStart, logBeta, logB, statistics, found } = topics;
      const isHere = topicTerm === arrays.topicTerm;
      memory.run(
        'ldaTerms',
        tasksOf(cutTasks(start, 0, V), (first, end) => [
          ...[first, end, K4, K, columnStart, columnEntry, columnDocument, ratio, theta, support, tokens],
          ...[topics.beta, logBeta, logB, statistics, isHere ? topics.topicTerm : 0, found],
        ]),
      );
      if (topicTerm !== null && !isHere) {
        const expected = memory.f32(statistics, V * K4);
        for (let w = 0; w < V; w++) {
          if (start[w] === start[w + 1]) continue;
          for (let k = 0; k < K; k++) topicTerm[w * K + k]! += expected[w * K4 + k]!;
        }
      }
      const [words, asComputed] = sumPairs(memory.f64(found, 2 * V));
      return { words, asComputed };
    },
  };
}
