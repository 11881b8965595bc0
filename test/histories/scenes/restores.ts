/** Restores that change a running server: in place of its data, and of keys into it. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { listBackups, pinned } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { startInPlace, startInto } from '../../../client/restore/run.ts';
import { besideData } from '../../../model/in-place-run.ts';
import { startManaged } from '../../support/managed-postgres.ts';
import { startRedis } from '../../support/redis.ts';
import { openSession, runDaily } from '../../support/session.ts';
import { makeSite } from '../../support/site.ts';
import type { Scene, Stage } from '../stage.ts';

export const restores: Scene = { name: 'restores', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  await mkdir(path.join(folder, 'cache'), { mode: 0o755 });
  const server = await startManaged({ folder });
  const cache = await startRedis({ folder: path.join(folder, 'cache') });
  await cache.pipe(['SET session:1 one']);
  const { file, site } = await makeSite({
    folder,
    site: 'prod',
    hosts: { stack1: {} },
    sources: { db: server.config(), cache: cache.config() },
    temporal: { address: temporal.address },
  });
  const session = await openSession(file);
  try {
    await runDaily({ session, site: 'prod', scheduled: '2026-11-23T02:00:00Z', sources: ['db', 'cache'] });
    const backups = await listBackups(repositoryStore(site.repository));
    const of = (source: string) => {
      const found = backups.find(({ manifest }) => manifest.source === source && manifest.kind !== 'logs');
      if (!found) throw new Error(`no backup of ${source}`);
      return { site: 'prod', host: 'stack1', source, backup: pinned(found.manifest), place: null };
    };
    const seen = await seeTarget(site, besideData(server.data));
    const inPlace = { ...of('db'), target: null, data: server.data, acceptUnsaved: false, last: null, seen };
    const placed = await startInPlace(session.client, site.config, inPlace);
    await placed.result();
    const keys = { kind: 'keys', database: 0, pattern: 'session:*' } as const;
    const into = { ...of('cache'), what: keys, into: { user: 'default' }, passwordFile: null, replace: true };
    const put = await startInto(session.client, site.config, into);
    await put.result();
    await keep({ type: 'restoreInPlace', tells: 'complete', id: placed.workflowId });
    await keep({ type: 'restoreInto', tells: 'complete', id: put.workflowId });
  } finally {
    await session.close();
    await cache.stop();
    await server.end();
  }
}
