/** Who restores in place: as to a folder (`carry-out.ts`), with the full behind it. */
import {
  backUpAgain,
  restoreInPlace,
  type InPlacePlan,
  type InPlaceRequest,
  type InPlaceWork,
} from '../../../activities/operations/in-place/index.ts';
import {
  leavesUnfinished,
  readJournal,
  UNFINISHED,
  unfinishedRemedy,
} from '../../../activities/operations/in-place/journal.ts';
import { doneBy } from '../../../activities/operations/in-place/run-step.ts';
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { pinned } from '../../../activities/storage/catalogue.ts';
import { BackupError } from '../../../model/errors.ts';
import { besideData, FULL_STEP, fullRemedy, type InPlaceInput, type PutInPlace } from '../../../model/in-place-run.ts';
import type { StepError } from '../../../model/run.ts';
import { formatDuration } from '../../../model/units.ts';
import { withPausing } from '../../schedules/pausing.ts';
import type { InPlaceHandle } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { failureOf, OF_THE_WORKER, staysHere } from './carry-out.ts';
import type { RestoreOptions } from './options.ts';

export interface InPlaceOrder {
  readonly request: InPlaceRequest;
  readonly plan: InPlacePlan;
  /** As of `restoreInPlace`. */
  readonly further: (() => Promise<InPlaceRequest>) | undefined;
  /** Where it is restored from; null is the repository. */
  readonly destination: string | null;
}

type Done = Pick<PutInPlace, 'data' | 'before' | 'down'>;
/** And the full behind it: null where it failed. */
type DoneWithFull = Done & { readonly full: string | null };

/** @throws BackupError as `restoreInPlace`. */
export async function carryOutInPlace(cli: Cli, order: InPlaceOrder, options: RestoreOptions): Promise<DoneWithFull> {
  if (await staysHere(cli, options)) return here(cli, order);
  const [{ offeredOr }, { startInPlace }] = await Promise.all([import('./offered.ts'), import('../../restore/run.ts')]);
  const { config } = order.request.site;
  const asked = await inputOf(order);
  return offeredOr(cli, {
    host: asked.host,
    start: (client) => startInPlace(client, config, asked),
    follow: (handle) => orUnfinished(order.request, () => followed(cli, handle, asked)),
    here: (run) => (run === undefined ? here(cli, order) : hereAfter(cli, order, run)),
  });
}

async function inputOf({ request, plan, destination }: InPlaceOrder): Promise<InPlaceInput> {
  const { site, source, chain, replay, acceptUnsaved, last } = request;
  const newest = chain.at(-1)?.manifest;
  if (newest === undefined) throw new TypeError('a restore without a backup');
  return {
    site: site.config.site,
    host: site.host,
    source,
    backup: pinned(newest),
    place: destination,
    target: replay?.target ?? null,
    data: plan.data,
    acceptUnsaved,
    last,
    seen: await seeTarget(site, besideData(plan.data)),
  };
}

async function here(cli: Cli, order: InPlaceOrder): Promise<DoneWithFull> {
  const { site, tell } = order.request;
  return withPausing({ site, env: cli.env, tell }, async (schedules) => {
    const request = { ...order.request, schedules };
    const { further } = order;
    const next = further && (async () => ({ ...(await further()), schedules }));
    const done = await restoreInPlace(request, order.plan, next);
    sayBack(cli, done.down);
    return { ...done, full: await behind(cli, request) };
  });
}

/** Of a run that was ended when a worker may just have begun with it: that takes back what it did, or has done it. */
async function hereAfter(cli: Cli, order: InPlaceOrder, run: string): Promise<DoneWithFull> {
  const { untilNotBusy } = await import('./offered.ts');
  const tried = await untilNotBusy(cli, () => here(cli, order));
  if (!(tried instanceof BackupError)) return tried;
  const done = await doneBy(order.request, run);
  if (!done) throw tried;
  const { data } = order.plan;
  return { data, ...done, full: await behind(cli, order.request) };
}

async function followed(cli: Cli, handle: InPlaceHandle, { host, source }: InPlaceInput) {
  const { watched } = await import('./watched.ts');
  const { elsewhere, done, full, error } = await watched(cli, handle, host);
  if (elsewhere !== undefined) return { why: elsewhere };
  for (const line of error?.told ?? []) cli.out.note(line);
  if (done === null) {
    if (error !== null && OF_THE_WORKER.has(error.code)) return { why: `its worker cannot: ${error.message}` };
    // A run that was cancelled tells of nothing but of what is left half done.
    throw failureOf(error ?? NOTHING, cli.signal.aborted ? UNFINISHED : {});
  }
  for (const line of done.told) cli.out.note(line);
  sayBack(cli, done.down);
  const { data, before, down } = done;
  if (full === null) sayNoFull(cli, source, error ?? NOTHING);
  else sayProblems(cli, full.problems);
  return { result: { data, before, down, full: full?.reference ?? null } };
}

/** However a run ends, by ^C while its worker was dead too: where it leaves something half done here, that is told. */
async function orUnfinished<T>({ site, source }: InPlaceRequest, follow: () => Promise<T>): Promise<T> {
  try {
    return await follow();
  } catch (error) {
    if (!(error instanceof BackupError) || leavesUnfinished(error)) throw error;
    const journal = await readJournal({ site, source });
    if (!journal) throw error;
    const message = `${error.message} It is half done (at "${journal.step}"): the server of "${source}" may be stopped.`;
    const facts = { ...error.facts, step: journal.step, ...UNFINISHED };
    throw new BackupError(error.code, message, { remedy: unfinishedRemedy(source), facts, cause: error });
  }
}

const NOTHING: StepError = { step: FULL_STEP, code: 'failed', message: 'the run ended before it', remedy: null };

function sayBack({ out }: Cli, down: number | null): void {
  out.note(`service is back${down === null ? '' : `, after ${formatDuration(down)}`}`);
}

/** The full behind it. Service is back by then: where it fails, the command says so and is partial. */
export async function behind(cli: Cli, request: InPlaceWork): Promise<string | null> {
  try {
    const { reference, problems } = await backUpAgain(request);
    sayProblems(cli, problems);
    return reference;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    sayNoFull(cli, request.source, error);
    return null;
  }
}

function sayProblems(
  cli: Cli,
  problems: readonly { readonly message: string; readonly remedy?: string | null | undefined }[],
): void {
  for (const { message, remedy = null } of problems) {
    cli.out.note(`The full behind it is made, but: ${message}`);
    if (remedy !== null) cli.out.note(`  → ${remedy}`);
  }
  if (problems.length > 0) cli.exitWith(3);
}

function sayNoFull(cli: Cli, source: string, { message }: { readonly message: string }): void {
  cli.out.note(`The full behind it failed: ${message} Until one is made there is no point-in-time recovery.`);
  cli.out.note(`  → ${fullRemedy(source)}`);
  cli.exitWith(3);
}
