import fc from 'fast-check';
import { expect, test } from 'vitest';
import { corpusBuilder } from '../../src/corpus/build.js';
import { withDefaults } from '../../src/settings.js';
import { type AnalysisRecord, analysis, recordAnalysis } from '../../src/text/analyse.js';
import { renumbering, termCounter } from '../../src/text/count.js';
import { textSettings } from '../../src/text/settings.js';

const record = (segment: AnalysisRecord['segment']) =>
  recordAnalysis(withDefaults(textSettings, { segment, 'stop-words': 'none', 'min-length': 1 }));

const texts = fc.array(
  fc.array(fc.constantFrom('a', 'B', 'b,', 'cc. Dd', 'é', '\n', '7'), { maxLength: 9 }).map((words) => words.join(' ')),
  { minLength: 1, maxLength: 12 },
);

test.each(['none', 'sentence', 'token'] as const)(
  'with segments by %s the corpus is the same however often the counts are taken and the terms forgotten',
  async (segment) => {
    const ready = await analysis(await record(segment));
    const built = (texts: readonly string[], takes: readonly boolean[], mostHeld?: number) => {
      const counter = termCounter(ready, mostHeld);
      const builder = corpusBuilder([]);
      const renumber = renumbering(builder.number);
      let named: { id: string; meta: string[] }[] = [];
      for (const [i, text] of texts.entries()) {
        counter.add(text);
        named.push({ id: String(i), meta: [] });
        if (!takes[i] && i < texts.length - 1) continue;
        builder.add(named, renumber(counter.take()));
        named = [];
      }
      return builder.finish({});
    };
    fc.assert(
      fc.property(texts, fc.array(fc.boolean()), fc.nat(5), (texts, takes, mostHeld) => {
        fc.pre(texts.some((text) => /[a-zé]/i.test(text)));
        expect(built(texts, takes, mostHeld)).toEqual(built(texts, []));
      }),
    );
  },
);

test('what was left out is told with the counts', async () => {
  const counter = termCounter(await analysis(await recordAnalysis(withDefaults(textSettings, {}))));
  counter.add('The gold x');
  expect(counter.take().leftOut).toEqual({ kept: 1, stopWords: 1, short: 1, long: 0 });
  counter.add('a'.repeat(101));
  expect(counter.take()).toMatchObject({ terms: [], firstTerm: 1, leftOut: { kept: 0, stopWords: 0, long: 1 } });
});
