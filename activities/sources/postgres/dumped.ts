/**
 * pg_dump of a whole restored cluster into nothing. It reads each row through its type's output, large objects too, and
 * every catalogue: what pages and indexes in good order do not promise, and what a user would do first with the restore.
 */
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { hasProgram, installRemedy, programOf, type Binaries } from './binaries.ts';
import { failed, notCompared, passed, some } from './checks.ts';
import { libpqEnvironment, type Connection } from './connection.ts';
import { gatherFacts } from './facts.ts';
import { readable } from './preflight.ts';
import { withSession } from './session.ts';

const APPLICATION = 'mosaic-backup check';
/** Milliseconds. Only a prepared transaction holds locks here, and it does so for ever. */
export const LOCK_WAIT = 10_000;
/** What pg_dump says of a library of production's that this machine lacks: nothing against the backup. */
const NO_LIBRARY = /could not (access file|load library)/;
const LOCKED = /lock timeout/;

/** Dumps each database that can be connected to. */
export async function dumped(connection: Connection, binaries: Binaries, work: Work): Promise<Check> {
  if (!(await hasProgram(binaries, 'pg_dump')))
    return notCompared('dump', `not every row was read: ${installRemedy(binaries.major, 'pg_dump')}`);
  const { signal } = work;
  const facts = await withSession(connection, { application: APPLICATION, signal }, gatherFacts);
  const databases = readable(facts).map(({ name }) => name);
  const wrong: string[] = [];
  const unread: string[] = [];
  for (const database of databases) {
    const complaint = await complaintOf({ ...connection, database }, binaries, work);
    if (complaint === undefined) continue;
    const list = NO_LIBRARY.test(complaint) || LOCKED.test(complaint) ? unread : wrong;
    list.push(`${database}: ${complaint}`);
  }
  if (wrong.length > 0) return failed('dump', `cannot be read whole: ${some(wrong)}`);
  if (unread.length > 0) return notCompared('dump', `not every row was read: ${some(unread)}`);
  return passed('dump', `pg_dump reads ${databases.length} databases to their ends`);
}

/** What pg_dump complains of; undefined where it does not. */
async function complaintOf(connection: Connection, binaries: Binaries, work: Work): Promise<string | undefined> {
  const program = programOf(binaries, 'pg_dump', {
    args: [`--lock-wait-timeout=${LOCK_WAIT}`, '--no-password'],
    env: libpqEnvironment(connection, APPLICATION),
    cwd: '/',
    as: 'server',
  });
  try {
    await runPipeline({ programs: [program], bytes: () => 0, phase: 'reading every row', total: null, work });
    return undefined;
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    const stderr = error.facts['stderr'];
    return typeof stderr === 'string' && stderr !== '' ? stderr : error.message;
  }
}
