import { expect, it } from 'vitest';
import { groupTopics, mergeColumns } from '../../src/models/lda-merge.js';

/** V×K, a list of each topic's counts being given. */
const columns = (...topics: number[][]) => topics[0]!.flatMap((_, w) => topics.map((topic) => topic[w]!));

it('merges the topics that are most alike, in the proportions of their terms', () => {
  const topics = columns([90, 10, 0, 0], [0, 0, 50, 50], [9, 1, 0, 0], [0, 0, 6, 4]);
  expect([...groupTopics(topics, 4, 4, 2)]).toEqual([0, 1, 0, 1]);
  expect([...groupTopics(topics, 4, 4, 3)]).toEqual([0, 1, 0, 2]);
  expect([...groupTopics(topics, 4, 4, 4)]).toEqual([0, 1, 2, 3]);
});

it('would rather merge a small topic with one that is less like it than two large ones', () => {
  const topics = columns([1000, 0, 500], [0, 1000, 500], [0, 10, 0]);
  expect([...groupTopics(topics, 3, 3, 2)]).toEqual([0, 1, 1]);
});

it('goes on with what it has merged', () => {
  // the first two are a topic that is half of the third
  const topics = columns([100, 0, 0, 0], [99, 1, 0, 0], [100, 100, 0, 0], [0, 0, 100, 100]);
  expect([...groupTopics(topics, 4, 4, 2)]).toEqual([0, 0, 0, 1]);
});

it('merges topics that have no tokens first, and reads rows as wide as they are', () => {
  const topics = [5, 0, 0, 9, 0, 3, 0, 9];
  expect([...groupTopics(topics, 4, 3, 2)]).toEqual([0, 1, 0]);
});

it('adds up the columns of each group', () => {
  expect([...mergeColumns(Float32Array.of(1, 2, 4, -1, 8, 16, 32, -1), 4, [1, 0, 1], 3)]).toEqual([2, 5, 0, 16, 40, 0]);
});
