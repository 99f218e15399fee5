import { expect, test } from 'vitest';
import { chart, spread } from '../bench/_chart.js';
import { interleaved, measure, median } from '../bench/_measure.js';
import { merge } from '../bench/_results.js';
import { markdown, ratio, short } from '../bench/_table.js';
import { isWhole, passesOf } from '../bench/_thema.js';
import { reached } from '../bench/time-to-perplexity.js';

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('subjects are measured in turns', async () => {
  const order: string[] = [];
  const subject = (name: string) => async () => order.push(name);
  const found = await interleaved(2, { a: subject('a'), b: subject('b') });
  expect(order).toEqual(['a', 'b', 'a', 'b']);
  expect(found.get('b')).toEqual([2, 4]);
});

test('a command is measured, and its failure is an error with what it said', async () => {
  const sleep = 'setTimeout(() => console.log("done"), 200)';
  const { wall, stdout } = await measure([process.execPath, '-e', sleep]);
  expect(wall).toBeGreaterThan(0.19);
  expect(stdout).toBe('done\n');
  await expect(measure([process.execPath, '-e', 'throw new Error("no luck")'])).rejects.toThrow('no luck');
});

test('the seconds of passes are the differences of the events of a fit', () => {
  const events = [
    { event: 'message' },
    { event: 'begin', stage: 'start' },
    { event: 'update', iteration: 1, seconds: 1 },
    { event: 'update', iteration: 3, seconds: 5 },
    { event: 'end' },
    { event: 'begin', stage: 'fit' },
    { event: 'update', iteration: 4, seconds: 5.5 },
    { event: 'update', iteration: 4, seconds: 6.5 },
  ];
  expect(passesOf(events)).toEqual({ seconds: 6.5, start: [1, 2, 2], passes: [0.5] });
});

test('rounds that ended early are noticed', () => {
  const passes = (...seconds: number[]) => [5, 10, 20].map((rounds, i) => [rounds, seconds[i]!] as const);
  expect(isWhole(passes(6, 11, 21))).toBe(true);
  expect(isWhole(passes(6, 11, 13))).toBe(false);
  expect(isWhole(passes(6, 6, 6))).toBe(false);
});

test('a target is reached at the first point at or below it', () => {
  const points = [
    { seconds: 9, perplexity: 80 },
    { seconds: 1, perplexity: 120 },
    { seconds: 4, perplexity: 100 },
  ];
  expect(reached(points, 100)?.seconds).toBe(4);
  expect(reached(points, 79)).toBeUndefined();
});

test('a later session replaces the rows it measured again, and no others', () => {
  const session = (date: string) => ({ date, commit: 'c', machine: 'm', node: 'v20', versions: {} });
  const first = merge(
    { sessions: [], rows: [] },
    session('1'),
    ['tool'],
    [
      { tool: 'a', passes: 1 },
      { tool: 'a', passes: 2 },
      { tool: 'b', passes: 1 },
    ],
  );
  const second = merge(first, session('2'), ['tool'], [{ tool: 'a', passes: 3 }]);
  expect(second.rows).toEqual([
    { tool: 'b', passes: 1, session: 0 },
    { tool: 'a', passes: 3, session: 1 },
  ]);
  const third = merge(second, session('3'), ['tool'], [{ tool: 'b', passes: 4 }]);
  expect(third.sessions.map(({ date }) => date)).toEqual(['2', '3']);
  expect(third.rows.map(({ session }) => session)).toEqual([0, 1]);
});

test('numbers have three digits, a table is Markdown', () => {
  expect([0.012345, 12.345, 1234.5, Number.NaN].map(short)).toEqual(['0.0123', '12.3', '1,235', '–']);
  expect(ratio(2, 5)).toBe('2.5×');
  expect(
    markdown([
      ['tool', 's'],
      ['a', '1'],
    ]),
  ).toBe('| tool | s   |\n| ---- | --- |\n| a    | 1   |');
});

test('labels of a chart stay apart and in their order', () => {
  expect(spread([100, 101, 50], 17, 0, 110)).toEqual([93, 110, 50]);
});

test('a chart has a line for each tool, names escaped, and no number that is none', () => {
  const points = [
    { x: 10, y: 100 },
    { x: 1, y: 900 },
    { x: 100, y: 90 },
  ];
  const svg = chart({
    title: 'a < b',
    x: 'seconds',
    y: 'perplexity',
    curves: [
      { name: 'thema', points, isMain: true },
      { name: 'other', points: [{ x: 5, y: 95 }], isMain: false },
      { name: 'none', points: [], isMain: false },
    ],
  });
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
