/** Copies one backup, and stops itself once `stopAt` bytes are written: a worker that is killed in the middle of a copy. */
import { loadSite } from '../../../activities/config/load.ts';
import { copyBackup } from '../../../activities/operations/copy.ts';
import { findBackup, listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { testWork } from '../../support/work.ts';

const { file, reference, stopAt } = JSON.parse(process.argv[2] ?? '') as {
  readonly file: string;
  readonly reference: string;
  readonly stopAt: number;
}; // written by the test beside
const site = await loadSite({ file, env: process.env });
const from = repositoryStore(site.repository);
const catalogue = await listBackups(from);
const work = {
  ...testWork(),
  progress: ({ bytes }: { bytes: number }) => void (bytes >= stopAt && process.kill(process.pid, 'SIGSTOP')),
};
await copyBackup({
  site,
  from,
  to: openDestination('vault', site),
  backup: findBackup(catalogue, reference),
  catalogue,
  work,
});
