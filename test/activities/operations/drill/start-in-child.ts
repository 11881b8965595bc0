/** The server of a drill by a process with fewer rights: `node start-in-child.ts CONFIG INPUT CHOSEN` prints how it was started, and ends it. */
import { loadSite } from '../../../../activities/config/load.ts';
import { startDrilled, stopDrilled } from '../../../../activities/operations/drill/services.ts';
import { testWork } from '../../../support/work.ts';

const [, , file = '', ...sent] = process.argv;
const [input, chosen] = sent.map((text) => JSON.parse(text));
const site = await loadSite({ file, env: process.env });
const started = await startDrilled({ site, input, chosen, work: testWork() });
await stopDrilled(site, input);
console.log(JSON.stringify(started));
