/** A check in a process of its own, to be killed: `node prove-in-child.ts CONFIG WITHIN`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { onlyBackup, prove } from './backups.ts';

const [, , file = '', within = ''] = process.argv;
const site = await loadSite({ file, env: process.env });
await prove(site, await onlyBackup(site), within);
