import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { newSigningKey, signer, type Signer } from '../../../activities/keys/signing.ts';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { writeBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

/** Each has its own words: what to do differs. */
describe('verify tells who signed', () => {
  let made: TestSite;
  let file: string;

  before(async () => {
    const folder = await temporaryFolder();
    made = await makeSite({ folder, sources: { postgres: { type: 'files', paths: ['/etc/hosts'] } } });
  });
  after(cleanUp);

  async function write(by: Signer): Promise<void> {
    const { folder } = await writeBackup(made.site.repository, { signer: by });
    file = path.join(made.site.repository, folder, 'manifest.json');
  }

  async function said(): Promise<string> {
    const { code, stdout, stderr } = await mosaicHere(['-c', made.file, '-v', 'verify', 'postgres/20261123']);
    assert.ok(code === 0 || code === 9, stderr);
    return `${code} ${stdout} ${stderr}`;
  }

  it('good', async () => {
    await write(await siteSigner(made.site));
    assert.match(await said(), /ok {2}signature: by [0-9a-f]{16}\n/);
  });

  it('foreign: by a key that nobody here knows', async () => {
    await write(signer(newSigningKey().privatePem));
    assert.match(await said(), /^9 [^]*WRONG {2}signature: by [0-9a-f]{16}, which is not trusted here/);
  });

  it('wrongly signed: changed since', async () => {
    await write(await siteSigner(made.site));
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"host": "here"', '"host": "else"'));
    assert.match(
      await said(),
      /^9 [^]*WRONG {2}signature: not over this manifest: it was changed after [0-9a-f]{16} had signed it/,
    );
  });

  it('unsigned: whoever can write there could have made it', async () => {
    await write(await siteSigner(made.site));
    const { signature: _gone, ...rest } = z
      .looseObject({ signature: z.unknown() })
      .parse(JSON.parse(await readFile(file, 'utf8')));
    await writeFile(file, JSON.stringify(rest));
    assert.match(await said(), /^9 [^]*is not signed: whoever can write there could have made it/);
  });

  it('revoked: by a key that was trusted once', async () => {
    const own = await siteSigner(made.site);
    await write(own);
    const { code } = await mosaicHere(['-c', made.file, 'keys', 'revoke', own.keyId]);
    assert.equal(code, 0);
    assert.match(await said(), /^9 [^]*WRONG {2}signature: by [0-9a-f]{16}, which was revoked \(signing\.revoked\)/);
  });
});
