/** A service in a process of its own, to be killed: `node serve-in-child.ts CONFIG RESTORED SCRATCH`; each line that it reads is asked. */
import { createInterface } from 'node:readline';
import { loadSite } from '../../../activities/config/load.ts';
import { testWork } from '../../support/work.ts';
import { serveRestored } from './served.ts';

const [, , file = '', restored = '', scratch = ''] = process.argv;
const service = await serveRestored(await loadSite({ file, env: process.env }), restored, scratch);
console.log('serves');
for await (const text of createInterface({ input: process.stdin })) {
  console.log(await service.ask({ text }, testWork()));
}
