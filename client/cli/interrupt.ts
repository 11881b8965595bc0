/** ^C once cancels cleanly, twice leaves. */
import type { Interruption } from './errors.ts';
import type { Output } from './output.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The signal that came first; undefined while none has. */
  readonly received: () => Interruption | undefined;
  /** What is said at the first signal, in place of a cancellation. */
  readonly says: (text: string) => void;
  /** Stops listening: the command has ended. */
  readonly stop: () => void;
}

/** Milliseconds after which a further signal is a second wish, and not the same one sent to a whole process group. */
const SECOND = 200;

export function watchInterrupt(out: Output, exit: (status: number) => void): Interrupt {
  const controller = new AbortController();
  let received: Interruption | undefined;
  let since = 0;
  let said = 'Cancelling, and cleaning up …';
  function onSignal(signal: Interruption): void {
    if (received === undefined) {
      received = signal;
      since = Date.now();
      out.note(signal === 'SIGINT' ? `${said} (^C again leaves at once)` : said);
      controller.abort();
      return;
    }
    // The terminal and a wrapper such as npm may both send it.
    if (Date.now() - since < SECOND) return;
    exit(received === 'SIGINT' ? 130 : 5);
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  function stop(): void {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal);
  }
  function says(text: string): void {
    said = text;
  }
  return { signal: controller.signal, received: () => received, says, stop };
}

/** Of a command inside another process: that ends it. */
export function interruptedBy(signal: AbortSignal): Interrupt {
  return { signal, received: () => (signal.aborted ? 'SIGTERM' : undefined), says: () => {}, stop: () => {} };
}
