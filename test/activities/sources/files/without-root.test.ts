/** Proofs by a worker that is not root, of a backup that root has captured. Needs root, to become somebody else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CONTENTS, type Check } from '../../../../model/evidence.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite, type FilesSite } from './site.ts';

const SOMEBODY = 65_534;

describe('proofs of files without root', () => {
  after(cleanUp);

  let source: string;
  let site: FilesSite;
  beforeEach(async () => {
    source = await temporaryFolder();
    writeFileSync(path.join(source, 'open'), 'may be read');
    site = await filesSite([source]);
  });

  /** As a user without any right of root's; nothing of it may stay. */
  function prove(...digests: readonly string[]): readonly Check[] {
    const within = path.join(site.folder, 'of somebody');
    mkdirSync(within, { recursive: true });
    execFileSync('chown', ['-R', `${SOMEBODY}:${SOMEBODY}`, site.folder]);
    const script = path.join(import.meta.dirname, 'prove-in-child.ts');
    const args = [script, String(SOMEBODY), path.join(site.folder, 'config.yaml'), within, ...digests];
    const printed = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: '/' });
    assert.deepEqual(readdirSync(within), []);
    return JSON.parse(printed) as readonly Check[];
  }

  function closeSome(): void {
    writeFileSync(path.join(source, 'closed file'), 'is closed', { mode: 0 });
    mkdirSync(path.join(source, 'closed', 'below'), { recursive: true });
    writeFileSync(path.join(source, 'closed', 'below', 'file'), 'is out of reach');
    chmodSync(path.join(source, 'closed'), 0);
  }

  function named(checks: readonly Check[], name: string): Check {
    const found = checks.find((check) => check.name === name);
    assert.ok(found, `no check is called ${name}: ${JSON.stringify(checks)}`);
    return found;
  }

  it('call nothing damaged that this user may not read, and say what was not compared', async () => {
    closeSome();
    await site.capture();
    const checks = prove();
    assert.deepEqual(
      checks.filter(({ ok }) => !ok),
      [],
    );
    const { compared, detail } = named(checks, 'unreadable files');
    assert.equal(compared, false);
    assert.match(
      detail,
      /the content of 1 files: \S*\/closed file; and 2 entries in closed folders: \S*\/closed\/below; /,
    );
    assert.match(named(checks, 'files').detail, /^4 entries equal the inventory/);

    const { digest = '' } = named(checks, CONTENTS);
    const ofRoot = named(await site.prove(), 'files');
    assert.equal(ofRoot.ok, true);
    // Root found more: that is no difference. What the same user finds later is one.
    const other = '0'.repeat(64);
    assert.deepEqual(outcome(named(prove(other), CONTENTS)), [false, true]);
    assert.deepEqual(outcome(named(prove(other, digest), CONTENTS)), [true, true]);
    assert.deepEqual(outcome(named(prove(digest.replace(/.{64}$/, other)), CONTENTS)), [true, false]);
  });

  function outcome({ compared, ok }: Check): readonly [boolean, boolean] {
    return [compared, ok];
  }

  it('go on where an incremental changes what is in a read-only or closed folder', async () => {
    closeSome();
    const readOnly = path.join(source, 'read-only');
    mkdirSync(readOnly);
    writeFileSync(path.join(readOnly, 'goes'), 'away');
    chmodSync(readOnly, 0o555);
    await site.capture();
    rmSync(path.join(readOnly, 'goes'));
    writeFileSync(path.join(readOnly, 'comes'), 'later');
    writeFileSync(path.join(source, 'closed', 'comes'), 'later');
    const { kind } = await site.capture();
    assert.equal(kind, 'incremental');
    assert.deepEqual(
      prove().filter(({ ok }) => !ok),
      [],
    );
  });
});
