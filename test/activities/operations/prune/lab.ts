/** A site with backups of chosen ages at chosen places, and prunes of it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { prune, type Pruned, type PruneRequest } from '../../../../activities/operations/prune/index.ts';
import type { Site } from '../../../../activities/site.ts';
import { listBackups, pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { signEvidence, writeEvidence } from '../../../../activities/storage/evidence-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import { BackupError } from '../../../../model/errors.ts';
import { EVIDENCE_SCHEMA, type UnsignedEvidence } from '../../../../model/evidence.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

export const DAY = 86_400_000;
export const SOURCE = 'postgres';
/** Places that hold dailies. */
export const EVERYWHERE = ['repository', 'vault'];

export interface Lab {
  readonly folder: string;
  readonly site: Site;
  /** The config file. */
  readonly file: string;
  /** What a prune takes for the present. */
  now: number;
  /** The scheduled time of so many days ago. */
  ago(days: number): string;
  /** A backup of so many days ago, at each of these places. */
  at(places: readonly string[], days: number, options?: BackupOptions): Promise<Catalogued>;
  /** Leaves evidence in the repository that a backup is good. */
  checked(backup: Catalogued, what?: 'verify' | 'test'): Promise<void>;
  run(options?: Partial<PruneRequest>): Promise<Pruned>;
  /** The real vault, but for what a directory does not have: locks, an identity that may not delete, a clock of its own. */
  vaultWith(other: Partial<Destination>): Partial<PruneRequest>;
  /** Refuses to delete some objects, as a lock does. */
  refusing(locked: (key: string) => boolean): Partial<Destination>;
  /** Folders of the backups at a place. */
  held(place: string): Promise<readonly string[]>;
}

/** @param vault its folder; one of the lab's own when absent. */
export async function openLab(vault?: string): Promise<Lab> {
  const folder = await temporaryFolder();
  const { site, file } = await makeSite({
    folder,
    destinations: {
      vault: { type: 'directory', path: vault ?? path.join(folder, 'vault') },
      cold: { type: 'directory', path: path.join(folder, 'cold'), tiers: ['monthly', 'yearly'] },
    },
    sources: { [SOURCE]: { type: 'files', paths: ['/etc/hostname'] } },
  });
  const lab: Lab = {
    folder,
    site,
    file,
    now: Date.now(),
    ago: (days) => wholeSeconds(lab.now - days * DAY - 3_600_000),
    async at(places, days, options = {}) {
      const made = { source: SOURCE, scheduled: lab.ago(days), signer: await siteSigner(site), ...options };
      const roots = places.map((place) => (place === 'vault' && vault) || path.join(folder, place));
      const written = await Promise.all(roots.map((root) => writeBackup(root, made)));
      return written[0] ?? assert.fail('a place is named');
    },
    async checked({ name, manifest }, what = 'verify') {
      const unsigned: UnsignedEvidence = {
        schema: EVIDENCE_SCHEMA,
        site: 'test',
        backup: pinned(manifest),
        destination: null,
        what,
        time: new Date().toISOString(),
        checks: [],
        verdict: 'ok',
      };
      await writeEvidence(repositoryStore(site.repository), name, signEvidence(unsigned, await siteSigner(site)));
    },
    run: (options = {}) => prune({ site, now: lab.now, work: testWork(), apply: true, ...options }),
    vaultWith: (other) => ({
      open: (name, of) => (name === 'vault' ? { ...openDestination(name, of), ...other } : openDestination(name, of)),
    }),
    refusing: (locked) => ({
      async pruner() {
        const real = (await openDestination('vault', site).pruner()) ?? assert.fail('a directory may be deleted from');
        return {
          async remove(key) {
            if (locked(key)) throw new BackupError('refused', `${key} is locked`);
            await real.remove(key);
          },
        };
      },
    }),
    async held(place) {
      const store = place === 'repository' ? repositoryStore(site.repository) : openDestination(place, site);
      return (await listBackups(store)).map((backup) => backup.folder);
    },
  };
  return lab;
}

/** The decisions at a place by folder: `due: expired parent`. */
export function verdicts({ decisions }: Pruned, place: string): Readonly<Record<string, string>> {
  const own = decisions.filter((decision) => decision.place === place);
  return Object.fromEntries(
    own.map(({ backup, verdict, reasons }) => [
      backup.folder,
      `${verdict}: ${reasons.map(({ code }) => code).join(' ')}`,
    ]),
  );
}
