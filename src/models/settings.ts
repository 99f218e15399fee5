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

/** Settings of models with Dirichlet posteriors on topics, where `--inference vb` asks for them. */
export const learnEtaSettings = {
  'learn-eta': {
    kind: 'flag',
    default: true,
    onlyWith: ['inference', 'vb'],
    describe: 'learn eta by Newton steps (vb)',
  },
} as const satisfies Settings;
