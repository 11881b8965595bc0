/** The GTIDs in a file of binary logs, and their times, wherever it lies: by mariadb-binlog, with no server. */
import { Socket } from 'node:net';
import { linesOf } from '../../streams/lines.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { parseGtid } from './gtid.ts';

/** `#261124  2:23:07 server id 1  end_log_pos 415 CRC32 0x2716e809 \tGTID 0-1-26 ddl` */
const EVENT = /^#(\d{6} +\d+:\d\d:\d\d) .*\t(?:Gtid list \[(.*)\]|GTID (\d+-\d+-\d+)\b)/;
/** So that only what may be such a line comes to us. */
const MARK = '^#[0-9]\\{6\\} .*G[tT][iI][dD] ';

/**
 * The last transaction of each domain, up to the end of the file or where arguments of mariadb-binlog stop it; `''` where
 * there is none.
 */
export async function gtidsIn(file: string, stop: readonly string[], work: Work): Promise<string> {
  return (await scan(file, stop, work)).end;
}

export interface Gtids {
  /** What came before the file. */
  readonly start: string;
  readonly end: string;
}

/** Of a whole file: before it, and at its end. */
export function gtidsOf(file: string, work: Work): Promise<Gtids> {
  return scan(file, [], work);
}

/** Of a file that is damaged: up to the damage. */
export function gtidsUntilDamage(file: string, work: Work): Promise<Gtids> {
  return scan(file, [], work, true);
}

/** When the last transaction in it was committed, RFC 3339 in whole seconds; undefined where it holds none. */
export async function lastCommitIn(file: string, stop: readonly string[], work: Work): Promise<string | undefined> {
  return (await scan(file, stop, work)).last;
}

interface Scanned extends Gtids {
  readonly last: string | undefined;
}

async function scan(file: string, stop: readonly string[], work: Work, damaged = false): Promise<Scanned> {
  const before = new Map<string, string>();
  const domains = new Map<string, string>();
  let last: string | undefined;
  await runPipeline({
    programs: [
      {
        command: 'mariadb-binlog',
        args: ['--no-defaults', ...stop, file],
        env: { TZ: 'UTC', LC_ALL: 'C' },
        cwd: '/',
        ...(damaged && { accept: [1] }),
      },
      // 1: there is none.
      { command: 'grep', args: ['-a', '-e', MARK], accept: [1], cwd: '/' },
    ],
    drain: async (fd) => {
      for await (const line of linesOf(new Socket({ fd, readable: true, writable: false })))
        last = note(line, before, domains) ?? last;
    },
    bytes: () => 0,
    phase: 'looking for GTIDs in the logs',
    total: null,
    work,
  });
  return { start: [...before.values()].join(','), end: [...domains.values()].join(','), last };
}

/** @returns when the line's transaction was committed. */
function note(line: string, before: Map<string, string>, domains: Map<string, string>): string | undefined {
  const [, time, list, one] = EVENT.exec(line) ?? [];
  for (const gtid of (one ?? list ?? '').split(',').map((each) => each.trim())) {
    if (gtid === '') continue;
    if (list !== undefined) before.set(parseGtid(gtid).domain, gtid);
    domains.set(parseGtid(gtid).domain, gtid);
  }
  return one === undefined || time === undefined ? undefined : rfc3339(time);
}

/** `261124  2:23:07`, in UTC. */
function rfc3339(time: string): string {
  const [day = '', clock = ''] = time.split(/ +/);
  return `20${day.slice(0, 2)}-${day.slice(2, 4)}-${day.slice(4)}T${clock.padStart(8, '0')}Z`;
}
