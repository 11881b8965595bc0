/** A shipping in a process of its own, to be killed: `node ship-in-child.ts CONFIG SCHEDULED`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { ship } from './backups.ts';

const [, , file = '', scheduled = ''] = process.argv;
await ship(await loadSite({ file, env: process.env }), scheduled);
