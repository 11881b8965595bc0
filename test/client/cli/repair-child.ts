/** Repairs one backup at the destination `vault`, and stops itself once one of its objects is put right. */
import { loadSite } from '../../../activities/config/load.ts';
import { repairPlace } from '../../../activities/operations/repair/places.ts';
import { repairBackup } from '../../../activities/operations/repair/repair.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { testWork } from '../../support/work.ts';

const { file, folder } = JSON.parse(process.argv[2] ?? '') as { readonly file: string; readonly folder: string }; // written by the test beside
const site = await loadSite({ file, env: process.env });
const [repository, vault] = await Promise.all([repairPlace(site, null), repairPlace(site, 'vault')]);
const catalogue = await listBackups(repository.store);
const backup = catalogue.find((each) => each.folder === folder);
if (backup === undefined) throw new Error(`${folder} is not there`);
const target = {
  ...vault,
  async put(...args: Parameters<typeof vault.put>) {
    await vault.put(...args);
    process.kill(process.pid, 'SIGSTOP');
  },
};
await repairBackup({
  site,
  wanted: { backup, catalogue },
  target,
  sources: [repository],
  dryRun: false,
  work: testWork(),
});
