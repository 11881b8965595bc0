/** Work on sources of which some come after others. Pure, so that a workflow and a command's own process do it alike. */

export interface Ordered {
  readonly source: string;
  /** Those that must have ended before, however they did; what is not among the steps counts as ended. */
  readonly after: readonly string[];
}

/**
 * Does each once those before it have ended, so many at a time.
 * @returns in the order of the steps.
 * @throws what one of them threw, once nobody is at work any more.
 */
export async function inOrder<Step extends Ordered, Result>(
  steps: readonly Step[],
  beside: number,
  work: (step: Step) => Promise<Result>,
): Promise<readonly Result[]> {
  const slots = new Set<Promise<unknown>>();
  const ended = new Map<string, Promise<Result>>();
  for (const step of steps) ended.set(step.source, started(step));
  const all = await Promise.allSettled(ended.values());
  const broken = all.find((one) => one.status === 'rejected');
  if (broken) throw broken.reason;
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));

  async function started(step: Step): Promise<Result> {
    // Every source has its promise by then.
    await Promise.resolve();
    await Promise.all(step.after.flatMap((other) => ended.get(other) ?? []));
    while (slots.size >= beside) await Promise.race(slots);
    const running = work(step);
    const slot = running.then(
      () => undefined,
      () => undefined,
    );
    slots.add(slot);
    void slot.then(() => slots.delete(slot));
    return running;
  }
}

/** Milliseconds that all of it takes where each takes so long; null where of one nobody knows. */
export function timeInOrder(
  steps: readonly (Ordered & { readonly expected: number | null })[],
  beside: number,
): number | null {
  if (steps.some(({ expected }) => expected === null)) return null;
  const ends = new Map<string, number>();
  const free = Array.from({ length: beside }, () => 0);
  const names = new Set(steps.map(({ source }) => source));
  let left = [...steps];
  while (left.length > 0) {
    const ready = left.filter(({ after }) => after.every((other) => !names.has(other) || ends.has(other)));
    const [next] = ready.map((step) => ({ step, from: beginOf(step) })).toSorted((a, b) => a.from - b.from);
    // A circle, which the config refuses.
    if (!next) return null;
    const slot = free.indexOf(Math.min(...free));
    const end = Math.max(next.from, free[slot] ?? 0) + (next.step.expected ?? 0);
    free[slot] = end;
    ends.set(next.step.source, end);
    left = left.filter((step) => step !== next.step);
  }
  return Math.max(0, ...ends.values());

  function beginOf({ after }: Ordered): number {
    return Math.max(0, ...after.map((other) => ends.get(other) ?? 0));
  }
}
