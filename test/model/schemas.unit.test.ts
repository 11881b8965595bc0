import assert from 'node:assert/strict';
import { z } from 'zod';
import { storedSchema, STORED_SCHEMAS } from '../../model/schemas.ts';
import { testBackup } from '../support/backups.ts';

describe('published schemas', () => {
  it('are there for all that is stored, each with a name of its own', () => {
    const ids = STORED_SCHEMAS.map((name) => storedSchema(name)['$id']);
    assert.deepEqual(ids, [
      'urn:mosaic-backup:manifest:1',
      'urn:mosaic-backup:inventory:1',
      'urn:mosaic-backup:export-list:1',
      'urn:mosaic-backup:evidence:1',
      'urn:mosaic-backup:recovery-point:1',
      'urn:mosaic-backup:mark:1',
      'urn:mosaic-backup:archive:1',
      'urn:mosaic-backup:drill:1',
      'urn:mosaic-backup:prune:1',
    ]);
  });

  it('accept a manifest with unknown fields, and refuse one that lies about its shape', () => {
    // Read back from the JSON that is published, as another program would.
    const published = z.fromJSONSchema(JSON.parse(JSON.stringify(storedSchema('manifest'))));
    const { manifest } = testBackup({ fields: { novel: true } });
    assert.equal(published.safeParse(manifest).success, true);
    for (const wrong of [
      { tier: 'hourly' },
      { artifacts: [{ name: '../x' }] },
      { scheduled: 'yesterday' },
      { signature: null },
    ]) {
      assert.equal(published.safeParse({ ...manifest, ...wrong }).success, false, JSON.stringify(wrong));
    }
  });

  it('accept lines of export lists, and the exports of a manifest', () => {
    const published = z.fromJSONSchema(JSON.parse(JSON.stringify(storedSchema('export-list'))));
    const content = { entry: 'content', database: 'a/b', id: '1', catalog: '1259', oid: '2', text: 'TABLE public a b' };
    assert.equal(published.safeParse(content).success, true);
    assert.equal(published.safeParse({ ...content, entry: 'other' }).success, false);
    const manifests = z.fromJSONSchema(JSON.parse(JSON.stringify(storedSchema('manifest'))));
    const { manifest } = testBackup();
    const of = { database: 'a/b', format: 'sql', at: '2026-11-22T01:00:00.123456Z', position: null, made: null };
    const artifact = { role: 'export', name: 'export-1.sql.zst.age', bytes: 1, sha256: '0'.repeat(64), plainBytes: 1 };
    const withExport = (scope: string) => ({ ...manifest, artifacts: [{ ...artifact, export: { ...of, scope } }] });
    assert.equal(manifests.safeParse(withExport('database')).success, true);
    assert.equal(manifests.safeParse(withExport('everything')).success, false);
  });

  it('accept lines of inventories', () => {
    const published = z.fromJSONSchema(JSON.parse(JSON.stringify(storedSchema('inventory'))));
    const lines = [
      { schema: 'mosaic-backup/inventory@1', source: 'stack', type: 'files' },
      { path: 'etc/passwd', type: 'file', size: 10, mode: '0644', uid: 0, gid: 0, mtime: '1.5' },
      { entry: 'setting', name: 'port', value: '5432' },
    ];
    for (const line of lines) assert.equal(published.safeParse(line).success, true, JSON.stringify(line));
    assert.equal(published.safeParse({ path: 1 }).success, false);
  });
});
