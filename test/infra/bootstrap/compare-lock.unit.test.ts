/** Whether node_modules are those of the lock file, where no stamp says so. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const PROGRAM = fileURLToPath(new URL('../../../infra/bootstrap/compare-lock.mjs', import.meta.url));
const BEAN = { version: '1.0.0', integrity: 'sha512-one' };

type Packages = Readonly<Record<string, object>>;

describe('bootstrap: compare-lock', () => {
  after(cleanUp);

  it('is content with what is installed as locked', async () => {
    assert.ok(await fits({ wanted: { 'node_modules/bean': BEAN }, installed: { 'node_modules/bean': BEAN } }));
  });

  it('finds another version, another content, and a package that is lacking', async () => {
    const wanted = { 'node_modules/bean': BEAN };
    assert.ok(!(await fits({ wanted, installed: { 'node_modules/bean': { ...BEAN, version: '1.0.1' } } })));
    assert.ok(!(await fits({ wanted, installed: { 'node_modules/bean': { ...BEAN, integrity: 'sha512-two' } } })));
    assert.ok(!(await fits({ wanted, installed: {} })));
  });

  it('finds a package whose folder was deleted', async () => {
    const packages = { 'node_modules/bean': BEAN };
    assert.ok(!(await fits({ wanted: packages, installed: packages, folders: [] })));
  });

  it('asks for no package of another platform, but for the one of this', async () => {
    const elsewhere = { ...BEAN, optional: true, os: ['darwin'], cpu: ['arm64'] };
    const here = { ...BEAN, optional: true, os: [process.platform], cpu: [process.arch] };
    assert.ok(await fits({ wanted: { 'node_modules/elsewhere': elsewhere }, installed: {} }));
    assert.ok(!(await fits({ wanted: { 'node_modules/here': here }, installed: {} })));
  });

  it('takes an installation that was cut off as none', async () => {
    assert.ok(!(await fits({ wanted: { 'node_modules/bean': BEAN }, installed: 'half a fi' })));
  });
});

async function fits({
  wanted,
  installed,
  folders = Object.keys(typeof installed === 'string' ? {} : installed),
}: {
  readonly wanted: Packages;
  readonly installed: Packages | string;
  readonly folders?: readonly string[];
}): Promise<boolean> {
  const root = await temporaryFolder();
  await mkdir(path.join(root, 'node_modules'));
  await writeFile(path.join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }));
  const hidden = typeof installed === 'string' ? installed : JSON.stringify({ packages: installed });
  await writeFile(path.join(root, 'node_modules/.package-lock.json'), hidden);
  for (const folder of folders) {
    await mkdir(path.join(root, folder), { recursive: true });
    await writeFile(path.join(root, folder, 'package.json'), '{}');
  }
  return spawnSync(process.execPath, [PROGRAM, root]).status === 0;
}
