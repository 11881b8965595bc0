import assert from 'node:assert/strict';
import type { Facts } from '../../../../activities/sources/postgres/facts.ts';
import { findingsOf, findingsOfIncrementals, identifier } from '../../../../activities/sources/postgres/findings.ts';
import {
  findingsOfLogs,
  findingsOfSpool,
  type SpoolFacts,
} from '../../../../activities/sources/postgres/findings-of-logs.ts';

/** A server with nothing to find. */
const SOUND: Facts = {
  systemId: '7',
  timeline: 1,
  inRecovery: false,
  clock: '2026-11-23T02:00:00.000000Z',
  marks: true,
  build: 'PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc',
  slotsUsed: 0,
  sendersUsed: 0,
  role: 'mosaic_backup',
  superuser: false,
  replication: true,
  monitor: true,
  versionNumber: 150018,
  settings: {
    server_version: '15.18',
    wal_level: 'replica',
    max_wal_senders: '10',
    max_replication_slots: '10',
    fsync: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    data_directory: '/var/lib/postgresql/15/main',
    config_file: '/var/lib/postgresql/15/main/postgresql.conf',
  },
  databases: [],
  tablespaces: [],
  collations: [],
};

const DATABASE = {
  name: 'shop',
  bytes: 1,
  encoding: 'UTF8',
  collate: 'en_US.UTF-8',
  provider: 'c',
  collationVersion: '2.36',
  actualVersion: '2.36',
  allowsConnections: true,
  mayConnect: true,
};

/** What is found once something of a sound server is different. */
function found(changes: Partial<Facts>) {
  return findingsOf({ ...SOUND, ...changes }, 'pg').map(({ code, severity, remedy }) => ({ code, severity, remedy }));
}

function withSetting(name: keyof Facts['settings'], value: string) {
  return found({ settings: { ...SOUND.settings, [name]: value } });
}

describe('findings about a PostgreSQL server', () => {
  it('has none about a sound one', () => {
    assert.deepEqual(found({}), []);
  });

  const errors: readonly (readonly [string, Partial<Facts>, string, RegExp])[] = [
    [
      'a role without REPLICATION',
      { replication: false },
      'role-replication',
      /^ALTER ROLE mosaic_backup REPLICATION;$/,
    ],
    ['a role without pg_monitor', { monitor: false }, 'role-monitor', /^GRANT pg_monitor TO mosaic_backup;$/],
    ['a standby', { inRecovery: true }, 'in-recovery', /pg_promote/],
    ['a server that is too old', { versionNumber: 130020 }, 'version', /14/],
    ['no free slot', { slotsUsed: 10 }, 'slots-free', /ALTER SYSTEM SET max_replication_slots = 15;/],
    ['no free WAL sender', { sendersUsed: 10 }, 'wal-senders-free', /ALTER SYSTEM SET max_wal_senders = 15;/],
  ];
  for (const [what, changes, code, remedy] of errors) {
    it(`stops at ${what}, with its remedy`, () => {
      const [finding, ...more] = found(changes);
      assert.equal(finding?.code, `postgres.${code}`);
      assert.equal(finding.severity, 'error');
      assert.match(finding.remedy ?? '', remedy);
      assert.deepEqual(more, []);
    });
  }

  const settings = [
    ['wal_level', 'minimal', 'wal-level', 'error', /wal_level = replica/],
    ['max_wal_senders', '2', 'wal-senders', 'error', /max_wal_senders = 10/],
    ['fsync', 'off', 'fsync', 'error', /ALTER SYSTEM SET fsync = on/],
    ['full_page_writes', 'off', 'full-page-writes', 'error', /ALTER SYSTEM SET full_page_writes = on/],
    ['data_checksums', 'off', 'checksums', 'warning', /pg_checksums --enable -D \/var\/lib\/postgresql\/15\/main/],
    [
      'config_file',
      '/etc/postgresql/15/main/postgresql.conf',
      'config-outside',
      'warning',
      /\/etc\/postgresql\/15\/main/,
    ],
  ] as const;
  for (const [name, value, code, severity, remedy] of settings) {
    it(`finds ${name} = ${value}`, () => {
      const [finding, ...more] = withSetting(name, value);
      assert.equal(finding?.code, `postgres.${code}`);
      assert.equal(finding.severity, severity);
      assert.match(finding.remedy ?? '', remedy);
      assert.deepEqual(more, []);
    });
  }

  it('warns of a server that is built with musl: its text indexes are wrong elsewhere', () => {
    const [finding, ...more] = found({
      build: 'PostgreSQL 16.4 on x86_64-pc-linux-musl, compiled by gcc (Alpine 13.2.1)',
    });
    assert.equal(finding?.code, 'postgres.musl');
    assert.equal(finding.severity, 'warning');
    assert.match(finding.remedy ?? '', /engine\.image.*REINDEX/);
    assert.deepEqual(more, []);
  });

  it('says what would keep logs from being shipped', () => {
    const about = (changes: Partial<Facts>) =>
      findingsOfLogs({ ...SOUND, ...changes }, 'pg').map(({ code, severity }) => [code, severity]);
    const setting = (name: string, value: string) => about({ settings: { ...SOUND.settings, [name]: value } });
    assert.deepEqual(setting('max_slot_wal_keep_size', '20480'), []);
    assert.deepEqual(setting('max_slot_wal_keep_size', '-1'), [['postgres.slot-limit', 'warning']]);
    assert.deepEqual(setting('idle_replication_slot_timeout', '0'), []);
    assert.deepEqual(setting('idle_replication_slot_timeout', '3600'), [['postgres.slot-timeout', 'warning']]);
    assert.deepEqual(about({ slotsUsed: 9 }), [['postgres.slots-few', 'warning']]);
    assert.deepEqual(about({ slotsUsed: 8 }), []);
    assert.deepEqual(about({ marks: false }), [['postgres.role-logs', 'warning']]);
  });

  it('says what would keep logs from being shipped out of a spool, and nothing of slots', () => {
    const archiver = { mode: 'on', command: 'cp', last: null, failed: null, failing: false };
    const sound = { facts: SOUND, archiver, spool: '/spool', isThere: true };
    const about = (changes: Partial<SpoolFacts>) =>
      findingsOfSpool({ ...sound, ...changes }, 'pg').map(({ code, severity }) => [code, severity]);
    assert.deepEqual(about({}), []);
    assert.deepEqual(about({ facts: { ...SOUND, slotsUsed: 9 } }), []);
    assert.deepEqual(about({ facts: { ...SOUND, marks: false } }), [['postgres.role-logs', 'warning']]);
    assert.deepEqual(about({ isThere: false }), [['postgres.spool', 'warning']]);
    assert.deepEqual(about({ archiver: { ...archiver, mode: 'off' } }), [['postgres.archive-mode', 'warning']]);
    assert.deepEqual(about({ archiver: { ...archiver, failed: '0', failing: true } }), [
      ['postgres.archive-failing', 'warning'],
    ]);
  });

  it('says that tablespaces are spooled', () => {
    const tablespaces = [{ oid: '16400', name: 'fast', location: '/mnt/fast' }];
    assert.deepEqual(found({ tablespaces }), [{ code: 'postgres.tablespaces', severity: 'info', remedy: null }]);
  });

  it('names databases that the role may not connect to, quoted as SQL wants it', () => {
    const [finding] = found({ databases: [{ ...DATABASE, name: 'My "Shop"', mayConnect: false }] });
    assert.equal(finding?.severity, 'warning');
    assert.equal(finding.remedy, 'GRANT CONNECT ON DATABASE "My ""Shop""" TO mosaic_backup;');
  });

  it('warns of indexes that another version of the C library sorted', () => {
    const [finding] = found({ databases: [{ ...DATABASE, actualVersion: '2.37' }] });
    assert.equal(finding?.code, 'postgres.collation-version');
    assert.match(finding.remedy ?? '', /REINDEX DATABASE shop/);
  });

  it('quotes names only where SQL needs it', () => {
    assert.equal(identifier('mosaic_backup'), 'mosaic_backup');
    assert.equal(identifier('Role'), '"Role"');
    assert.equal(identifier('a-b'), '"a-b"');
  });
});

describe('findings of a source that wants incrementals', () => {
  function incrementals(versionNumber: number, summarize?: string) {
    const settings = { ...SOUND.settings, ...(summarize !== undefined && { summarize_wal: summarize }) };
    return findingsOfIncrementals({ ...SOUND, versionNumber, settings }, 'pg');
  }

  it('say how to have them where the server could, and nothing where it does or cannot', () => {
    const [finding] = incrementals(180004, 'off');
    assert.equal(finding?.severity, 'info');
    assert.match(finding?.remedy ?? '', /^ALTER SYSTEM SET summarize_wal = on;/);
    assert.deepEqual([incrementals(180004, 'on'), incrementals(160009), incrementals(150018)], [[], [], []]);
  });
});
