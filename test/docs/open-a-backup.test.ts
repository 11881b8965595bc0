import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureBackup } from '../../activities/operations/capture.ts';
import { newSigningKey } from '../../activities/keys/signing.ts';
import type { Site } from '../../activities/site.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { encodeManifest, parseManifest } from '../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import { signedForm } from '../../model/manifest.ts';
import { testBackup } from '../support/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { testWork } from '../support/work.ts';

const PAGE = fileURLToPath(new URL('../../docs/open-a-backup.md', import.meta.url));

/** Does literally what docs/open-a-backup.md says, with nothing of ours but the stored bytes. */
describe('docs/open-a-backup.md', () => {
  let folder: string;
  let postgres: TestPostgres;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'stack'));
    await writeFile(path.join(folder, 'stack', '.env'), 'TOKEN=from the first backup\n', { mode: 0o600 });
    await writeFile(path.join(folder, 'stack', 'gone.txt'), 'deleted before the second\n');
    postgres = await startPostgres({ folder });
    await postgres.sql('CREATE TABLE kept AS SELECT 42 AS answer');
    test = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'stack')] }, postgres: postgres.config() },
    });
  });

  after(async () => {
    await postgres?.stop();
    await cleanUp();
  });

  it('opens a full and its incremental of a files source, with either identity', async () => {
    const full = await capture('stack', '2026-11-22T02:00:00Z');
    await rm(path.join(folder, 'stack', 'gone.txt'));
    await writeFile(path.join(folder, 'stack', '.env'), 'TOKEN=from the second backup\n', { mode: 0o600 });
    const incremental = await capture('stack', '2026-11-23T02:00:00Z');

    const [sign, check, key, look, unpack, parent] = await blocks();
    const source = path.join(folder, 'stack');
    for (const identity of test.identities) {
      const script = [...settings(full, identity), sign, check, key, look, unpack, parent].join('\n');
      const { stdout } = await shell(`${script}\ncat "$TARGET${source}/.env"; ls "$TARGET${source}"`);
      assert.match(stdout, /Signature Verified Successfully[^]*base\.tar\.zst\.age: OK/);
      assert.match(stdout, /this is a full\nTOKEN=from the first backup\ngone\.txt$/);
    }
    const [identity] = test.identities;
    // The full first, then the incremental into the same folder.
    const chain = [
      ...settings(full, identity),
      key,
      unpack,
      ...settings(incremental, identity),
      key,
      (unpack ?? '').replace(/^TARGET=.*$/m, ''),
      parent,
    ];
    const { stdout } = await shell(`${chain.join('\n')}\ncat "$TARGET${source}/.env"; ls -A "$TARGET${source}"`);
    assert.match(stdout, /20261122T020000Z-full\nTOKEN=from the second backup\n\.env$/);
  });

  it('starts a server from a PostgreSQL base backup', async () => {
    const backup = await capture('postgres', '2026-11-23T02:00:00Z');
    const [sign, check, key, , unpack, , start] = await blocks();
    const [identity] = test.identities;
    const query = `psql -h "$TARGET" -d postgres -tAc 'SELECT answer FROM kept'`;
    const withQuery = (start ?? '').replace(/psql .*/, query);
    assert.notEqual(withQuery, start);
    const { stdout } = await shell(
      [...settings(backup, identity), sign, check, key, unpack, withQuery, 'rm -rf "$TARGET"'].join('\n'),
    );
    assert.match(stdout, /^42$/m);
  });

  it("a flipped byte does not pass the page's own check", async () => {
    const backup = await capture('stack', '2026-11-24T02:00:00Z');
    const artifact = path.join(backup, 'base.tar.zst.age');
    const bytes = await readFile(artifact);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(artifact, bytes);
    const [, check] = await blocks();
    await assert.rejects(shell([...settings(backup, test.identities[0]), check].join('\n')), /FAILED/);
  });

  it('a changed manifest does not pass, nor one that another key signed', async () => {
    const backup = await capture('stack', '2026-11-25T02:00:00Z');
    const [sign] = await blocks();
    const [identity] = test.identities;
    const { publicKey } = newSigningKey();
    await assert.rejects(
      shell([...settings(backup, identity), `PUBLIC_KEY=${publicKey}`, sign].join('\n')),
      /Signature Verification Failure/,
    );
    const file = path.join(backup, 'manifest.json');
    const text = await readFile(file, 'utf8');
    // White space is not signed, and a new key for other recipients breaks no signature.
    await writeFile(file, JSON.stringify({ ...parseManifest(Buffer.from(text)), key: 'rotated' }));
    await shell([...settings(backup, identity), sign].join('\n'));
    await writeFile(file, text.replace('"fuzzy"', '"crash"'));
    assert.notEqual(await readFile(file, 'utf8'), text);
    await assert.rejects(shell([...settings(backup, identity), sign].join('\n')), /Signature Verification Failure/);
  });

  it("jq's form is the signed one, for names and numbers of all kinds", async () => {
    const warning = {
      code: 'x',
      message: 'tab\t "quoted" back\\slash \u0001\u001f\u2028 é 😀 </script>',
      partial: false,
      paths: ['b', 'a'],
    };
    const numbers = { zero: 0, negative: -7, bytes: Number.MAX_SAFE_INTEGER, ratio: 0.125, Z: { b: null, a: true } };
    const { manifest } = testBackup({ fields: { engine: numbers, warnings: [warning], later: { é: 1, z: 2, A: 3 } } });
    const { stdout } = await execa('jq', ['-cjS', 'del(.key, .signature)'], { input: encodeManifest(manifest) });
    assert.equal(stdout, signedForm(manifest));
  });

  async function capture(source: string, scheduled: string): Promise<string> {
    const { site } = test;
    const captured = await captureBackup({
      site,
      source,
      tier: 'daily',
      runId: `daily-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
    return backupFolderOf(site, captured.backup.reference);
  }

  async function backupFolderOf(site: Site, reference: string): Promise<string> {
    const found = (await listBackups(repositoryStore(site.repository))).find(({ name }) =>
      reference.endsWith(`${name.source}/${name.id}`),
    );
    assert.ok(found);
    return path.join(site.repository, found.folder);
  }

  function settings(backup: string, identity: string): string[] {
    return [`BACKUP=${backup}`, `IDENTITY=${identity}`, `PUBLIC_KEY=${test.publicKey}`, 'cd "$BACKUP"'];
  }

  /** The page's commands, block by block, without the first, which names the reader's own paths. */
  async function blocks(): Promise<string[]> {
    const text = await readFile(PAGE, 'utf8');
    const [own, ...rest] = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
    assert.match(own ?? '', /^BACKUP=.*\nIDENTITY=.*\nPUBLIC_KEY=.*\n$/);
    return rest;
  }

  /** TMPDIR: what the page makes with mktemp lies in the test's own folder. */
  function shell(script: string) {
    return execa('sh', ['-eu', '-c', script], { env: { TMPDIR: folder } });
  }
});
