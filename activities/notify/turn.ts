/** One after another within this process: for what several steps at once read, change and write. */

const turns = new Map<string, Promise<unknown>>();

/** Does the work when everything that was asked for earlier under this name has ended, however it did. */
export function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
  // Who waits next must not fail with it: its own caller hears of the failure.
  turns.set(
    name,
    turn.catch(() => undefined),
  );
  return turn;
}
