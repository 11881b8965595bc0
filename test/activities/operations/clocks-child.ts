/** A worker's step in a process of its own, to be run by another clock: `node clocks-child.ts CONFIG capture|ship SOURCE TIME`. */
import { loadSite } from '../../../activities/config/load.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { shipLogs } from '../../../activities/operations/ship-logs.ts';
import { testWork } from '../../support/work.ts';

const [, , file = '', step = '', source = '', scheduled = ''] = process.argv;
const site = await loadSite({ file, env: process.env });
const request = { site, source, scheduled, runId: `${step}-${scheduled}`, attempt: 1, busy: 1000, work: testWork() };
if (step === 'capture') await captureBackup({ ...request, tier: 'daily' });
else await shipLogs(request);
