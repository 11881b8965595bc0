import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { loadSite } from '../../../activities/config/load.ts';
import { identityLines, unwrapIdentity } from '../../../activities/keys/identity.ts';
import { opensHeader } from '../../../activities/keys/header.ts';
import { restoreBackup } from '../../../activities/operations/restore.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { keyBytes } from '../../../model/keys.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { backUp, makeRotatable, type Rotatable } from '../../support/rotated.ts';
import { testWork } from '../../support/work.ts';

const config = z.looseObject({ encryption: z.looseObject({}) });

describe('identities, where they come from', () => {
  let folder: string;
  let made: Rotatable;

  before(async () => {
    folder = await temporaryFolder();
    made = await makeRotatable(folder);
    await backUp(made.site, '2026-11-22T02:00:00Z');
  });
  after(cleanUp);

  async function siteWith(identity: unknown, env: NodeJS.ProcessEnv): Promise<Site> {
    const file = path.join(folder, 'other.yaml');
    const whole = config.parse(parse(await readFile(made.file, 'utf8')));
    const { identity: _identity, ...encryption } = whole.encryption;
    await writeFile(
      file,
      stringify({ ...whole, encryption: { ...encryption, ...(identity === undefined ? {} : { identity }) } }),
    );
    return loadSite({ file, env: { ...process.env, ...env } });
  }

  const forms: readonly (readonly [string, () => unknown, () => NodeJS.ProcessEnv])[] = [
    ['a file', () => ({ file: made.identities[0] }), () => ({})],
    [
      'a systemd credential',
      () => ({ credential: 'identity.txt' }),
      () => ({ CREDENTIALS_DIRECTORY: path.dirname(made.identities[0]) }),
    ],
    ['a command', () => ({ command: ['cat', made.identities[0]] }), () => ({})],
    ['a variable', () => ({ env: 'MY_IDENTITY' }), () => ({ MY_IDENTITY: 'set below' })],
  ];
  for (const [name, form, env] of forms) {
    it(`${name}: restores`, async () => {
      const given = env();
      const identity = (await readFile(made.identities[0], 'utf8')).trim();
      const site = await siteWith(form(), given['MY_IDENTITY'] ? { MY_IDENTITY: identity } : given);
      const store = repositoryStore(site.repository);
      const to = path.join(await temporaryFolder(), 'restored');
      const chain = (await listBackups(store)).filter(({ name: { id } }) => id === '20261122T020000Z-full');
      await restoreBackup({ site, store, chain, to, paths: [], work: testWork() });
      assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there first\n');
    });
  }

  it('on a host that only backs up nothing can be decrypted with all that is on it, incrementals and all', async () => {
    const site = await siteWith(undefined, {});
    await writeFile(made.data, 'what was there then\n');
    assert.match(
      await backUp(site, '2026-11-23T02:00:00Z'),
      /incremental$/,
      'it makes incrementals without an identity',
    );
    await writeFile(made.data, 'and then\n');
    await backUp(site, '2026-11-24T02:00:00Z');

    // Everything on its disk but what is kept elsewhere: identity files are not on such a host.
    const elsewhere = new Set([...made.identities, made.fresh]);
    const texts: string[] = [];
    for (const root of [folder]) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const file = path.join(entry.parentPath, entry.name);
        if (entry.isFile() && !elsewhere.has(file)) texts.push(await readFile(file, 'latin1'));
      }
    }
    assert.ok(
      texts.some((text) => text.includes('PRIVATE KEY')),
      'the signing key is among what is tried',
    );
    // Whatever looks like an identity, in any file; and whatever 32 bytes a private key, a token or a digest is made of.
    const found = [...new Set(texts.flatMap((text) => text.match(/AGE-SECRET-KEY-1[0-9A-Z]{58}/gi) ?? []))];
    const secrets = new Set(
      texts.flatMap((text) => [...identityLines(text)].filter((line) => keyBytes(line) !== undefined)),
    );
    const raw = texts.flatMap((text) =>
      (text.match(/[A-Za-z0-9+/]{43}=|[0-9a-f]{64}|[A-Za-z0-9+/]{64}/g) ?? []).flatMap(seeds),
    );
    const candidates = [
      ...new Set([...found, ...[...secrets].filter((line) => line.startsWith('AGE-SECRET')), ...raw.map(asIdentity)]),
    ];
    assert.ok(candidates.length > 10, 'digests, keys and ids are tried as if they were identities');
    const store = repositoryStore(site.repository);
    const backups = (await listBackups(store)).filter(({ name: { source } }) => source === 'stack');
    assert.equal(backups.length, 3);
    for (const { folder: key, manifest } of backups) {
      await assert.rejects(unwrapIdentity(manifest.key, candidates.join('\n')), { code: 'missing-identity' });
      for (const { name } of manifest.artifacts)
        for (const candidate of candidates)
          assert.equal(await opensHeader(candidate, await store.open(`${key}/${name}`)), false, name);
    }
    await assert.rejects(
      restoreBackup({
        site,
        store,
        chain: backups.slice(0, 1),
        to: path.join(folder, 'never'),
        paths: [],
        work: testWork(),
      }),
      { code: 'missing-identity' },
    );
    // The same scan finds it where it does lie: it can fail.
    const there = await readFile(made.identities[0], 'utf8');
    assert.ok(await unwrapIdentity(backups[0]?.manifest.key ?? '', [...candidates, there.trim()].join('\n')));
  });
});

/** Every 32 bytes that a text in base64 or hex may stand for; of a key in PKCS #8 its last ones. */
function seeds(text: string): readonly Buffer[] {
  const bytes = /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  return bytes.length < 32 ? [] : [bytes.subarray(0, 32), bytes.subarray(-32)];
}

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Bech32, as age writes an identity. */
function asIdentity(bytes: Buffer): string {
  const values: number[] = [];
  let [held, bits] = [0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      values.push((held >> bits) & 31);
    }
  }
  if (bits > 0) values.push((held << (5 - bits)) & 31);
  const prefix = 'age-secret-key-';
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  const sum = polymod([...expanded, ...values, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = [5, 4, 3, 2, 1, 0].map((index) => (sum >> (5 * index)) & 31);
  return `${prefix}1${[...values, ...check].map((value) => LETTERS[value] ?? '').join('')}`.toUpperCase();
}

function polymod(values: readonly number[]): number {
  const terms = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  return values.reduce((sum, value) => {
    const top = sum >>> 25;
    return terms.reduce(
      (rest, term, index) => ((top >>> index) & 1 ? rest ^ term : rest),
      ((sum & 0x1ffffff) << 5) ^ value,
    );
  }, 1);
}
