import { expect, test } from 'vitest';
import { drawDocuments, drawTopics, termName } from '../../src/corpus/generate.js';
import { random } from '../../src/math/random.js';

const options = { documents: 2000, length: 20, V: 50, K: 3, alpha: 0.5, eta: 0.2 };

test('topics are distributions', () => {
  const topics = drawTopics(options, random(1));
  for (let k = 0; k < 3; k++) {
    expect(topics.subarray(k * 50, (k + 1) * 50).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  }
});

test('tokens of a topic are drawn from it, lengths and topics as often as they should', () => {
  const draws = random(1);
  const topics = drawTopics(options, draws);
  const counts = new Float64Array(150);
  const ofTopic = new Float64Array(3);
  let tokens = 0;
  for (const document of drawDocuments(options, topics, draws)) {
    tokens += document.terms.length;
    document.terms.forEach((w, i) => {
      counts[document.topics[i]! * 50 + w]!++;
      ofTopic[document.topics[i]!]!++;
    });
  }
  // Poisson of mean 40,000: 5 standard deviations are 1,000
  expect(Math.abs(tokens - 40_000)).toBeLessThan(1000);
  for (let k = 0; k < 3; k++) {
    // E θ = 1/3, sd of a document's 0.3, over 2,000 documents 0.007
    expect(Math.abs(ofTopic[k]! / tokens - 1 / 3)).toBeLessThan(0.035);
    for (let w = 0; w < 50; w++) {
      const p = topics[k * 50 + w]!;
      const n = ofTopic[k]!;
      expect(Math.abs(counts[k * 50 + w]! - n * p)).toBeLessThan(5.5 * Math.sqrt(n * p * (1 - p)) + 3);
    }
  }
});

test('term names differ and are single words of letters', () => {
  const names = Array.from({ length: 200_000 }, (_, w) => termName(w));
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => /^([bdfgklmnprstvz][aiou]){3,}$/.test(name))).toBe(true);
});
