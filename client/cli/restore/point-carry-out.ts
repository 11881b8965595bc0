/** Who restores a recovery point: as of a single backup (`carry-out.ts`), as one run. */
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { restorePoint, type RestoredSource } from '../../../activities/operations/restore-point/restore.ts';
import { BackupError } from '../../../model/errors.ts';
import { pointRestoreId, type PointReport, type RestorePointInput } from '../../../model/restore-point-run.ts';
import type { Work } from '../../../activities/work.ts';
import type { PointHandle } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { failureOf, OF_THE_WORKER, staysHere } from './carry-out.ts';
import type { RestoreOptions } from './options.ts';

/** Sources at a time: more share the same disk and network. */
export const BESIDE = 2;

/** @throws BackupError what keeps all of it from being begun; what fails of one source is in its result. */
export async function carryOutPoint(
  cli: Cli,
  input: RestorePointInput,
  options: RestoreOptions,
): Promise<readonly RestoredSource[]> {
  const { on } = options;
  if (input.sources.length === 0) return [];
  if (await staysHere(cli, options)) return here(cli, input);
  const [{ offeredOr }, { startPoint }, { noWorker }] = await Promise.all([
    import('./offered.ts'),
    import('../../restore/run.ts'),
    import('./by-worker.ts'),
  ]);
  const { config } = await cli.site();
  const asked = on === undefined ? { ...input, seen: await seeTarget(await cli.site(), input.to) } : input;
  const how = { beside: BESIDE, once: on === undefined };
  return offeredOr(cli, {
    host: input.host,
    start: (client) => startPoint(client, config, asked, how),
    follow: async (handle) => {
      const report = await followed(cli, handle, input);
      const lacks = report.sources.find(({ error }) => error !== null && OF_THE_WORKER.has(error.code))?.error;
      const why = report.elsewhere ?? (lacks && on === undefined ? `its worker cannot: ${lacks.message}` : undefined);
      return why === undefined ? { result: report.sources.map((one) => restoredOf(one, input)) } : { why };
    },
    here: (run) => (run === undefined ? here(cli, input) : hereAfter(cli, input)),
    ...(on !== undefined && {
      refused: (why) => noWorker(on, why ?? 'no Temporal is configured, and none runs here'),
    }),
  });
}

async function here(cli: Cli, input: RestorePointInput): Promise<readonly RestoredSource[]> {
  return restorePoint({ site: await cli.site(), input, beside: BESIDE, work: (source) => cli.work(source) });
}

/** Of a run that was ended when a worker may just have begun with it. What is restored once is told as it was restored. */
async function hereAfter(cli: Cli, input: RestorePointInput): Promise<readonly RestoredSource[]> {
  const { untilHeard } = await import('./offered.ts');
  const fared = new Map<string, RestoredSource>();
  return untilHeard(
    cli,
    async () => {
      for (const one of await here(cli, input)) if (fared.get(one.source)?.error !== null) fared.set(one.source, one);
      return [...fared.values()];
    },
    (all) => all.some(({ error }) => error?.code === 'busy'),
  );
}

async function followed(cli: Cli, handle: PointHandle, { host, sources }: RestorePointInput): Promise<PointReport> {
  const { followRestore } = await import('../../restore/run.ts');
  cli.out.note(`restored by the worker of ${host}: ${handle.workflowId}`);
  const works = new Map<string, Work>();
  for (const { source } of sources) works.set(pointRestoreId(source), await cli.work(source));
  const report = await followRestore(handle, {
    signal: cli.signal,
    progress: (made, step) => works.get(step)?.progress(made),
    onFailed: (message) => cli.out.note(message),
  });
  if (report.error !== null) throw failureOf(report.error);
  return report;
}

function restoredOf(
  { error, outcome, ...one }: PointReport['sources'][number],
  { to, sources }: RestorePointInput,
): RestoredSource {
  const { source } = one;
  const reference = sources.find((each) => each.source === source)?.backup.reference ?? '';
  const unended = outcome === null ? new BackupError('failed', 'the run ended before it was restored') : null;
  return { ...one, reference, to: `${to}/${source}`, error: error === null ? unended : failureOf(error) };
}
