import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { z } from 'zod';
import { heartbeat } from '../../../model/config/fields.ts';
import { isWithin, normalFolder } from '../../../model/config/folders.ts';
import { coordinatorOf, foldersOf, hostNames } from '../../../model/config/hosts.ts';
import { nearest } from '../../../model/config/nearest.ts';
import { formatPath } from '../../../model/config/problem.ts';
import { duration, size } from '../../../model/units.ts';

describe('durations and sizes', () => {
  it('are read and written back without loss', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
        const milliseconds = z.decode(duration, `${count}${unit}`);
        assert.equal(z.decode(duration, z.encode(duration, milliseconds)), milliseconds);
      }),
    );
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom('B', 'kB', 'KiB', 'MB', 'MiB', 'GiB', 'TiB'), (count, unit) => {
        const bytes = z.decode(size, `${count}${unit}`);
        assert.equal(z.decode(size, z.encode(size, bytes)), bytes);
      }),
    );
    assert.equal(z.encode(duration, 7_200_000), '2h');
    assert.equal(z.encode(size, 50 * 2 ** 20), '50MiB');
  });
});

describe('a sign of life', () => {
  it('takes longer than a step takes to give one, or every worker would be taken for dead', () => {
    for (const text of ['1ms', '1s']) assert.equal(z.safeDecode(heartbeat, text).success, false, text);
    assert.equal(z.decode(heartbeat, '2s'), 2000);
  });
});

describe('folders', () => {
  it('are compared whole, whatever their spelling', () => {
    assert.equal(normalFolder('/a//b/./c/../'), '/a/b');
    assert.equal(isWithin('/backups/x', '/backups/'), true);
    assert.equal(isWithin('/backups', '/backups'), true);
    assert.equal(isWithin('/backups2', '/backups'), false);
    assert.equal(isWithin('/backups/../etc', '/backups'), false);
    assert.equal(isWithin('/any', '/'), true);
  });
});

describe('hosts', () => {
  const common = { repository: '/r', state: '/s' };

  it('are one where the config names none', () => {
    assert.deepEqual(hostNames({ hosts: undefined, coordinator: undefined }), ['local']);
    assert.deepEqual(hostNames({ hosts: undefined, coordinator: 'stack1' }), ['stack1']);
    assert.equal(coordinatorOf({ hosts: { one: {} }, coordinator: undefined }), 'one');
  });

  it('have the common folders but for their own', () => {
    // Only what foldersOf reads of a config.
    const config = { ...common, hosts: { one: { state: '/other' } } } as unknown as Parameters<typeof foldersOf>[0];
    assert.deepEqual(foldersOf(config, 'one'), { repository: '/r', state: '/other' });
    assert.deepEqual(foldersOf(config, 'two'), common);
  });
});

describe('suggestions', () => {
  it('are near, or none', () => {
    assert.equal(nearest('exlude', ['paths', 'exclude']), 'exclude');
    assert.equal(nearest('Postgres', ['postgres', 'files']), 'postgres');
    assert.equal(nearest('something', ['paths', 'exclude']), undefined);
    assert.equal(nearest('x', []), undefined);
  });
});

describe('paths of keys', () => {
  it('are as people write them', () => {
    assert.equal(formatPath(['sources', 'a b', 'paths', 0]), 'sources."a b".paths[0]');
    assert.equal(formatPath([]), '');
  });
});
