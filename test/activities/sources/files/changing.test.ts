/** Files that change, vanish or cannot be read while they are captured. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readlinkSync, rmSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Manifest, Warning } from '../../../../model/manifest.ts';
import { damagedDisk, removeDamagedDisks } from '../../../support/damaged-disk.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite, type FilesSite } from './site.ts';
import { write } from './tree.ts';

describe('files that change while they are captured', () => {
  let source: string;
  let site: FilesSite;
  beforeEach(async () => {
    source = await temporaryFolder({ onDisk: true });
    // tar reads in the order of names, and at this rate for about two seconds.
    write(source, 'a first', randomBytes(3_000_000));
    write(source, 'b database', randomBytes(2_000_000));
    write(source, 'c log', randomBytes(1_000_000));
    write(source, 'd goes');
    site = await filesSite([source], { limits: { maxRate: '2MB' } });
  });
  after(async () => {
    removeDamagedDisks();
    await cleanUp();
  });

  /** Captures, and does something while tar has the second file open: the first is read, the others are not yet. */
  async function captureWhile(
    change: () => void,
    options: Parameters<FilesSite['capture']>[0] = {},
  ): Promise<Manifest> {
    const open = path.join(source, 'b database');
    let begun = false;
    const looking = setInterval(() => {
      if (begun || !isOpen(open)) return;
      begun = true;
      change();
    }, 5);
    try {
      const manifest = await site.capture(options);
      assert.ok(begun, 'nothing was done in the middle');
      return manifest;
    } finally {
      clearInterval(looking);
    }
  }

  function warningOf(manifest: Manifest, code: string): Warning {
    const warning = manifest.warnings.find((each) => each.code === code);
    assert.ok(warning, `no ${code} in ${JSON.stringify(manifest.warnings)}`);
    return warning;
  }

  it('P38 make the outcome partial, are named in the manifest, and are not compared', async () => {
    const manifest = await captureWhile(() => {
      appendFileSync(path.join(source, 'b database'), 'more');
      truncateSync(path.join(source, 'c log'), 10);
      rmSync(path.join(source, 'd goes'));
    });
    const warning = warningOf(manifest, 'files.changed');
    assert.equal(warning.partial, true);
    assert.ok(warning.paths?.includes(`${source}/b database`), JSON.stringify(warning));
    assert.ok(warning.paths?.includes(`${source}/d goes`), JSON.stringify(warning));
    const checks = await site.prove();
    assert.deepEqual(
      checks.filter(({ ok }) => !ok),
      [],
    );
    const changed = checks.find(({ name }) => name === 'changed files');
    assert.equal(changed?.compared, false);
    assert.match(changed.detail, /b database/);
  });

  it('come as single paths as they were read, and what the backup does not hold is said', async () => {
    await captureWhile(() => {
      appendFileSync(path.join(source, 'b database'), 'more');
      rmSync(path.join(source, 'd goes'));
    });
    const restored = async (name: string) =>
      readdirSync(path.join(await site.restore({ paths: [path.join(source, name)] }), source));
    assert.deepEqual(await restored('b database'), ['b database']);
    assert.deepEqual(await restored('*'), ['a first', 'b database', 'c log']);
    await assert.rejects(restored('d goes'), { code: 'not-found', message: /does not hold .*\/d goes"?: it vanished/ });
  });

  it('P38 are in the manifest, but leave the outcome complete, where volatile names them', async () => {
    const manifest = await captureWhile(() => appendFileSync(path.join(source, 'b database'), 'more'), {
      volatile: ['*database'],
    });
    const warning = warningOf(manifest, 'files.volatile');
    assert.equal(warning.partial, false);
    assert.deepEqual(warning.paths, [`${source}/b database`]);
    assert.deepEqual(
      manifest.warnings.filter(({ partial }) => partial),
      [],
    );
  });

  it('are whole in the next incremental, which is compared in full', async () => {
    await captureWhile(() => appendFileSync(path.join(source, 'b database'), 'more'));
    const manifest = await site.capture({ limits: {} });
    assert.equal(manifest.kind, 'incremental');
    assert.deepEqual(manifest.warnings, []);
    const checks = await site.prove();
    assert.deepEqual(
      checks.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(
      checks.find(({ name }) => name === 'changed files'),
      undefined,
    );
  });

  it('that cannot be read are named, make it partial, and nothing builds on it', async () => {
    const mount = await damagedDisk();
    site = await filesSite([mount]);
    const manifest = await site.capture();
    const warning = warningOf(manifest, 'files.unreadable');
    assert.equal(warning.partial, true);
    assert.deepEqual(warning.paths, [`${mount}/bad`]);
    assert.match(warning.message, /Input\/output error|Structure needs cleaning/);
    await assert.rejects(site.restore({ paths: [path.join(mount, 'bad')] }), { code: 'not-found' });
    assert.equal((await site.capture()).kind, 'full');
  });

  it('that are sockets are noted', async () => {
    const server = createServer().listen(path.join(source, 'socket'));
    try {
      const manifest = await site.capture({ limits: {} });
      const warning = warningOf(manifest, 'files.sockets');
      assert.equal(warning.partial, false);
      assert.deepEqual(warning.paths, [`${source}/socket`]);
      assert.deepEqual(
        (await site.prove()).filter(({ ok }) => !ok),
        [],
      );
    } finally {
      server.close();
    }
  });
});

/** Whether some process has a file open. */
function isOpen(file: string): boolean {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .some((pid) => linksOf(`/proc/${pid}/fd`).includes(file));
}

function linksOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((fd) => readlinkSync(path.join(folder, fd)));
  } catch {
    // The process, or one of its files, is gone meanwhile.
    return [];
  }
}
