/** Waiting for something that comes by itself. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks again and again until `look` gives something other than undefined or false, and returns it.
 * @param what for the message when it does not come within `milliseconds`.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  milliseconds = 30_000,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`within ${milliseconds / 1000} s this did not come: ${what}`);
    await pause(50);
  }
}
