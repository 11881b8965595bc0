/** Who restores a recovery point: as of a single backup (`carry-out.ts`), as one run. */
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { restorePoint, type RestoredSource } from '../../../activities/operations/restore-point/restore.ts';
import { BackupError, isErrorCode } from '../../../model/errors.ts';
import { pointRestoreId, type PointReport, type RestorePointInput } from '../../../model/restore-point-run.ts';
import type { StepError } from '../../../model/run.ts';
import type { Work } from '../../../activities/work.ts';
import type { PointHandle } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { OF_THE_WORKER, sayHere, staysHere } from './carry-out.ts';
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
  const [{ offer }, { startPoint }, { noWorker }] = await Promise.all([
    import('../../restore/offer.ts'),
    import('../../restore/run.ts'),
    import('./by-worker.ts'),
  ]);
  const site = await cli.site();
  const { env, signal } = cli;
  const asked = on === undefined ? { ...input, seen: await seeTarget(input.to) } : input;
  const how = { beside: BESIDE, once: on === undefined };
  const offered = await offer({
    site,
    env,
    host: input.host,
    signal,
    start: (client) => startPoint(client, site.config, asked, how),
  });
  if (!offered.taken) {
    if (on !== undefined) throw noWorker(on, offered.why ?? 'no Temporal is configured, and none runs here');
    sayHere(cli, offered.why);
    return here(cli, input);
  }
  try {
    const report = await followed(cli, offered.handle, input);
    const lacks = report.sources.find(({ error }) => error !== null && OF_THE_WORKER.has(error.code))?.error;
    const why = report.elsewhere ?? (lacks && on === undefined ? `its worker cannot: ${lacks.message}` : null);
    if (why === null) return report.sources.map((one) => restoredOf(one, input));
    sayHere(cli, why);
  } finally {
    await offered.client.connection.close();
  }
  return here(cli, input);
}

async function here(cli: Cli, input: RestorePointInput): Promise<readonly RestoredSource[]> {
  return restorePoint({ site: await cli.site(), input, beside: BESIDE, work: (source) => cli.work(source) });
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

function failureOf({ code, message, remedy }: StepError): BackupError {
  return new BackupError(isErrorCode(code) ? code : 'failed', message, remedy === null ? {} : { remedy });
}
