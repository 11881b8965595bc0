/** P39: what is secret stays where it was, and is nowhere that a backup leaves traces. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { serverUser } from '../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../activities/sources/private-server/user.ts';
import { runId } from '../../../model/run.ts';
import { filesWith } from '../../support/files-with.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { sampleArguments } from '../../support/processes.ts';
import { REMOTE_TYPES, startRemotes, type Remote, type RemoteServers } from '../../support/remote-site.ts';
import type { Lab } from '../lab.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireNoProcess, requireTidy } from '../sound.ts';
import type { Trial } from '../trial.ts';

const IN_FILE = 'canary-in-a-file-7f1c2a';
const IN_TABLE = 'canary-in-a-table-93b0e4';
const WRONG_PASSWORD = 'canary-wrong-password-51d8';

export const canary: readonly Scenario[] = [
  {
    kind: 'secrets',
    title:
      'P39 nothing of a file, a table, a password or a key is in any trace, at any destination, nor in a spool after the seal (stack, db)',
    sources: ['stack', 'db'],
    alone: 'databases',
    everyTime: true,
    async play(trial) {
      const { lab } = trial;
      await writeFile(path.join(trial.data, '.env'), `TOKEN=${IN_FILE}\n`);
      const tablespace = await plant(lab);
      const servers = await startRemotes();
      try {
        const remotes = await copyToServers(trial, servers);
        await connectWith(trial, WRONG_PASSWORD);
        const sample = sampleArguments(trial.folder);
        const worker = trial.start('-vv', 'worker');
        await worker.printed('serves');
        const run = await trial.run();
        // An error of the database travels through Temporal as well.
        await run.failure('db');
        await connectWith(trial, (await readFile(lab.postgres.passwords.backup, 'utf8')).trim());
        requireComplete(await run.report());
        const verified = await trial.command('-v', 'verify', 'latest', '--deep');
        assert.equal(verified.code, 0, verified.output);
        const sampled = [...sample.stop()].join('\n');
        await requireTidy(trial);
        await requireNoProcess(trial);
        const printed = `${sampled}\n${trial.printed()}\n${verified.output}`;
        await requireSecret(trial, { plain: [tablespace], remotes, printed });
      } finally {
        await servers.close();
        await lab.postgres.sql('DROP TABLE canary');
        await lab.postgres.sql('DROP TABLESPACE canary');
      }
      return 'found nowhere';
    },
  },
];

/** A table in a tablespace, so that its capture is spooled in plaintext on the way. */
async function plant({ folder, postgres }: Lab): Promise<string> {
  const tablespace = path.join(folder, 'tablespace');
  await mkdir(tablespace, { mode: 0o700 });
  await giveTo(await serverUser(), tablespace, new AbortController().signal);
  await postgres.sql(`CREATE TABLESPACE canary LOCATION '${tablespace}'`);
  await postgres.sql(`CREATE TABLE canary TABLESPACE canary AS SELECT '${IN_TABLE}'::text`);
  await postgres.sql('CHECKPOINT');
  return tablespace;
}

/** Besides the vault: a bucket and a server, whose credentials are secrets as well. */
async function copyToServers(trial: Trial, servers: RemoteServers): Promise<readonly Remote[]> {
  const folder = await temporaryFolder({ onDisk: true });
  const remotes = await Promise.all(REMOTE_TYPES.map((type) => servers.remote(type, folder)));
  const further = Object.fromEntries(remotes.map(({ config }) => [config.type, config] as const));
  await trial.configure((config) => ({ ...config, destinations: { ...config.destinations, ...further } }));
  return remotes;
}

async function secretOf({ config }: Remote): Promise<string> {
  if (config.type === 'rsync' && 'file' in config.key) {
    const text = await readFile(config.key.file, 'utf8');
    return text.split('\n').find((line) => line.length === 70) ?? assert.fail('no line of an ssh key');
  }
  const secret = config.type === 's3' && config.credentials?.secretAccessKey;
  assert.ok(secret && 'file' in secret);
  return (await readFile(secret.file, 'utf8')).trim();
}

async function connectWith(trial: Trial, password: string): Promise<void> {
  const { postgres } = trial.lab;
  const file = path.join(path.dirname(trial.identity), 'password');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  const connection = {
    host: '127.0.0.1',
    port: postgres.port,
    password: { file },
    sslmode: 'verify-full' as const,
    sslrootcert: postgres.certificate,
  };
  await trial.configure((config) => ({
    ...config,
    sources: { ...config.sources, db: { type: 'postgres', connection } },
  }));
}

interface Traces {
  /** Folders in which the canaries do lie in plaintext. */
  readonly plain: readonly string[];
  readonly remotes: readonly Remote[];
  readonly printed: string;
}

async function requireSecret(trial: Trial, { plain, remotes, printed }: Traces): Promise<void> {
  const { temporal, postgres } = trial.lab;
  const password = (await readFile(postgres.passwords.backup, 'utf8')).trim();
  const identity = /AGE-SECRET-KEY-\w+/.exec(await readFile(trial.identity, 'utf8'))?.[0];
  const signingKey = (await readFile(path.join(path.dirname(trial.identity), 'signing.pem'), 'utf8')).split('\n')[1];
  assert.ok(identity && signingKey);
  const history = path.dirname(temporal.database);
  const roots = remotes.map(({ root }) => root);
  const traces = [trial.repository, trial.vault, trial.state, history, ...roots];
  // The search finds what is there: each secret in its own place, and a run's id in the history and in the log.
  assert.notDeepEqual(await filesWith(IN_TABLE, plain), []);
  assert.notDeepEqual(await filesWith(IN_FILE, [trial.data]), []);
  assert.notDeepEqual(await filesWith(runId('daily', trial.time(0)), [history]), []);
  assert.match(printed, /pg_basebackup/);
  assert.match(printed, /^(?:\S+\/)?rsync /m);
  for (const root of roots) assert.notDeepEqual(await filesWith('"source": "db"', [root]), [], root);
  const credentials = await Promise.all(remotes.map(secretOf));
  // Any age identity at all: each backup has one of its own, which nobody else knows.
  const keys = [password, identity, signingKey, 'AGE-SECRET-KEY-1', ...credentials];
  for (const secret of [IN_FILE, IN_TABLE, WRONG_PASSWORD, ...keys]) {
    assert.deepEqual(await filesWith(secret, traces), [], `"${secret}" is in no file`);
    assert.equal(printed.includes(secret), false, `"${secret}" is in no output and no argument`);
  }
}
