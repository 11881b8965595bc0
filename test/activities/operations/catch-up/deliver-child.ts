/** Delivers what a destination lacks, and stops itself once `stopAt` bytes of one artifact are written. */
import { loadSite } from '../../../../activities/config/load.ts';
import { deliverCopies } from '../../../../activities/operations/catch-up/deliver.ts';
import { testWork } from '../../../support/work.ts';

const { file, stopAt } = JSON.parse(process.argv[2] ?? '') as { readonly file: string; readonly stopAt: number }; // written by the test beside
const site = await loadSite({ file, env: process.env });
const work = {
  ...testWork(),
  progress: ({ phase, bytes }: { phase: string; bytes: number }) =>
    void (phase.startsWith('copying') && bytes >= stopAt && process.kill(process.pid, 'SIGSTOP')),
};
await deliverCopies({ site, destination: 'vault', deadline: null, work });
