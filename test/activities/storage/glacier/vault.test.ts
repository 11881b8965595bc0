/** Vaults beyond what every destination does, each part with its own vaults on one moto. */
import { cleanUp } from '../../../support/folders.ts';
import { startMoto, stopMoto } from '../../../support/moto/index.ts';
import { startVaults, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { forgedSuite } from './forged.ts';
import { recordsSuite } from './records.ts';
import { rightsSuite } from './rights.ts';
import { thawSuite } from './thaw.ts';
import { uploadSuite } from './upload.ts';

describe('vaults', () => {
  let vaults: Vaults;

  before(async () => {
    vaults = await startVaults((await startMoto()).endpoint);
  });
  after(async () => {
    await vaults.close();
    await stopMoto();
    await cleanUp();
  });

  for (const suite of [uploadSuite, recordsSuite, forgedSuite, rightsSuite, thawSuite]) suite(() => vaults);
});
