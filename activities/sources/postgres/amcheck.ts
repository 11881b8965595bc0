/** pg_amcheck: every table's pages and every B-tree of a restored cluster. */
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
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
const JOBS = 2;

/** Runs it on all databases. The extension that it needs is removed again where it was not there. */
export async function amcheck(connection: Connection, binaries: Binaries, work: Work): Promise<Check> {
  if (!(await hasProgram(binaries, 'pg_amcheck'))) {
    return notCompared('amcheck', `pages and indexes not checked: ${installRemedy(binaries.major, 'pg_amcheck')}`);
  }
  if (!(await isAvailable(connection, work.signal))) {
    return notCompared(
      'amcheck',
      'pages and indexes not checked: the server programs here come without the extension amcheck',
    );
  }
  const lacking = await withoutExtension(connection, work.signal);
  const prepared = await preparedTransactions(connection, work.signal);
  // It locks tables against writers, so it would wait for ever for a prepared transaction that has written to one.
  const parents = prepared === 0 ? ['--parent-check'] : [];
  let printed = '';
  const program = programOf(binaries, 'pg_amcheck', {
    args: ['--all', '--install-missing', '--heapallindexed', ...parents, `--jobs=${JOBS}`, '--no-password'],
    env: libpqEnvironment(connection, APPLICATION),
    cwd: '/',
    // 2: it ran, and found corruption. Anything else but 0 means that it could not look.
    accept: [2],
    as: 'server',
  });
  try {
    const [ended] = await runPipeline({
      programs: [program],
      drain: async (fd) => {
        printed = await text(new Socket({ fd, readable: true, writable: false }));
      },
      bytes: () => 0,
      phase: 'checking pages and indexes',
      total: null,
      work,
    });
    await removeExtension(connection, lacking, work.signal);
    const aside = prepared === 0 ? '' : `; levels of indexes not against each other: ${prepared} prepared transactions`;
    if (ended?.code === 0) return passed('amcheck', `all tables and B-tree indexes are sound${aside}`);
    const complaints = printed.split('\n').filter((line) => line.trim() !== '');
    return failed('amcheck', `pg_amcheck found corruption: ${some(complaints, 10)}`);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    return failed('amcheck', `${error.message} ${String(error.facts['stderr'] ?? '')}`);
  }
}

async function isAvailable(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const found = await withSession(connection, { application: APPLICATION, signal }, (session) =>
    session.rows(z.unknown(), "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"),
  );
  return found.length > 0;
}

async function preparedTransactions(connection: Connection, signal: AbortSignal): Promise<number> {
  const found = await withSession(connection, { application: APPLICATION, signal }, (session) =>
    session.rows(z.unknown(), 'SELECT 1 FROM pg_prepared_xacts'),
  );
  return found.length;
}

async function withoutExtension(connection: Connection, signal: AbortSignal): Promise<readonly string[]> {
  const facts = await withSession(connection, { application: APPLICATION, signal }, gatherFacts);
  const lacking: string[] = [];
  for (const { name } of readable(facts)) {
    const found = await withSession(connection, { application: APPLICATION, database: name, signal }, (session) =>
      session.rows(z.unknown(), "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"),
    );
    if (found.length === 0) lacking.push(name);
  }
  return lacking;
}

async function removeExtension(
  connection: Connection,
  databases: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const database of databases) {
    await withSession(connection, { application: APPLICATION, database, signal }, (session) =>
      session.run('DROP EXTENSION IF EXISTS amcheck'),
    );
  }
}
