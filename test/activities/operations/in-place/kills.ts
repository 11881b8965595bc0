import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { resumeInPlace, undoInPlace } from '../../../../activities/operations/in-place/index.ts';
import { inPlaceFindings } from '../../../../client/backups/in-place.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { capture, ship, SOURCE } from '../../sources/postgres/backups.ts';
import { requestOf } from './requests.ts';

const CHILD = fileURLToPath(new URL('in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../../../support/signal-at.mjs', import.meta.url));
export const JOURNAL = 'activities/operations/in-place/journal.ts#writeJournal';

export interface Kill {
  readonly at: string;
  /** Which call counts. */
  readonly nth?: number;
  /** A pattern that an argument must match. */
  readonly given?: string;
}

/** What a case does: a restore in place is killed, then gone on with or gone back from. */
export interface Killing {
  readonly server: () => ManagedPostgres;
  readonly request: () => ReturnType<typeof requestOf>;
  readonly killed: (what: 'restore' | 'undo', kill: Kill) => Promise<void>;
  readonly isRestored: () => Promise<void>;
  /** @param left what stays beside the data. */
  readonly isBack: (left?: readonly string[]) => Promise<void>;
}

/** Killed right after the journal says which step is begun, or right after a rename: what was done by then is not on record. */
export function describeKills(title: string, cases: (killing: Killing) => void): void {
  describe(title, function () {
    this.timeout(300_000);
    let folder: string;
    let server: ManagedPostgres;
    let made: TestSite;
    let kills = 0;

    before(async () => {
      folder = await temporaryFolder();
      server = await startManaged({ folder });
      made = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
      await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
      await ship(made.site, '2026-11-23T01:55:00Z');
      await capture(made.site, '2026-11-23T02:00:00Z');
    });
    beforeEach(() => server.sql('INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING'));
    afterEach(async () => {
      const left = (await readdir(folder)).filter((name) => /data\./.test(name));
      for (const name of left) await rm(path.join(folder, name), { recursive: true });
    });
    after(async () => {
      await server?.end();
      await cleanUp();
    });

    async function killed(what: 'restore' | 'undo', { at, nth = 1, given = '' }: Kill): Promise<void> {
      const env = {
        ...process.env,
        SIGNAL_AT: at,
        SIGNAL_WHEN: 'left',
        SIGNAL_NTH: String(nth),
        SIGNAL_IF: given,
        SIGNAL_ONCE: path.join(folder, `reached-${kills++}`),
      };
      const args = ['--import', SIGNAL_AT, CHILD, made.file, what];
      const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
      assert.equal(signal, 'SIGKILL', `it never came to ${at} ${nth} ${given}`);
      const [finding] = await inPlaceFindings(made.site);
      assert.equal(finding?.code, 'in-place.unfinished');
      await isBackupError(capture(made.site, '2026-11-23T09:00:00Z'), 'busy');
    }

    async function beside(): Promise<readonly string[]> {
      return (await readdir(folder)).filter((name) => /data\./.test(name)).map((name) => name.replace(/-\d.*/, ''));
    }

    async function isRestored(): Promise<void> {
      await resumeInPlace(await requestOf(made.site, {}));
      assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
      await isSettled(['data.before']);
    }

    async function isBack(left: readonly string[] = []): Promise<void> {
      await undoInPlace(await requestOf(made.site, {}));
      assert.deepEqual(await server.sql('SELECT id FROM t ORDER BY id'), [{ id: 1 }, { id: 2 }]);
      await isSettled(left);
    }

    async function isSettled(left: readonly string[]): Promise<void> {
      assert.deepEqual(await beside(), left);
      const found = await inPlaceFindings(made.site);
      assert.ok(found.every(({ code }) => code !== 'in-place.unfinished'));
      await isBackupError(resumeInPlace(await requestOf(made.site, {})), 'not-found');
    }

    cases({ server: () => server, request: () => requestOf(made.site, {}), killed, isRestored, isBack });
  });
}
