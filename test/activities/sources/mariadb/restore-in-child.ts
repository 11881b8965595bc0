/** A restore in a process of its own, to be killed: `node restore-in-child.ts CONFIG FOLDER`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { restoreTo } from './backups.ts';

const [, , file = '', to = ''] = process.argv;
await restoreTo(await loadSite({ file, env: process.env }), to);
