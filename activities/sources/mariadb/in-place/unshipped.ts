/** The binary logs of a stopped server that were not shipped: all of its files are finished now. */
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { errnoOf } from '../../../storage/fs-errors.ts';
import { programVersion } from '../../../streams/versions.ts';
import type { InPlaceFacts, LogsContext, Shipped, Unshipped } from '../../types.ts';
import { logPosition, numberOf, type LogPosition } from '../binlogs.ts';
import { sameGtids } from '../gtid.ts';
import { gtidsOf } from '../gtids-in-file.ts';
import { currentLineage, lineageBegins } from '../lineage.ts';
import { artifactOf, idOf, LEAST_BYTES } from '../logs.ts';
import { binlogFiles, type BinlogFile } from './binlog-files.ts';
import { facts } from './facts.ts';

type Context = LogsContext<MariadbSource>;

/** @throws BackupError `verification-failed` where they cannot be read, or do not follow what is shipped. */
export async function saveUnshipped(context: Context, _data: string, found: InPlaceFacts): Promise<Unshipped> {
  const { binlogs } = facts.parse(found);
  const { newest, received } = context;
  if (binlogs === null) return { shipped: null, more: false };
  try {
    const last = newest ? logPosition.parse(newest.position) : undefined;
    const lineage = await currentLineage(received, last?.lineage);
    const before = last?.lineage === lineage ? last : undefined;
    const after = before ? numberOf(before.lastFile) : await lineageBegins(received);
    const files = (await binlogFiles(binlogs)).filter(({ name }) => numberOf(name) > after);
    return { shipped: await save(context, { lineage, before, files }), more: false };
  } catch (error) {
    const system = errnoOf(error) !== undefined;
    if (!system && !(error instanceof BackupError && error.code === 'program-failed')) throw error;
    throw unreadable(path.dirname(binlogs), error instanceof Error ? error.message : String(error));
  }
}

interface Unsaved {
  readonly lineage: string;
  readonly before: LogPosition | undefined;
  readonly files: readonly BinlogFile[];
}

async function save(
  { artifacts, newest, work }: Context,
  { lineage, before, files }: Unsaved,
): Promise<Shipped | null> {
  const [first] = files;
  const final = files.at(-1);
  if (!first || !final) return null;
  const begin = await gtidsOf(first.file, work);
  const end = files.length === 1 ? begin : await gtidsOf(final.file, work);
  if (before && !sameGtids(before.gtidEnd, begin.start)) {
    throw unreadable(
      path.dirname(first.file),
      `${first.name} begins at ${begin.start || 'nothing'}, and ${before.gtidEnd} is shipped`,
    );
  }
  if (before && sameGtids(before.gtidEnd, end.end)) return null;
  // Nobody writes any more: what was ever committed is in them.
  const coversUntil = `${new Date().toISOString().slice(0, 19)}Z`;
  for (const { name, file } of files) {
    const producer = { command: 'cat', args: ['--', file] };
    await artifacts.stream(producer, { role: 'binlog', name: artifactOf(name), minPlainBytes: LEAST_BYTES });
  }
  const position: LogPosition = {
    method: 'binlog',
    lineage,
    ...(before?.dataFolder !== undefined && { dataFolder: before.dataFolder }),
    firstFile: first.name,
    lastFile: final.name,
    gtidStart: before?.gtidEnd ?? begin.start,
    gtidEnd: end.end,
    coversUntil,
  };
  return {
    first: idOf(lineage, first),
    last: idOf(lineage, final),
    coversUntil,
    // Nobody asks the server any more: it is what it was at the last shipping.
    engine: newest?.engine ?? {},
    position,
    tools: { 'mariadb-binlog': await programVersion('mariadb-binlog') },
    warnings: [],
  };
}

function unreadable(folder: string, why: string): BackupError {
  return new BackupError('verification-failed', `The binary logs in ${folder} cannot be saved: ${why}.`, {
    remedy:
      'What was committed since the last shipping would only be in the old data, which are kept: go on with --accept-unsaved.',
    facts: { folder },
  });
}
