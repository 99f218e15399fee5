/**
 * How long is an epoch of the variational autoencoder, against topica's ProdLDA?
 *
 * 20 Newsgroups, K = 50, the same batches of 200 documents, 100 hidden units, no held-out documents. thema: the median
 * epoch after the first; topica: the seconds of three epochs less those of one, halved. In turns.
 */
import { medians, say } from './_measure.js';
import { available, corpusFolder, pythonNumber, SHARED } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit, settled } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly thema: number;
  readonly topica: number | null;
}

const NAME = 'vae';

export const question: Question = {
  name: NAME,
  asks: "How long is an epoch of the variational autoencoder, against topica's ProdLDA?",
  async run({ corpora = ['20ng'], topics = [50], repetitions = 3 }, results) {
    const hasPeer = (await available(['topica'])).length > 0;
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const options = ['--model', 'vae', '-k', k, '--batch', 200, '--held-out', 0, '--iterations', 3];
        const found = await medians(repetitions, {
          thema: async () => settled(await fit(`${folder}/train.ldac`, options)),
          ...(hasPeer ? { topica: () => pythonNumber('vae.py', SHARED, folder, k) } : {}),
        });
        const row = { corpus, k, thema: found.get('thema')!, topica: found.get('topica') ?? null };
        results.save<Row>(NAME, ['corpus', 'k'], [row]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'thema, s an epoch', 'topica', 'ratio'],
        ...rows.map(({ corpus, k, thema, topica }) => [
          ...[corpus, `${k}`, short(thema), topica === null ? '' : short(topica)],
          topica === null ? '' : ratio(thema, topica),
        ]),
      ],
    ];
  },
};
