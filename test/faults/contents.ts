/**
 * What sources hold, so that a restore is compared with it: what was there from the beginning, by its digest, and marks, which each trial
 * adds to its own before a run, so that an older backup is not taken for the newest. Other trials add theirs meanwhile, to the same servers.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { startServer as startMariadb, WITHOUT_ACCOUNTS } from '../../activities/sources/mariadb/server.ts';
import { run } from '../../activities/sources/mariadb/session.ts';
import { startServer as startPostgres } from '../../activities/sources/postgres/server.ts';
import { withSession } from '../../activities/sources/postgres/session.ts';
import { command } from '../../activities/sources/redis/client.ts';
import { startServer as startRedis } from '../../activities/sources/redis/server.ts';
import { locate } from '../../activities/streams/locate.ts';
import { testWork } from '../support/work.ts';
import type { SourceName, Trial } from './trial.ts';

export type DatabaseName = Exclude<SourceName, 'stack'>;

export interface Restored {
  /** The data folder. */
  readonly data: string;
  /** A folder for a server's log and socket. */
  readonly runtime: string;
}

interface Contents {
  mark(trial: Trial, number: number): Promise<unknown>;
  /** What the source holds now. */
  here(trial: Trial): Promise<string>;
  /** What was restored, by a server of its own. */
  restored(trial: Trial, restored: Restored): Promise<string>;
}

const { signal } = new AbortController();

const db: Contents = {
  mark: ({ lab, name }, number) => lab.postgres.sql(`INSERT INTO marks VALUES ('${name}', ${number})`),
  async here({ lab, name }) {
    return parsedRow(await lab.postgres.sql(ofPostgres(name)));
  },
  async restored({ lab, name }, { data, runtime }) {
    const { folder: binaries } = lab.postgres.binaries;
    const server = await startPostgres({ data, runtime, binaries, superuser: 'postgres', isolated: true, signal });
    try {
      const options = { application: 'test', database: 'postgres', signal };
      return await withSession(server.connection, options, async (session) =>
        parsedRow(await session.rows(row, ofPostgres(name))),
      );
    } finally {
      await server.stop('immediate');
    }
  },
};

const row = z.object({ content: z.string() });

function parsedRow(found: readonly unknown[]): string {
  return z.tuple([row]).parse(found)[0].content;
}

function ofPostgres(trial: string): string {
  const filling = `SELECT count(*) || ' ' || md5(string_agg(f::text, ',' ORDER BY n)) FROM public.filling f`;
  const marks = `SELECT string_agg(n::text, ',' ORDER BY n) FROM public.marks WHERE trial = '${trial}'`;
  return `SELECT concat_ws(' ', (${filling}), (${marks})) AS content`;
}

const wiki: Contents = {
  mark: ({ lab, name }, number) => lab.mariadb.sql(`INSERT INTO wiki.marks VALUES ('${name}', ${number})`),
  async here({ lab, name }) {
    return (await lab.mariadb.sql(ofMariadb(name))).join(' ');
  },
  async restored({ name }, { data, runtime }) {
    const server = await startMariadb({ data, runtime, args: [WITHOUT_ACCOUNTS], signal });
    try {
      return (await run(server.connection, ofMariadb(name), { signal })).join(' ');
    } finally {
      await server.stop('immediate');
    }
  },
};

function ofMariadb(trial: string): string {
  return `CHECKSUM TABLE wiki.filling; SELECT GROUP_CONCAT(n ORDER BY n) FROM wiki.marks WHERE trial = '${trial}'`;
}

const cache: Contents = {
  mark: ({ lab, name }, number) => lab.redis.run('RPUSH', `marks:${name}`, String(number)),
  here: ({ lab, name }) => lab.redis.run(...ofRedis(name)),
  async restored({ name }, { data, runtime }) {
    const settings = { appendonly: 'yes' };
    const server = await startRedis({ data, runtime, settings, program: locate('redis-server'), work: testWork() });
    try {
      return await command({ connection: server.connection, signal }, ofRedis(name));
    } finally {
      await server.stop();
    }
  },
};

function ofRedis(trial: string): readonly string[] {
  const script = `local names = redis.call('KEYS', 'key:*')
table.sort(names)
local digest = ''
for _, name in ipairs(names) do digest = redis.sha1hex(digest .. name .. redis.call('GET', name)) end
return #names .. ' ' .. digest .. ' ' .. table.concat(redis.call('LRANGE', KEYS[1], 0, -1), ',')`;
  return ['EVAL', script, '1', `marks:${trial}`];
}

const CONTENTS: Readonly<Record<DatabaseName, Contents>> = { db, wiki, cache };

/** Adds to each of a trial's sources what only backups from now on hold. */
export async function mark(trial: Trial, number: number): Promise<void> {
  for (const source of trial.sources) {
    if (source === 'stack') await writeFile(path.join(trial.data, `mark-${number}`), `${number}\n`);
    else await CONTENTS[source].mark(trial, number);
  }
}

export function contentHere(trial: Trial, source: DatabaseName): Promise<string> {
  return CONTENTS[source].here(trial);
}

export function contentOf(trial: Trial, source: DatabaseName, restored: Restored): Promise<string> {
  return CONTENTS[source].restored(trial, restored);
}
