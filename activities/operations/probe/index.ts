/** Probes: the user's own questions to what was restored, in restore tests and drills, with the answers that are expected. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { probeName, type Probe } from '../../../model/config/probe.ts';
import type { SourceConfig } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatDuration } from '../../../model/units.ts';
import type { Site } from '../../site.ts';
import type { Service } from '../../sources/service.ts';
import { storageError } from '../../storage/fs-errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Work } from '../../work.ts';
import { runCommand } from './command.ts';
import { lookAtFile } from './file.ts';
import { cloneGit } from './git.ts';
import { askHttp } from './http.ts';
import { askQuery } from './query.ts';
import { wrong, type Asked, type ProbeContext, type Seen } from './types.ts';

export type { Asked } from './types.ts';
export { isServed, serveRestored, type ServeRequest } from './start.ts';

export interface ProbesRequest {
  readonly site: Pick<Site, 'redact'>;
  readonly source: string;
  readonly config: SourceConfig;
  /** What `serveRestored` brought up; null where there is nothing that runs. */
  readonly service: Service | null;
  /** Why `serveRestored` could not bring it up on this machine: what needs it is not asked then. */
  readonly unserved?: string | undefined;
  /** What `restore` made. */
  readonly restored: string;
  /** An empty folder that others may pass; what is made in it may be large, as the clone of a repository. */
  readonly scratch: string;
  readonly work: Work;
}

/** Asks them one after another, in their order. Never fails but when it is cancelled: what goes wrong is an answer too. */
export async function runProbes(request: ProbesRequest): Promise<readonly Asked[]> {
  const answers: Asked[] = [];
  for (const [index, probe] of request.config.probes.entries()) answers.push(await runProbe(request, probe, index));
  return answers;
}

async function runProbe(request: ProbesRequest, probe: Probe, index: number): Promise<Asked> {
  const { site, work } = request;
  const name = probeName(probe);
  if (request.unserved !== undefined && needsService(probe))
    return { name, asked: false, ok: false, detail: request.unserved, milliseconds: 0 };
  const began = Date.now();
  const limit = AbortSignal.timeout(probe.timeout);
  const scratch = path.join(request.scratch, `probe-${index}`);
  // Of an attempt before this one.
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const context = { ...request, scratch, work: { ...work, signal: AbortSignal.any([work.signal, limit]) } };
  work.progress({ phase: `probe: ${name}`, bytes: 0, total: null, activity: index });
  const answered = await ask(probe, context).then(
    (seen) => ({ ...seen, asked: true }),
    (error: unknown) => {
      stopIfCancelled(work.signal);
      if (limit.aborted) return { ...wrong(`no answer within ${formatDuration(probe.timeout)}`), asked: true };
      return { ...failed(error), asked: !isOfThisMachine(error) };
    },
  );
  return { name, ...answered, detail: site.redact(answered.detail), milliseconds: Date.now() - began };
}

/** Files can be looked at where nothing runs. */
function needsService(probe: Probe): boolean {
  return !('file' in probe || 'git' in probe);
}

function ask(probe: Probe, context: ProbeContext): Promise<Seen> {
  if ('query' in probe) return askQuery(probe, context);
  if ('file' in probe) return lookAtFile(probe, context);
  if ('git' in probe) return cloneGit(probe, context);
  if ('http' in probe) return askHttp(probe, context);
  return runCommand(probe, context);
}

function failed(thrown: unknown): Seen {
  const error = storageError(thrown, 'what was restored', 'reading');
  if (!(error instanceof BackupError)) throw thrown;
  return wrong(
    error.remedy !== undefined && isOfThisMachine(error) ? `${error.message} → ${error.remedy}` : error.message,
  );
}

/** It was not asked: that says nothing of what was restored. */
function isOfThisMachine(error: unknown): boolean {
  return error instanceof BackupError && (error.code === 'refused' || error.code === 'missing-program');
}
