import assert from 'node:assert/strict';
import { placementFindings, placements } from '../../model/placement.ts';
import type { HeldBackup, HoldingPlace } from '../../model/placement.ts';

const FULL: HeldBackup = {
  source: 'postgres',
  reference: 'daily/postgres/1-full',
  sha256: 'f1',
  scheduled: '2026-11-22T02:00:00Z',
  parent: null,
};
const INCREMENTAL: HeldBackup = {
  ...FULL,
  reference: 'daily/postgres/2-incremental',
  sha256: 'i2',
  scheduled: '2026-11-23T02:00:00Z',
  parent: FULL.reference,
};

function place(name: string, device: string, backups: readonly HeldBackup[], offsite = false): HoldingPlace {
  return { name, device, offsite, backups };
}

describe('placement', () => {
  it('counts copies, devices and off-site copies of the newest backup', () => {
    const all = [FULL, INCREMENTAL];
    const places = [
      place('repository', 'disk:a', all),
      place('vault', 'disk:b', all),
      place('far', 'disk:c', all, true),
    ];
    const found = placements(['postgres'], places);
    assert.deepEqual(found, [
      {
        source: 'postgres',
        reference: INCREMENTAL.reference,
        places: ['repository', 'vault', 'far'],
        copies: 3,
        devices: 3,
        offsite: 1,
      },
    ]);
    assert.deepEqual(placementFindings(found), []);
  });

  it('counts one disk once', () => {
    const places = [
      place('repository', 'disk:a', [FULL]),
      place('vault', 'disk:a', [FULL]),
      place('other', 'disk:a', [FULL]),
    ];
    const [found] = placements(['postgres'], places);
    assert.deepEqual([found?.copies, found?.devices], [3, 1]);
    assert.match(
      placementFindings(placements(['postgres'], places))[0]?.message ?? '',
      /1 of 2 devices, none off-site \(repository, vault, other\)/,
    );
  });

  it('counts a server of this machine as a copy, and as no further device', () => {
    const places = [
      place('repository', 'disk:a', [FULL]),
      place('remote', 'server:127.0.0.1', [FULL]),
      place('far', 'server:127.0.0.1:/dev/sda1', [FULL]),
    ];
    const [found] = placements(['postgres'], places);
    assert.deepEqual([found?.copies, found?.devices], [3, 1]);
  });

  it('counts no older backup, no other of its name, and none without what it builds on', () => {
    const places = [
      place('repository', 'disk:a', [FULL, INCREMENTAL]),
      place('older', 'disk:b', [FULL]),
      place('other', 'disk:c', [FULL, { ...INCREMENTAL, sha256: 'another' }]),
      place('parentless', 'disk:d', [INCREMENTAL]),
    ];
    const found = placements(['postgres'], places);
    assert.deepEqual(found[0]?.places, ['repository']);
    const names = places.map(({ name }) => name);
    // Not: add a destination. There are three, which lack it.
    assert.match(
      placementFindings(found, names)[0]?.remedy ?? '',
      /^Not whole at older, other, parentless: mosaic-backup run daily --source postgres/,
    );
  });

  it('sends nobody to back up what another host holds in its own repository, which is not seen from here', () => {
    const elsewhere = new Map([['postgres', 'far']]);
    const vault = place('vault', 'disk:b', [FULL]);
    for (const places of [[place('repository', 'disk:a', []), vault], []]) {
      const names = places.map(({ name }) => name);
      const [finding] = placementFindings(placements(['postgres'], places), names, elsewhere);
      assert.equal(finding?.remedy, 'What far holds itself is not counted here. On far: mosaic-backup status');
    }
  });

  it('finds a source without any backup', () => {
    const [finding] = placementFindings(placements(['wiki'], [place('repository', 'disk:a', [FULL])]));
    assert.equal(finding?.subject, 'wiki');
    assert.match(finding?.message ?? '', /no backup/);
    assert.equal(finding?.remedy, 'mosaic-backup run daily');
  });
});
