/**
 * A proof by another user: `node prove-in-child.ts USER CONFIG WITHIN DIGEST…` prints its checks; each digest is of an earlier proof.
 * Started as root, since a checkout may lie where that user reads nothing.
 */
import { loadSite } from '../../../../activities/config/load.ts';
import { proveBackup } from '../../../../activities/operations/restore.ts';
import { chainOf, listBackups } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { testWork } from '../../../support/work.ts';

const [, , user = '', file = '', within = '', ...digests] = process.argv;
process.setgroups?.([]);
process.setgid?.(Number(user));
process.setuid?.(Number(user));
const site = await loadSite({ file, env: process.env });
const store = repositoryStore(site.repository);
const catalogue = await listBackups(store);
const last = catalogue.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
if (!last) throw new Error('no backup yet');
const checks = await proveBackup({
  site,
  store,
  chain: chainOf(catalogue, last),
  within,
  earlier: digests.map((digest) => ({ digest, contents: null, told: 'recorded by a test' })),
  work: testWork(),
});
process.stdout.write(JSON.stringify(checks));
