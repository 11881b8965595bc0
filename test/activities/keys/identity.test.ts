import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity, recipientOf, unwrapIdentity, wrapIdentity } from '../../../activities/keys/identity.ts';
import type { BackupError } from '../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeKeys } from '../../support/keys.ts';
import type { TestKeys } from '../../support/keys.ts';

describe('identity of a backup', () => {
  let folder: string;
  let keys: TestKeys;
  let identity: string;
  let wrapped: string;

  before(async () => {
    folder = await temporaryFolder();
    keys = await makeKeys(folder);
    ({ identity } = await newIdentity());
    wrapped = await wrapIdentity(identity, keys.recipients);
  });
  after(cleanUp);

  it('P41 opens with either recipient’s key alone', async () => {
    for (const file of [keys.identityFile, keys.spareIdentityFile]) {
      assert.equal(await unwrapIdentity(wrapped, await readFile(file, 'utf8')), identity);
    }
  });

  it('P41 opens with age and either key alone, with no code of ours, to an identity that age takes', async () => {
    const file = path.join(folder, 'key.age');
    await writeFile(file, wrapped);
    const sealed = execFileSync('age', ['-r', await recipientOf(identity)], { input: 'what was captured' });
    for (const key of [keys.identityFile, keys.spareIdentityFile]) {
      const one = path.join(folder, 'one.txt');
      await writeFile(one, execFileSync('age', ['-d', '-i', key, file]));
      assert.equal(execFileSync('age', ['-d', '-i', one], { input: sealed }).toString(), 'what was captured');
    }
  });

  it('is taken from what age wrapped', async () => {
    const args = keys.recipients.flatMap((recipient) => ['-r', recipient]);
    const byAge = execFileSync('age', ['-a', ...args], { input: `${identity}\n` }).toString();
    assert.equal(await unwrapIdentity(byAge, keys.identities[1]), identity);
  });

  it('is fresh each time', async () => {
    assert.notEqual((await newIdentity()).identity, identity);
    assert.notEqual(await wrapIdentity(identity, keys.recipients), wrapped);
  });

  it('does not open with another key', async () => {
    const other = await newIdentity();
    await assert.rejects(unwrapIdentity(wrapped, other.identity), missing);
    await assert.rejects(unwrapIdentity(wrapped, '# nothing but a comment\n'), missing);
    assert.equal(await unwrapIdentity(wrapped, `# many\n${other.identity}\n\n  ${keys.identities[1]}  \r\n`), identity);
  });

  it('quotes no secret when the identity file is wrong', async () => {
    const [first] = keys.identities;
    const broken = first.slice(0, -1) + (first.endsWith('X') ? 'Q' : 'X');
    await assert.rejects(unwrapIdentity(wrapped, `# one\n${broken}`), (error: BackupError) => {
      const all = `${error.message} ${error.remedy} ${JSON.stringify(error.facts)} ${String(error.cause)}`;
      assert.ok(!all.includes(broken.slice(20)), all);
      return missing(error);
    });
  });

  it('is damaged, and says so, when a byte of it is flipped or it is cut off', async () => {
    const lines = wrapped.split('\n');
    const flip = (text: string): string => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);
    const last = lines.length - 3;
    const bad = [
      lines.map((line, index) => (index === last ? flip(line) : line)).join('\n'),
      lines.slice(0, 3).join('\n'),
      'not age at all',
      '',
      await wrapIdentity('no identity', keys.recipients),
    ];
    for (const text of bad)
      await assert.rejects(unwrapIdentity(text, keys.identities[0]), { code: 'verification-failed' });
  });

  it('is wrapped to recipients, or not at all', async () => {
    await assert.rejects(wrapIdentity(identity, []), { code: 'config' });
    await assert.rejects(wrapIdentity(identity, [keys.recipients[0], 'age1typo']), { code: 'config' });
  });
});

function missing(error: BackupError): boolean {
  return error.code === 'missing-identity' && (error.remedy ?? '') !== '';
}
