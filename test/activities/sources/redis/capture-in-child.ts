/** A capture in a process of its own, to be killed: `node capture-in-child.ts CONFIG SCHEDULED`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { capture } from '../postgres/backups.ts';

const [, , file = '', scheduled = ''] = process.argv;
await capture(await loadSite({ file, env: process.env }), scheduled);
