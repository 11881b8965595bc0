/** Turns at a destination: so many copies go there at once from this process, the others wait in the order in which they came. */
import { aborted } from '../streams/pipeline.ts';
import type { Work } from '../work.ts';

export interface TurnRequest {
  /** What is taken turns at. */
  readonly place: string;
  /** How many at once. */
  readonly limit: number;
  readonly work: Work;
}

interface Place {
  running: number;
  /** Each is told that its turn has come, or leaves. */
  readonly waiting: Set<{ readonly limit: number; readonly begin: () => void }>;
}

const places = new Map<string, Place>();

/**
 * Runs a body when its turn has come. While it waits it says so, and takes nobody else's time.
 * @throws BackupError `aborted` when it is cancelled before.
 */
export async function withTurn<Result>(
  { place: name, limit, work }: TurnRequest,
  body: (work: Work) => Promise<Result>,
): Promise<Result> {
  const place = places.get(name) ?? { running: 0, waiting: new Set() };
  places.set(name, place);
  if (place.running >= limit || place.waiting.size > 0) await turn(place, limit, work);
  else place.running += 1;
  try {
    return await body(work);
  } finally {
    place.running -= 1;
    beginNext(place);
    if (place.running === 0 && place.waiting.size === 0) places.delete(name);
  }
}

/** Whoever begins is counted by who lets it: between two turns no third may slip in. */
function turn(place: Place, limit: number, work: Work): Promise<void> {
  if (work.signal.aborted) throw aborted();
  work.progress({ phase: 'waiting for its turn', bytes: 0, total: null, activity: 0 });
  return new Promise((resolve, reject) => {
    const waiting = { limit, begin };
    function begin(): void {
      work.signal.removeEventListener('abort', leave);
      resolve();
    }
    function leave(): void {
      place.waiting.delete(waiting);
      reject(aborted());
    }
    work.signal.addEventListener('abort', leave, { once: true });
    place.waiting.add(waiting);
    // The limit may have been raised since those before began to wait.
    beginNext(place);
  });
}

function beginNext(place: Place): void {
  for (const next of place.waiting) {
    if (place.running >= next.limit) return;
    place.waiting.delete(next);
    place.running += 1;
    next.begin();
  }
}
