/** The conformance suite over a real sshd that gives a shell. */
import { startSshd, type Sshd } from '../../../support/rsync/sshd.ts';
import { destinationConformance } from '../conformance.ts';
import { rsyncPlace } from './places.ts';

describe('rsync with a shell there', function () {
  // Each step is some processes at both ends.
  this.timeout(300_000);
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd();
  });
  after(() => sshd.stop());

  destinationConformance('rsync', (bytes) => rsyncPlace(bytes, { sshd }), { runs: 6 });
});
