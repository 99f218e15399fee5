import type { KernelMemory } from './memory.js';
import { copyRows } from './rows.js';
import { cutEvenly, MOST_TASKS, tasksOf } from './tasks.js';

/** Terms of one task. */
const TASK_TERMS = 64;

/** Boundaries that cut V terms into tasks. */
export function cutTerms(V: number): number[] {
  return cutEvenly(0, V, TASK_TERMS, MOST_TASKS - 1);
}

/**
 * E[log β_wk] = ψ(λ_wk) − ψ(Σ_w λ_wk) of q(β_k) = Dir(λ_k) into `logBeta` (V×K), by ldaExpectLog. In the memory, f64,
 * `at` has room for λ and E[log β], V rows of `width` numbers each, for a row of `digammaSums`, which are ψ(Σ_w λ_wk), and
 * for two numbers of each term.
 *
 * @returns Σ_wk E[log β_wk], and Σ_wk ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]
 */
export function expectLog(
  memory: KernelMemory,
  { V, K, width }: { readonly V: number; readonly K: number; readonly width: number },
  at: Readonly<Record<'lambda' | 'digammaSums' | 'logBeta' | 'found', number>>,
  lambda: Float64Array,
  digammaSums: Float64Array,
  logBeta: Float64Array,
): { readonly total: number; readonly entropy: number } {
  const rows = memory.f64(at.lambda, V * width);
  if (width > K) rows.fill(1);
  copyRows(lambda, K, rows, width, V);
  memory.f64(at.digammaSums, K).set(digammaSums);
  memory.run(
    'ldaExpectLog',
    tasksOf(cutTerms(V), (from, to) => [from, to, width, K, at.lambda, at.digammaSums, at.logBeta, at.found]),
  );
  copyRows(memory.f64(at.logBeta, V * width), width, logBeta, K, V);
  const [total, entropy] = sumPairs(memory.f64(at.found, 2 * V));
  return { total, entropy };
}

/** Sums over terms of the two numbers that a kernel found of each. */
export function sumPairs(found: Float64Array): [number, number] {
  const sums: [number, number] = [0, 0];
  for (let i = 0; i < found.length; i += 2) {
    sums[0] += found[i]!;
    sums[1] += found[i + 1]!;
  }
  return sums;
}
