import assert from 'node:assert/strict';
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { newIdentity, unwrapIdentity, wrapIdentity } from '../../../activities/keys/identity.ts';
import { keyIdOf } from '../../../activities/keys/signing.ts';
import { loadSite } from '../../../activities/config/load.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { runCommand } from '../../support/worker-process.ts';
import { backUp, makeRotatable, opening, type Rotatable } from '../../support/rotated.ts';

const listed = z.object({
  recipients: z.array(
    z.looseObject({
      recipient: z.string(),
      inConfig: z.boolean(),
      atHand: z.boolean(),
      opens: z.record(z.string(), z.array(z.string())),
    }),
  ),
  signing: z.array(z.looseObject({ keyId: z.string(), state: z.string(), own: z.boolean(), signed: z.number() })),
});
const FULL = 'daily/stack/20261122T020000Z-full';
const AT = 'configs/stack/20261122T020000Z-full';

describe('keys', () => {
  let folder: string;
  let made: Rotatable;

  beforeEach(async () => {
    folder = await temporaryFolder();
    made = await makeRotatable(folder);
    await writeFile(made.file, `# our config\n${await readFile(made.file, 'utf8')}`);
    await backUp(made.site, '2026-11-22T02:00:00Z');
  });
  afterEach(cleanUp);

  function keys(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, 'keys', ...args]);
  }

  async function list(...args: readonly string[]) {
    const { code, stdout, stderr } = await keys('list', ...args, '--json');
    assert.equal(code, 0, stderr);
    return listed.parse(JSON.parse(stdout));
  }

  it('from a leak to its end: add, retire, rotate; the comments of the config stay, and the old key opens nothing', async () => {
    const { freshRecipient, oldRecipient, fresh } = made;
    assert.equal((await keys('check')).code, 0);
    const before = await list();
    assert.deepEqual(
      before.recipients.map(({ atHand, opens }) => [atHand, opens['repository'], opens['vault']]),
      [
        [true, [FULL], [FULL]],
        [false, [FULL], [FULL]],
      ],
    );
    assert.deepEqual(
      before.signing.map(({ keyId, state, own, signed }) => [keyId, state, own, signed]),
      [[keyIdOf(made.publicKey), 'trusted', true, 2]],
    );

    assert.equal((await keys('retire', oldRecipient)).code, 4, 'never below two');
    assert.equal((await keys('add', freshRecipient)).code, 0);
    assert.equal((await keys('add', freshRecipient)).code, 7);
    const lacking = await keys('check');
    assert.equal(lacking.code, 10, lacking.stdout);
    assert.match(lacking.stdout, /it has no wrap for 1 of the 3 recipients[^]*keys rotate/);
    assert.equal((await keys('retire', oldRecipient)).code, 0);
    assert.match(await readFile(made.file, 'utf8'), /^# our config\n/);
    assert.match((await keys('list')).stdout, new RegExp(`${oldRecipient} +no +at hand +1 of 1 +1 of 1`));

    const refused = await keys('rotate', '--direct');
    assert.equal(refused.code, 4, refused.stderr);
    const planned = await keys('rotate', '--direct', '--dry-run', '--identity', fresh);
    assert.match(planned.stdout, new RegExp(`restored with alone: ${freshRecipient}`));
    const rotated = await keys('rotate', '--direct', '--identity', fresh);
    assert.equal(rotated.code, 0, rotated.stdout + rotated.stderr);
    assert.match(
      rotated.stdout,
      new RegExp(`stack: ${FULL} at repository restored with ${freshRecipient} alone\\n.*its identity was not at hand`),
    );
    for (const root of made.places) assert.deepEqual((await opening(root, made.identities[0]))[AT], [false, false]);
    assert.equal((await keys('check', '--identity', fresh)).code, 0);
    const damaged = await keys('check');
    assert.equal(damaged.code, 9, 'the old identity, alone, opens nothing');
    assert.match(damaged.stdout, /None of the identities at hand opens/);
  });

  it('check finds a key that opens and does not fit, two keys that differ, a wrap too many, and a place that is away', async () => {
    const { recipients } = made.site.config.encryption;
    const at = path.join(folder, 'vault', AT);
    const saved = path.join(folder, 'saved');
    await cp(at, saved, { recursive: true });
    const { identity, recipient } = await newIdentity();
    const right = await readFile(path.join(at, 'key.age'), 'utf8');
    const own = await unwrapIdentity(right, await readFile(made.identities[0], 'utf8'));
    const another = await wrapIdentity(identity, recipients);
    const cases: readonly (readonly [manifest: string, beside: string | null, code: number, said: RegExp])[] = [
      [another, another, 9, /its key opens, but what it holds does not open its artifacts/],
      [right, another, 9, /hold different keys/],
      [right, 'no armor', 9, /key\.age: The wrapped key of this backup is damaged/],
      [right, null, 10, /key\.age is not there/],
      [right, await wrapIdentity(own, recipients), 10, /a rotation was not finished/],
      ...(await Promise.all(
        [[...recipients, recipient]].map(async (many) => {
          const wrapped = await wrapIdentity(own, many);
          return [wrapped, wrapped, 10, /1 wrap\(s\) for recipients that the config does not name/] as const;
        }),
      )),
    ];
    for (const [manifest, beside, code, said] of cases) {
      const parsed: unknown = JSON.parse(await readFile(path.join(saved, 'manifest.json'), 'utf8'));
      assert.ok(typeof parsed === 'object');
      await writeFile(path.join(at, 'manifest.json'), JSON.stringify({ ...parsed, key: manifest }));
      if (beside === null) await rm(path.join(at, 'key.age'));
      else await writeFile(path.join(at, 'key.age'), beside);
      const found = await keys('check');
      assert.equal(found.code, code, found.stdout);
      assert.match(found.stdout, said);
      assert.equal((await keys('check', '--destination', 'repository')).code, 0);
    }
    await rename(path.join(folder, 'vault'), path.join(folder, 'unplugged'));
    const away = await keys('check');
    assert.equal(away.code, 10);
    assert.match(away.stdout, /vault could not be looked at/);
    const retired = await keys('retire', made.oldRecipient);
    assert.equal(retired.code, 4);
    await keys('add', made.freshRecipient);
    assert.equal((await keys('retire', made.oldRecipient)).code, 8, 'what lies where nobody can look may need it');
  });

  it('retire names the backups that nobody else opens', async () => {
    const at = path.join(folder, 'vault', AT);
    const key = await readFile(path.join(at, 'key.age'), 'utf8');
    const own = await unwrapIdentity(key, await readFile(made.identities[0], 'utf8'));
    const alone = await wrapIdentity(own, [made.oldRecipient]);
    const parsed: unknown = JSON.parse(await readFile(path.join(at, 'manifest.json'), 'utf8'));
    assert.ok(typeof parsed === 'object');
    await writeFile(path.join(at, 'manifest.json'), JSON.stringify({ ...parsed, key: alone }));
    await writeFile(path.join(at, 'key.age'), alone);
    await keys('add', made.freshRecipient);
    const refused = await keys('retire', made.oldRecipient);
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, new RegExp(`${FULL} at vault\\. Nothing was changed[^]*keys rotate`));
    assert.ok(
      (await loadSite({ file: made.file, env: process.env })).config.encryption.recipients.includes(made.oldRecipient),
    );
  });

  it('an identity that was lost, even that of the config: the other one retires it and rotates', async () => {
    const [lost, second] = made.identities;
    await rm(lost);
    await keys('add', made.freshRecipient);
    assert.equal((await keys('retire', made.oldRecipient, '--identity', second)).code, 0);
    const rotated = await keys('rotate', '--direct', '--identity', second, '--identity', made.fresh);
    assert.equal(rotated.code, 0, rotated.stdout + rotated.stderr);
    assert.equal(rotated.stdout.match(/restored with age1\S+ alone/g)?.length, 2);
    for (const root of made.places) assert.deepEqual((await opening(root, made.fresh))[AT], [true, true]);
  });

  it('repeats no identity that is given in place of a recipient', async () => {
    const secret = (await readFile(made.fresh, 'utf8')).trim();
    const { code, stderr } = await keys('add', secret);
    assert.equal(code, 2);
    assert.ok(!stderr.includes(secret.slice(20)));
  });

  describe('of signing', () => {
    it('rotate: what the old key signed stays good, the new one signs from now on', async () => {
      const before = await readFile(made.file, 'utf8');
      const planned = await keys('rotate', '--signing', '--dry-run');
      assert.match(planned.stdout, /would make a new signing key beside .*signing\.pem/);
      assert.equal(await readFile(made.file, 'utf8'), before, 'nothing is changed');
      const { code, stdout } = await keys('rotate', '--signing');
      assert.equal(code, 0);
      const site = await loadSite({ file: made.file, env: process.env });
      assert.deepEqual(site.config.signing.trusted, [made.publicKey, stdout]);
      assert.match(await readFile(made.file, 'utf8'), /^# our config\n/);
      await backUp(site, '2026-11-23T02:00:00Z');
      const signers = (await list()).signing.map(({ keyId, state, own, signed }) => [keyId, state, own, signed]);
      assert.deepEqual(signers, [
        [keyIdOf(made.publicKey), 'trusted', false, 2],
        [keyIdOf(stdout), 'trusted', true, 2],
      ]);
      assert.equal(
        (await mosaicHere(['-c', made.file, 'verify', 'latest', '--source', 'stack'])).code,
        0,
        'the chain of both',
      );
    });

    it('rotate, killed before the config is written: nothing is changed, and the same again does it', async () => {
      const before = await readFile(made.file, 'utf8');
      const point = { at: 'activities/config/edit.ts#editConfig' };
      const args = ['-c', made.file, 'keys', 'rotate', '--signing'];
      const killed = await runCommand({ args, owner: folder, point, reached: path.join(folder, 'reached') });
      assert.equal(killed.code, null, killed.output);
      assert.equal(await readFile(made.file, 'utf8'), before);
      const { code, stdout } = await keys('rotate', '--signing');
      assert.equal(code, 0);
      const site = await loadSite({ file: made.file, env: process.env });
      assert.deepEqual(site.config.signing.trusted, [made.publicKey, stdout]);
      assert.match(JSON.stringify(site.config.signing.key), /signing-\d{8}-2\.pem/);
      await backUp(site, '2026-11-23T02:00:00Z');
    });

    it('revoke: what it signed is told as such, this host signs nothing more with it, and the next backup is a full', async () => {
      const own = keyIdOf(made.publicKey);
      assert.equal((await keys('revoke', 'ffffffffffffffff')).code, 6);
      assert.equal((await keys('revoke', own)).code, 0);
      assert.equal((await keys('revoke', own)).code, 7);
      const verified = await mosaicHere(['-c', made.file, 'verify', FULL]);
      assert.equal(verified.code, 9);
      assert.match(verified.stdout, new RegExp(`signature: by ${own}, which was revoked`));
      const restored = await mosaicHere(['-c', made.file, 'restore', FULL, '--to', path.join(folder, 'restored')]);
      assert.equal(restored.code, 9, restored.stderr);
      assert.match(restored.stderr, /signed by a key that was revoked/);
      const revoked = await loadSite({ file: made.file, env: process.env });
      await assert.rejects(backUp(revoked, '2026-11-23T02:00:00Z'), /is revoked in/);
      assert.match((await mosaicHere(['-c', made.file, 'doctor'])).stdout, /signing key of this host .* is revoked/);
      assert.equal((await keys('rotate', '--signing')).code, 0);
      const next = await backUp(await loadSite({ file: made.file, env: process.env }), '2026-11-24T02:00:00Z', []);
      assert.match(next, /full$/, 'nothing builds on what cannot be believed');
    });

    it('revoke --since: what says that it is older is believed still', async () => {
      const own = keyIdOf(made.publicKey);
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      assert.equal((await keys('revoke', own, '--since', 'yesterday')).code, 2);
      const { code, stderr } = await keys('revoke', own, '--since', soon);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /whoever has the key can write an older one/);
      assert.equal((await mosaicHere(['-c', made.file, 'verify', FULL])).code, 0);
      const text = await readFile(made.file, 'utf8');
      await writeFile(made.file, text.replace(soon, '2026-01-01T00:00:00Z'));
      assert.equal((await mosaicHere(['-c', made.file, 'verify', FULL])).code, 9);
    });
  });
});
