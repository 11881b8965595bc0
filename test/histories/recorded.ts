/** The histories that are kept in `recorded/`. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

export const RECORDED = path.join(import.meta.dirname, 'recorded');

/** What of a history is looked at here; all of it is replayed. */
const history = z.looseObject({
  events: z
    .tuple([
      z.looseObject({
        workflowExecutionStartedEventAttributes: z.looseObject({
          workflowType: z.object({ name: z.string() }),
          workflowId: z.string(),
        }),
      }),
    ])
    .rest(z.unknown()),
});

export interface Recorded {
  /** `<workflow type>.<what it tells>`. */
  readonly name: string;
  readonly type: string;
  readonly workflowId: string;
  readonly history: z.output<typeof history>;
}

/** In the order of their names. */
export async function recordedHistories(): Promise<readonly Recorded[]> {
  const files = (await readdir(RECORDED)).filter((file) => file.endsWith('.json')).toSorted();
  return Promise.all(
    files.map(async (file) => {
      const found = history.parse(JSON.parse(await readFile(path.join(RECORDED, file), 'utf8')));
      const { workflowType, workflowId } = found.events[0].workflowExecutionStartedEventAttributes;
      return { name: path.basename(file, '.json'), type: workflowType.name, workflowId, history: found };
    }),
  );
}
