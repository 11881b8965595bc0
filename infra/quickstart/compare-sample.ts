/** The sample's restores against their living sources: the databases by their journals, the stack file by file. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../activities/streams/errno.ts';
import { isOwnSource } from '../../model/config/own-source.ts';
import type { Check } from '../../model/evidence.ts';
import { compareTrees } from './compare-files.ts';
import type { Compared, Workload } from './sample/database.ts';
import type { OpenDatabase } from './sample/open.ts';
import type { SamplePlace } from './sample/place.ts';

export interface SampleComparison {
  readonly compare: (source: string, restored: string, scratch: string) => Promise<readonly Check[]>;
  /** What was compared, in words, a line each. */
  summary(): readonly string[];
}

/** A database with the load that is written to it. */
export interface Written {
  readonly database: OpenDatabase;
  readonly workload: Workload;
}

interface Sources {
  readonly place: SamplePlace;
  readonly written: readonly Written[];
  readonly signal: AbortSignal;
}

/** Begun before the run: what the sources have confirmed by now must be in the restores. */
export async function sampleComparison({ place, written, signal }: Sources): Promise<SampleComparison> {
  const confirmed = await Promise.all(
    written.map(async (one) => ({ ...one, confirmed: await one.workload.confirmed() })),
  );
  const order = [...written.map(({ database }) => database.of.source), 'stack'];
  const lines = new Map<string, string>();
  return {
    // Several are compared at a time; they are told of in one order.
    summary: () => order.flatMap((source) => lines.get(source) ?? []),
    compare: async (source, restored, scratch) => {
      // Its files were compared with its inventory already, and nothing writes to them.
      if (isOwnSource(source)) return [];
      const database = confirmed.find((one) => one.database.of.source === source);
      const { checks, summary } = database
        ? await compareDatabase(database, restored, scratch, signal)
        : await compareStack(place, restored, signal);
      if (checks.every(({ ok }) => ok)) lines.set(source, `${source}: ${summary}`);
      return checks;
    },
  };
}

async function compareDatabase(
  { database, workload, confirmed }: Written & { readonly confirmed: number },
  restored: string,
  within: string,
  signal: AbortSignal,
): Promise<Compared> {
  const scratch = path.join(within, 'replay');
  await mkdir(scratch, { mode: 0o711 });
  const { checks, summary } = await database.server.compare({ restored, scratch, confirmed, signal });
  return { checks: [...checks, steadyLoad(workload)], summary: `${summary}; writing never paused` };
}

function steadyLoad(workload: Workload): Check {
  const failure = workload.failure();
  const detail = failure === undefined ? 'went on all the time' : `ended: ${messageOf(failure)}`;
  return { name: 'write load', compared: true, ok: failure === undefined, detail };
}

async function compareStack(place: SamplePlace, restored: string, signal: AbortSignal): Promise<Compared> {
  const { entries, files, differences } = await compareTrees(place.stack, path.join(restored, place.stack), signal);
  const ok = differences.length === 0;
  const detail = ok ? `${entries} entries are the same` : differences.slice(0, 20).join('; ');
  return {
    checks: [{ name: 'files: source', compared: true, ok, detail }],
    summary: `${files} files equal the source byte by byte; ${entries} entries in kind, mode, owner, time and target`,
  };
}
