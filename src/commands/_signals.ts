import { removeTemporaries } from '../files/atomic-write.js';

/** On Ctrl-C or a batch system's SIGTERM: removes what is half written, then ends by the signal, so that the shell sees 130 or 143. */
export function endCleanlyOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      removeTemporaries();
      // With a listener left, the process would catch its own signal.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }
}
