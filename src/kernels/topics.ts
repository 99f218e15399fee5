import type { KernelMemory } from './memory.js';
import { copyRows } from './rows.js';
import { cutEvenly, MOST_TASKS, tasksOf } from './tasks.js';

/** Terms of one task. */
const TASK_TERMS = 64;

/** Boundaries that cut V terms into tasks. */
export function cutTerms(V: number): number[] {
  return cutEvenly(0, V, TASK_TERMS, MOST_TASKS - 1);
}

/** Where λ and E[log β] are, V rows of `width` numbers each, room for K `digammaSums`, and for two numbers of each term: f64. */
type Places = Readonly<Record<'lambda' | 'digammaSums' | 'logBeta' | 'found', number>>;
type Shape = Readonly<Record<'V' | 'K' | 'width', number>>;

/**
 * E[log β_wk] = ψ(λ_wk) − ψ(Σ_w λ_wk) of q(β_k) = Dir(λ_k), by ldaExpectLog; `digammaSums` are ψ(Σ_w λ_wk).
 *
 * @returns Σ_wk E[log β_wk], and Σ_wk ln Γ(λ_wk) − (λ_wk − 1) E[log β_wk]
 */
export function expectLogThere(
  memory: KernelMemory,
  { V, K, width }: Shape,
  at: Places,
  digammaSums: Float64Array,
): { readonly total: number; readonly entropy: number } {
  memory.f64(at.digammaSums, K).set(digammaSums);
  memory.run(
    'ldaExpectLog',
    tasksOf(cutTerms(V), (from, to) => [from, to, width, K, at.lambda, at.digammaSums, at.logBeta, at.found]),
  );
  const [total, entropy] = sumPairs(memory.f64(at.found, 2 * V));
  return { total, entropy };
}

/** The same of `lambda`, into `logBeta`, V×K both. */
export function expectLog(
  memory: KernelMemory,
  shape: Shape,
  at: Places,
  lambda: Float64Array,
  digammaSums: Float64Array,
  logBeta: Float64Array,
): { readonly total: number; readonly entropy: number } {
  const { V, K, width } = shape;
  copyRows(lambda, K, memory.f64(at.lambda, V * width), width, V);
  const found = expectLogThere(memory, shape, at, digammaSums);
  copyRows(memory.f64(at.logBeta, V * width), width, logBeta, K, V);
  return found;
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
