import { STATUS, UserError } from '../errors.js';
import { topicsReport } from '../report/topics.js';
import { parseSetting } from '../settings.js';
import { defineCommand } from './_command.js';
import { loadModel } from './_model.js';
import { countOrAll } from './_numbers.js';
import { reportSettings, terminalWidth, writeReport } from './_output.js';

const settings = {
  terms: { kind: 'text', alias: 'n', value: 'N', default: '10', describe: 'terms of each topic, or all' },
  topic: { kind: 'text', value: 'LIST', describe: 'only these topics: numbers separated by commas' },
  by: {
    kind: 'text',
    value: 'READING',
    describe: "how to weigh a topic's terms [default: the model's first reading; probability where terms have one]",
  },
  order: {
    kind: 'choice',
    choices: ['share', 'number'],
    default: 'share',
    describe: 'largest topic first, or by number',
  },
} as const;

export const command = defineCommand({
  name: 'topics',
  description:
    'Prints the heaviest terms of each topic, and its share of what was fitted. Topics of points are read by their means.',
  examples: [
    ['thema topics m.safetensors', 'ten terms of each topic'],
    ['thema topics m.safetensors -n 30 --topic 3,7', 'more of two topics'],
    ['thema topics m.safetensors --json | jq length', 'the number of topics'],
  ],
  operands: [{ name: 'model' }],
  groups: { Options: settings, Output: reportSettings },
  async run({ operands, values }) {
    const { model, dims, state, shares, vocabulary, record } = await loadModel(operands['model']!);
    const names = Object.keys(model.readings);
    const by = values.by ?? names[0];
    const reading =
      by === undefined
        ? () => new Float64Array(0)
        : Object.hasOwn(model.readings, by)
          ? model.readings[by]!
          : undefined;
    if (reading === undefined) {
      throw new UserError(
        `--by: got "${by}", ${names.length === 0 ? 'but the topics of points have no terms' : `expected one of ${names.join(', ')} for this model`}`,
        { status: STATUS.usage },
      );
    }
    const report = topicsReport(reading(state), shares, vocabulary, {
      reading: by ?? '',
      readOut: by === names[0] ? state.readOut : undefined,
      columns: record.columns,
      facts: (k) => model.facts(state, k),
      terms: countOrAll(values.terms, '--terms'),
      order: values.order,
      only: values.topic?.split(',').map((text) => topicNumber(text.trim(), dims.K)),
      weights: true,
      width: terminalWidth(values),
    });
    await writeReport(report, values);
  },
});

function topicNumber(text: string, K: number): number {
  const topic = parseSetting({ kind: 'integer', min: 0, describe: '' }, text, '--topic') as number;
  if (topic < K) return topic;
  throw new UserError(`--topic: got ${topic}, expected a topic from 0 to ${K - 1}`, { status: STATUS.usage });
}
