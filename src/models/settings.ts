import type { Settings } from '../settings.js';

/** Settings of models whose E-step is a fixed point of each document. */
export const roundSettings = {
  'e-step-iterations': {
    kind: 'integer',
    value: 'N',
    min: 1,
    default: 5,
    describe: 'rounds of a document at most in one E-step of a fit',
  },
  'e-step-tolerance': {
    kind: 'number',
    value: 'T',
    min: 0,
    default: 1e-3,
    describe: 'a document is done when a round moves less than this share of its tokens',
  },
} as const satisfies Settings;

/** What `--schedule online` is. */
export const ONLINE =
  'Or after each batch of documents (online): in one pass, in memory that does not grow with their number; the bound of a ' +
  'batch is an estimate and not promised to rise';

/**
 * Settings of models that need nothing of documents but sums of statistics over them: then documents may come in batches.
 * Defaults of the steps: Hoffman, Blei & Bach 2010, table 1, the best for batches of 4,096.
 */
export const onlineSettings = {
  batch: {
    kind: 'integer',
    value: 'N',
    min: 1,
    default: 4096,
    onlyWith: [['schedule', 'online']],
    describe: 'documents of a step (online)',
  },
  documents: {
    kind: 'integer',
    value: 'N',
    min: 1,
    onlyWith: [['schedule', 'online']],
    describe:
      'documents in all, where text comes in one pass (online); without it those read so far stand for them: first ' +
      'topics are less sure of themselves, last ones as if the number had been known',
  },
  delay: {
    kind: 'number',
    value: 'T',
    min: 1,
    default: 64,
    onlyWith: [['schedule', 'online']],
    describe: 'step t, from 0, has the size (T + t)^-kappa (online): a larger delay lets first batches count less',
  },
  kappa: {
    kind: 'number',
    value: 'X',
    min: 0,
    max: 1,
    default: 0.5,
    onlyWith: [['schedule', 'online']],
    describe:
      'how fast steps become smaller (online): above 0.5 they converge, 1 forgets nothing, 0 all but the last batch',
  },
} as const satisfies Settings;

/** The same with a choice of the schedule. */
export const scheduleSettings = {
  schedule: {
    kind: 'choice',
    choices: ['batch', 'online'],
    default: 'batch',
    describe: `learn after each pass over all documents (batch). ${ONLINE}`,
  },
  ...onlineSettings,
} as const satisfies Settings;

/** Settings of models with Dirichlet posteriors on topics, where `--inference vb` asks for them. */
export const learnEtaSettings = {
  'learn-eta': {
    kind: 'flag',
    default: true,
    onlyWith: [['inference', 'vb']],
    describe: 'learn eta by Newton steps (vb)',
  },
} as const satisfies Settings;
