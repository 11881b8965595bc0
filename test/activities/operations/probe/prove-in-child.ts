/** A restore test in a process of its own, to be killed, or with fewer rights: `node prove-in-child.ts CONFIG SOURCE WITHIN` prints what it proved. */
import { loadSite } from '../../../../activities/config/load.ts';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { testWork } from '../../../support/work.ts';

const [, , file = '', source = '', within = ''] = process.argv;
const site = await loadSite({ file, env: process.env });
const choice = await chooseTest({ site, source, runId: 'restore-test-killed' });
console.log(JSON.stringify(await proveTest({ site, source, choice, within, work: testWork() })));
