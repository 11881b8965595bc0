import assert from 'node:assert/strict';
import { sortedBy } from '../../../../activities/sources/postgres/check.ts';
import { passed } from '../../../../activities/sources/postgres/checks.ts';
import { describeEngine, foreignLibc } from '../../../../activities/sources/postgres/engine.ts';
import type { Facts } from '../../../../activities/sources/postgres/facts.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function factsOf(build: string): Facts {
  return {
    systemId: '7',
    timeline: 1,
    inRecovery: false,
    clock: '2026-11-23T02:00:00.000000Z',
    marks: true,
    build,
    slotsUsed: 0,
    sendersUsed: 0,
    role: 'mosaic_backup',
    superuser: false,
    replication: true,
    monitor: true,
    versionNumber: 160004,
    settings: { server_version: '16.4' },
    databases: [],
    tablespaces: [],
    collations: [],
  };
}

describe('the engine in a manifest', () => {
  const alpine = factsOf('PostgreSQL 16.4 on x86_64-pc-linux-musl, compiled by gcc (Alpine 13.2.1)');

  it('names the C library of an Alpine image, and the image so that it can be had again', () => {
    const engine = describeEngine(alpine, { name: 'postgres:16-alpine', digest: DIGEST });
    assert.equal(engine['libc'], 'musl');
    assert.equal(engine['image'], `postgres:16-alpine@${DIGEST}`);
  });

  it('names an image once that was started by its digest, and none for a server outside of containers', () => {
    const name = `postgres@${DIGEST}`;
    assert.equal(describeEngine(alpine, { name, digest: DIGEST })['image'], name);
    assert.equal(describeEngine(alpine, { name: DIGEST, digest: DIGEST })['image'], DIGEST);
    assert.equal(describeEngine(alpine)['image'], null);
  });

  it('tells whether text was sorted by another C library than this machine has', () => {
    // The tests run on Debian.
    assert.equal(foreignLibc('musl'), true);
    assert.equal(foreignLibc('glibc 2.31'), false);
  });

  it('makes a check of data from an Alpine image fail here: PostgreSQL itself sees nothing wrong', () => {
    const checks = [passed('start', 'it runs'), passed('collations', 'no database has a version')];
    assert.deepEqual(sortedBy('glibc 2.31', checks), checks);
    assert.deepEqual(sortedBy(undefined, checks), checks);
    const [start, collations] = sortedBy('musl', checks);
    assert.deepEqual(start, checks[0]);
    assert.equal(collations?.ok, false);
    assert.match(collations.detail, /sorted by musl.*REINDEX/);
  });
});
