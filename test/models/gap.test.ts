/**
 * log evidence − bound = KL(q ‖ p): on data so small that every value of the hidden variables can be visited, the
 * evidence is exact, and so is the divergence, computed in gaps/ from its definition
 *
 *     KL = Σ_z q(z) [ ln q(z) − ln p(z | w) + Σ KL(q of a conjugate factor ‖ its posterior given z) ].
 *
 * For models of points log evidence is the log likelihood at the points. `npx vitest run test/models/gap` prints the table.
 */
import { describe, expect, it } from 'vitest';
import { log } from '../../src/math/special.js';
import { rows as gmm } from './gaps/gmm.js';
import { rows as hmm } from './gaps/hmm.js';
import { rows as lda } from './gaps/lda.js';
import { rows as mixture } from './gaps/mixture.js';
import { rows as plsa } from './gaps/plsa.js';
import type { GapRow } from './gaps/row.js';
import { rows as vae } from './gaps/vae.js';

const table: GapRow[] = [...lda, ...mixture, ...plsa, ...gmm, ...hmm, ...vae];
const lines: string[][] = [['model', 'K', 'log evidence', 'bound', 'gap', 'KL']];

function addLine(name: string, K: number, { logEvidence, bound, kl }: ReturnType<GapRow['gap']>): void {
  const small = (x: number) => (Math.abs(x) < 1e-10 ? x.toExponential(0) : x.toFixed(6));
  lines.push([name, String(K), logEvidence.toFixed(6), bound.toFixed(6), small(logEvidence - bound), small(kl)]);
}

describe.each(table)('$name', ({ name, exact, topics = [2, 3], gap }) => {
  const says = exact
    ? 'has no gap between bound and log evidence, to 1e-10'
    : 'has a bound below the log evidence by exactly KL(q ‖ p), to 1e-10';

  it.each(topics)(
    `${says}, at every stage of the fit, for K = %i`,
    (K) => {
      for (let seed = 1; seed <= 8; seed++) {
        const { logEvidence, bound, kl } = gap(K, seed);
        if (exact) expect(Math.abs(kl)).toBeLessThan(1e-10);
        else expect(logEvidence - bound).toBeGreaterThan(1e-3);
        expect(Math.abs(logEvidence - bound - kl)).toBeLessThan(1e-10);
        if (seed === 3) addLine(name, K, { logEvidence, bound, kl });
      }
    },
    60_000,
  );
});

describe.each(table.filter(({ topics }) => topics === undefined))('$name with K = 1', ({ name, gap }) => {
  it('has a tight bound, to 1e-10', () => {
    const { logEvidence, bound, kl } = gap(1, 3);
    addLine(name, 1, { logEvidence, bound, kl });
    expect(Math.abs(logEvidence - bound)).toBeLessThan(1e-10);
    expect(Math.abs(kl)).toBeLessThan(1e-10);
  });
});

it('has as maximum likelihood of K = 1 that of the counts, for LDA of points and pLSA', () => {
  const expected = [2, 2, 3, 2].reduce((sum, n) => sum + n * log(n / 9), 0);
  for (const { gap } of [lda[1]!, mixture[1]!, plsa[0]!]) expect(gap(1, 3).bound).toBeCloseTo(expected, 10);
});

it('prints the table', () => {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  console.log(
    lines
      .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
      .join('\n'),
  );
  expect(lines.length).toBeGreaterThan(table.length);
});
