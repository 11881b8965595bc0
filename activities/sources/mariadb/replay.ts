/** Point-in-time recovery: binary logs replayed onto a prepared data folder, by a private server. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import type { Replay } from '../types.ts';
import { noteLastCommit } from '../recovered-note.ts';
import { lastCommitIn } from './gtids-in-file.ts';
import { artifactOf } from './logs.ts';
import type { PhysicalPosition } from './position.ts';
import type { ReplayPlan } from './replay-plan.ts';
import { requireBegin } from './replay-start.ts';
import { withReplayServer } from './replay-server.ts';
import { clientProgram } from './session.ts';

const WORKSHOP = '.mosaic-replay';

export interface Replaying {
  readonly scratch: string;
  readonly plan: ReplayPlan;
  readonly replay: Replay;
  readonly position: PhysicalPosition;
  readonly engine: Readonly<Record<string, unknown>>;
  /** The backup in whose data it is noted when the last transaction was. Absent: it is not. */
  readonly noteFor?: Pick<Manifest, 'source' | 'id'> | undefined;
  readonly work: Work;
}

/** @throws BackupError `verification-failed` where the logs are not what the plan says, or a statement fails. */
export async function replayLogs({ scratch, plan, replay, position, engine, noteFor, work }: Replaying): Promise<void> {
  const workshop = path.join(scratch, WORKSHOP);
  const [folder, runtime] = [path.join(workshop, 'binlogs'), path.join(workshop, 'run')];
  for (const each of [workshop, folder, runtime]) await mkdir(each, { mode: 0o700 });
  for (const { log, file } of plan.files) {
    const stored = replay.logs[log]?.manifest.artifacts.find(({ name }) => name.startsWith(`${artifactOf(file)}.`));
    if (!stored) throw new TypeError(`a plan with a file that nothing holds: ${file}`);
    const target = { command: 'dd', args: [`of=${path.join(folder, file)}`, 'status=none', 'bs=64k'] };
    await replay.logs[log]?.into('binlog', stored.name, target);
  }
  await requireBegin(folder, position, work);
  await withReplayServer({ data: scratch, runtime, engine, work }, (connection) =>
    apply(plan, folder, connection, work),
  );
  if (noteFor) {
    const last = await lastCommit(plan, folder, work);
    if (last !== undefined) await noteLastCommit(scratch, noteFor, last);
  }
  await rm(workshop, { recursive: true });
}

/** Of what was replayed; where that is no whole transaction, of what lay before it in the same files, which the backup holds. */
async function lastCommit({ files, stop }: ReplayPlan, folder: string, work: Work): Promise<string | undefined> {
  for (const { file } of files.toReversed()) {
    const last = await lastCommitIn(path.join(folder, file), stop, work);
    if (last !== undefined) return last;
  }
  return undefined;
}

/** No event is as late as the target. The plan has seen to it that the logs cover it: nothing was committed until then. */
const IN_IDLE_TIME = /WARNING: Did not reach stop datetime /;

async function apply(
  { files, start, stop }: ReplayPlan,
  folder: string,
  connection: Parameters<typeof clientProgram>[0],
  work: Work,
): Promise<void> {
  let warned = '';
  const reader = {
    command: 'mariadb-binlog',
    args: [
      '--no-defaults',
      ...(start === '' ? [] : [`--start-position=${start}`]),
      ...stop,
      ...files.map(({ file }) => path.join(folder, file)),
    ],
    // --stop-datetime is read in the time zone of the process.
    env: { TZ: 'UTC', LC_ALL: 'C' },
    cwd: '/',
    onStderr(line: string) {
      if (/WARNING|ERROR/.test(line) && !IN_IDLE_TIME.test(line)) warned ||= line;
    },
  };
  const writer = clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G']);
  try {
    await runPipeline({ programs: [reader, writer], bytes: () => 0, phase: 'replaying logs', total: null, work });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    throw failed(error.message, error);
  }
  // "Did not reach stop position … before end of input", with rc 0.
  if (warned !== '') throw failed(warned);
}

function failed(why: string, cause?: BackupError): BackupError {
  return new BackupError('verification-failed', `The logs could not be replayed to the target: ${why}`, {
    remedy: 'Restore to an earlier target, or the backup alone.',
    facts: cause?.facts ?? {},
    cause,
  });
}
