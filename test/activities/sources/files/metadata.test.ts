/** What a file system knows of its files survives. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite } from './site.ts';
import { fingerprint, writeEverything } from './tree.ts';

describe('metadata of files', () => {
  after(cleanUp);

  it('P37 owner, mode, setuid, ACL, xattr, capability, hard links, holes, symlinks, empty folders survive, in fulls and incrementals', async () => {
    const source = await temporaryFolder({ onDisk: true });
    writeEverything(source);
    const site = await filesSite([source]);
    const full = await site.capture();
    assert.deepEqual(full.warnings, []);
    await assertEqual(source, await site.restore());

    // All of it once more, through an incremental: a changed ctime is enough.
    execFileSync('find', [source, '-exec', 'touch', '-h', '-d', '@2.000000005', '{}', '+']);
    execFileSync('setfacl', ['-m', 'u:4321:x', path.join(source, 'with acl')]);
    const incremental = await site.capture();
    assert.equal(incremental.kind, 'incremental');
    await assertEqual(source, await site.restore());
    assert.deepEqual(
      (await site.prove()).filter(({ ok }) => !ok),
      [],
    );
  });

  async function assertEqual(source: string, to: string): Promise<void> {
    const expected = fingerprint(source);
    // So that equal does not mean that neither was seen.
    const seen = [
      'user:1234:rw-',
      'default:user:1234:rwx',
      'security.capability=0x',
      'trusted.secret=0x',
      'user.origin=0x',
      '|4755|',
      '|1777|',
      '|1234|4321|',
    ];
    for (const each of seen) assert.ok(expected.includes(each), `${each} is not in the source`);
    assert.equal(fingerprint(path.join(to, source)), expected);
    const { size, blocks } = statSync(path.join(to, source, 'sparse'));
    assert.equal(size, 9 * 2 ** 30);
    assert.ok(blocks * 512 < 2 ** 20, 'the holes were filled');
  }
});
