/** The sample's restores against their living sources: the shop by its journal, the stack file by file. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startServer, type PrivateServer } from '../../activities/sources/postgres/server.ts';
import { messageOf } from '../../activities/streams/errno.ts';
import type { Check } from '../../model/evidence.ts';
import { compareTrees } from './compare-files.ts';
import { serverBinaries, SUPERUSER, withShop } from './sample/database.ts';
import type { SamplePlace } from './sample/place.ts';
import { replay } from './sample/replay.ts';
import type { Workload } from './sample/workload.ts';

export interface SampleComparison {
  readonly compare: (source: string, restored: string, scratch: string) => Promise<readonly Check[]>;
  /** What was compared, in words, a line each. */
  summary(): readonly string[];
}

interface Sources {
  readonly place: SamplePlace;
  readonly server: PrivateServer;
  readonly workload: Workload;
  readonly signal: AbortSignal;
}

/** Begun before the run: what the source has confirmed by now must be in the restore. */
export function sampleComparison(sources: Sources): SampleComparison {
  const confirmed = sources.workload.confirmed();
  const lines: string[] = [];
  return {
    summary: () => lines,
    compare: async (source, restored, scratch) => {
      const { checks, summary } =
        source === 'shop'
          ? await compareShop(sources, confirmed, restored, scratch)
          : await compareStack(sources, restored);
      if (checks.every(({ ok }) => ok)) lines.push(`${source}: ${summary}`);
      return checks;
    },
  };
}

interface Compared {
  readonly checks: readonly Check[];
  readonly summary: string;
}

async function compareShop(
  { server, workload, signal }: Sources,
  confirmed: number,
  restored: string,
  scratch: string,
): Promise<Compared> {
  const runtime = path.join(scratch, 'replay');
  await mkdir(runtime, { mode: 0o711 });
  const { folder } = await serverBinaries();
  const copy = await startServer({
    data: restored,
    runtime,
    binaries: folder,
    superuser: SUPERUSER,
    isolated: true,
    signal,
    // What is only looked at and then thrown away needs no care.
    settings: { fsync: 'off', autovacuum: 'off', shared_buffers: '128MB', cluster_name: 'mosaic-backup-replay' },
  });
  try {
    const found = await withShop(copy, signal, (there) =>
      withShop(server, signal, (here) => replay(there, here, confirmed)),
    );
    const count = new Intl.NumberFormat('en');
    return {
      checks: [...found.checks, steadyLoad(workload)],
      summary: `${count.format(found.rows)} rows in ${found.tables} tables equal the replay of the restored journal, up to transaction ${found.last}; writing never paused`,
    };
  } finally {
    await copy.stop('immediate');
  }
}

function steadyLoad(workload: Workload): Check {
  const failure = workload.failure();
  const detail = failure === undefined ? 'went on all the time' : `ended: ${messageOf(failure)}`;
  return { name: 'write load', compared: true, ok: failure === undefined, detail };
}

async function compareStack({ place, signal }: Sources, restored: string): Promise<Compared> {
  const { entries, files, differences } = await compareTrees(place.stack, path.join(restored, place.stack), signal);
  const ok = differences.length === 0;
  const detail = ok ? `${entries} entries are the same` : differences.slice(0, 20).join('; ');
  return {
    checks: [{ name: 'files: source', compared: true, ok, detail }],
    summary: `${files} files equal the source byte by byte; ${entries} entries in kind, mode, owner, time and target`,
  };
}
