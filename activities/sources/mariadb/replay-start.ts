/** Whether the logs at hand are the history that a backup was taken in. */
import { Socket } from 'node:net';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { linesOf } from '../../streams/lines.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { parseGtid, sameGtids } from './gtid.ts';
import type { PhysicalPosition } from './position.ts';

/** `#261124  2:23:07 server id 1  end_log_pos 415 CRC32 0x2716e809 \tGTID 0-1-26 ddl` */
const EVENT = /^#\d{6} .*\t(?:Gtid list \[(.*)\]|GTID (\d+-\d+-\d+)\b)/;
/** So that only what may be such a line comes to us. */
const MARK = '^#[0-9]\\{6\\} .*G[tT][iI][dD] ';

/**
 * Where the backup stood, its first log must have the GTIDs that the backup has: with another server's, or another
 * history of the same one, mariadb-binlog would find nothing to skip, or skip all, and say nothing.
 */
export async function requireBegin(folder: string, position: PhysicalPosition, work: Work): Promise<void> {
  const { binlogFile, binlogPosition, gtid } = position;
  if (binlogFile === null || binlogPosition === null || gtid === null) throw new TypeError('a backup without position');
  const domains = new Map<string, string>();
  await runPipeline({
    programs: [
      {
        command: 'mariadb-binlog',
        args: ['--no-defaults', `--stop-position=${binlogPosition}`, path.join(folder, binlogFile)],
        env: { TZ: 'UTC', LC_ALL: 'C' },
        cwd: '/',
      },
      // 1: there is none.
      { command: 'grep', args: ['-a', '-e', MARK], accept: [1], cwd: '/' },
    ],
    drain: async (fd) => {
      for await (const line of linesOf(new Socket({ fd, readable: true, writable: false }))) note(line, domains);
    },
    bytes: () => 0,
    phase: 'looking for the beginning in the logs',
    total: null,
    work,
  });
  const found = [...domains.values()].join(',');
  if (sameGtids(found, gtid)) return;
  throw new BackupError(
    'verification-failed',
    `The logs are not those of the backup: ${binlogFile} has ${found || 'nothing'} at ${binlogPosition}, and the backup ${gtid || 'nothing'}.`,
    { remedy: 'Choose logs of the same lineage as the backup.', facts: { binlogFile, binlogPosition, found, gtid } },
  );
}

function note(line: string, domains: Map<string, string>): void {
  const [, list, one] = EVENT.exec(line) ?? [];
  for (const gtid of (one ?? list ?? '').split(',').map((each) => each.trim())) {
    if (gtid !== '') domains.set(parseGtid(gtid).domain, gtid);
  }
}
