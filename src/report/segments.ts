import type { Segments } from '../corpus/corpus.js';
import type { Report } from './render.js';
import { printable, probability, shortened } from './table.js';

/** One segment of a document. */
export interface SegmentRow {
  readonly id: string;
  /** Its place in the document, from 1. */
  readonly segment: number;
  /** Its topic on the document's most likely path of topics (Viterbi). */
  readonly path_topic: number;
  /** The probability of that topic in this segment, given the document. */
  readonly path_probability: number;
  /** Its topics by their probability given the document, most probable first. */
  readonly topics: readonly { readonly topic: number; readonly probability: number }[];
  /** Tokens that the model knows. */
  readonly tokens: number;
  /** Its terms, those first that speak for `path_topic` most. */
  readonly words: readonly string[];
  /** As it was read; null where the file keeps counts only. */
  readonly text: string | null;
}

/** What the rows of segments are made of. */
export interface SegmentedDocuments {
  readonly ids: readonly string[];
  readonly segments: Segments;
  /** The text of each segment of each document, where it is known. */
  readonly texts: readonly (readonly string[])[] | null;
  readonly vocabulary: readonly string[];
  /** V×K weights of terms: those of a segment are shown in the order of their weight in its topic. */
  readonly weights: Float64Array;
  /** Topics of each row at most. */
  readonly top: number;
}

/** The segments of the documents, one row each, in their order. */
export function* segmentRows(
  { ids, segments, texts, vocabulary, weights, top }: SegmentedDocuments,
  segmentation: (d: number) => { readonly path: Uint32Array; readonly posterior: Float64Array },
): Generator<SegmentRow> {
  const K = weights.length / vocabulary.length;
  for (let d = 0; d < ids.length; d++) {
    const { path, posterior } = segmentation(d);
    for (let t = 0; t < path.length; t++) {
      const topic = path[t]!;
      const s = segments.start[d]! + t;
      const [from, to] = [segments.rowStart[s]!, segments.rowStart[s + 1]!];
      const terms = segments.term.slice(from, to);
      terms.sort((a, b) => weights[b * K + topic]! - weights[a * K + topic]! || a - b);
      const probabilities = Array.from(posterior.subarray(t * K, (t + 1) * K), (p, k) => ({
        topic: k,
        probability: p,
      }));
      yield {
        id: ids[d]!,
        segment: t + 1,
        path_topic: topic,
        path_probability: posterior[t * K + topic]!,
        topics: probabilities.sort((a, b) => b.probability - a.probability || a.topic - b.topic).slice(0, top),
        tokens: segments.count.subarray(from, to).reduce((sum, n) => sum + n, 0),
        words: Array.from(terms, (w) => vocabulary[w]!),
        text: texts === null ? null : texts[d]![t]!,
      };
    }
  }
}

/** p(w | k) / p(w), V×K: how much a term speaks for a topic. */
export function lifts(topics: Float64Array, shares: Float64Array): Float64Array {
  const K = shares.length;
  const lift = topics.slice();
  for (let at = 0; at < lift.length; at += K) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += shares[k]! * topics[at + k]!;
    for (let k = 0; k < K; k++) lift[at + k]! /= sum;
  }
  return lift;
}

/** Columns of a line where there is no terminal. */
const WIDTH = 100;

/**
 * Segments, one line each under their document and, for each run of one topic on the most likely path, that topic's terms;
 * rows may stream.
 */
export function segmentsReport(
  rows: Iterable<SegmentRow> | AsyncIterable<SegmentRow>,
  topicTerms: (k: number) => readonly string[],
  width: number = WIDTH,
): Report<SegmentRow> {
  return {
    rows,
    columns: ['id', 'segment', 'path_topic', 'path_probability', 'topic', 'probability', 'tokens', 'words', 'text'],
    cells: ({ id, segment, path_topic, path_probability, topics, tokens, words, text }) => [
      [
        id,
        segment,
        path_topic,
        path_probability,
        topics[0]?.topic ?? null,
        topics[0]?.probability ?? null,
        tokens,
        words.join(' '),
        text,
      ],
    ],
    async *text(rows, style) {
      let id: string | undefined;
      let topic: number | undefined;
      for await (const row of rows) {
        if (row.segment === 1) {
          if (id !== undefined) yield '';
          id = row.id;
          yield style('bold', printable(id));
        }
        if (row.segment === 1 || row.path_topic !== topic) {
          topic = row.path_topic;
          const heading = `topic ${topic}: ${printable(topicTerms(topic).join(' '))}`;
          yield style('cyan', shortened(heading, width));
        }
        const start = `${String(row.segment).padStart(5)}  ${rounded(row.path_probability)}  `;
        yield style('dim', start) +
          shortened(printable(row.text ?? (row.words.join(' ') || '(no known term)')), width - start.length);
      }
    },
  };
}

/** A probability in four columns; it is 1 only where it rounds to nothing else. */
function rounded(p: number): string {
  return p >= 0.995 ? '1.00' : p < 0.005 ? '<.01' : ` ${probability(Math.round(100 * p) / 100).padEnd(3, '0')}`;
}
