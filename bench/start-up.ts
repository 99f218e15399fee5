/**
 * How long until a command answers?
 *
 * Seconds of whole commands by the clock, medians of repetitions in turns: thema's version, its help, the topics of a small
 * model; Node alone; and what a Python user waits for before the first line of work, the import of a tool; MALLET's help.
 */
import { measure, medians } from './_measure.js';
import { available, mallet, pythonLine, ROOT, THEMA } from './_places.js';
import type { Question } from './_question.js';
import { nameOf, ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly command: string;
  readonly milliseconds: number;
  /** `thema --version` in the same session. */
  readonly thema: number;
}

const NAME = 'start-up';
const TOOLS = ['sklearn', 'gensim', 'tomotopy', 'topica', 'mallet'];
const MODULES: Readonly<Record<string, string>> = { sklearn: 'sklearn.decomposition', gensim: 'gensim.models' };

export const question: Question = {
  name: NAME,
  asks: 'How long until a command answers?',
  async run({ tools = TOOLS, repetitions = 11 }, results) {
    const { model } = await fit(`${ROOT}/corpora/tour.txt`, ['-k', 3], 'tour');
    const wall =
      (...command: [string, ...string[]]) =>
      async () =>
        (await measure(command)).wall;
    const subjects: Record<string, () => Promise<number>> = {
      'node -e 0': wall(process.execPath, '-e', '0'),
      'thema --version': wall(...THEMA, '--version'),
      'thema --help': wall(...THEMA, '--help'),
      'thema topics tour.safetensors': wall(...THEMA, 'topics', model),
    };
    for (const tool of await available(tools)) {
      if (tool === 'mallet')
        subjects['MALLET, help'] = async () => (await mallet('cc.mallet.topics.tui.TopicTrainer', '--help')).wall;
      else subjects[`import ${nameOf(tool)}`] = async () => (await pythonLine(`import ${MODULES[tool] ?? tool}`)).wall;
    }
    const found = await medians(repetitions, subjects);
    const thema = 1000 * found.get('thema --version')!;
    const rows = [...found].map(([command, seconds]) => ({ command, milliseconds: 1000 * seconds, thema }));
    results.save<Row>(NAME, ['command'], rows);
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['command', 'ms', 'against thema --version'],
        ...rows.map(({ command, milliseconds, thema }) => [command, short(milliseconds), ratio(thema, milliseconds)]),
      ],
    ];
  },
};
