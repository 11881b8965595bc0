import assert from 'node:assert/strict';
import {
  chooseByReference,
  elsewhereSince,
  latestOf,
  newestOfEachSource,
  unreadableNewest,
} from '../../../client/backups/choose.ts';
import { requireYoung } from '../../../client/backups/young.ts';
import {
  newestFirst,
  verdictOf,
  type BackupEntry,
  type Overview,
  type Proof,
} from '../../../client/backups/overview.ts';
import { pinned } from '../../../activities/storage/catalogue.ts';
import { newSigningKey, signer } from '../../../activities/keys/signing.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { Tier } from '../../../model/source.ts';
import { TEST_KEY, testBackup } from '../../support/backups.ts';
import { entryOf, logsBackup } from '../../support/entries.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const GOOD: Proof = { place: 'repository', time: '2026-11-23T03:00:00Z', ok: true };
const BAD: Proof = { place: 'repository', time: '2026-11-24T03:00:00Z', ok: false };
const BAD_THERE: Proof = { ...BAD, place: 'vault' };

function entry(scheduled: string, verified: readonly Proof[], tier: Tier = 'daily', source = 'stack'): BackupEntry {
  const backup = testBackup({ source, tier, scheduled });
  return {
    reference: formatReference(backup.name),
    source,
    backup,
    sha256: pinned(backup.manifest).sha256,
    stored: 1,
    plain: 1,
    places: ['repository'],
    verified,
    proven: null,
    held: null,
    broken: [],
  };
}

function overview(entries: readonly BackupEntry[], recoveryPoints: readonly RecoveryPoint[] = []): Overview {
  return {
    entries: entries.toSorted((a, b) => newestFirst(a.backup, b.backup)),
    marks: [],
    trusted: [TEST_KEY.publicKey],
    recoveryPoints,
    places: ['repository'],
    problems: [],
  };
}

function failedRun(scheduled: string): RecoveryPoint {
  return {
    schema: 'mosaic-backup/recovery-point@1',
    id: `daily-${scheduled}`,
    site: 'test',
    plan: 'daily',
    scheduled,
    created: scheduled,
    outcome: 'failed',
    sources: [
      { source: 'stack', outcome: 'failed', backup: null, stale: true, copies: [], error: 'capture: no route' },
    ],
    signature: { keyId: 'x', ed25519: 'x' },
  };
}

describe('latest', () => {
  it('is the newest that is sealed and verified, over all tiers', () => {
    const weekly = entry('2026-11-22T01:00:00Z', [GOOD], 'weekly');
    const found = latestOf(overview([entry('2026-11-21T02:00:00Z', [GOOD]), weekly]), 'stack', 'repository', NOW);
    assert.equal(found.entry, weekly);
    assert.equal(found.age, NOW - Date.parse('2026-11-22T01:00:00Z'));
    assert.deepEqual(found.newer, []);
  });

  it('names what is newer and was not taken', () => {
    const good = entry('2026-11-22T02:00:00Z', [GOOD]);
    const entries = [good, entry('2026-11-23T02:00:00Z', [BAD]), entry('2026-11-24T02:00:00Z', [])];
    const found = latestOf(
      overview(entries, [failedRun('2026-11-25T02:00:00Z'), failedRun('2026-11-21T02:00:00Z')]),
      'stack',
      'repository',
      NOW,
    );
    assert.equal(found.entry, good);
    assert.deepEqual(found.newer, [
      'daily/stack/20261124T020000Z-full is not verified',
      'daily/stack/20261123T020000Z-full is damaged',
      'the run daily-2026-11-25T02:00:00Z captured nothing: capture: no route',
    ]);
  });

  it('is told apart from a newer one that was made elsewhere, or whose copy is owed', () => {
    const [old, made] = ['2026-11-22T02:00:00Z', '2026-11-24T02:00:00Z'].map((time) => entry(time, [GOOD]));
    assert.ok(old && made);
    const failed = failedRun('2026-11-25T02:00:00Z');
    const [none] = failed.sources;
    assert.ok(none);
    const backup = pinned(made.backup.manifest);
    const run = {
      ...failedRun('2026-11-24T02:00:00Z'),
      sources: [{ ...none, stale: false, backup, copies: ['vault'], outcome: 'complete' as const, error: null }],
    };
    assert.equal(
      elsewhereSince(overview([old], [failed, run]), old),
      'daily/stack/20261124T020000Z-full, which daily-2026-11-24T02:00:00Z made, is not here; it has copies at: vault (--from)',
    );
    // It is here, and not taken for a reason that is told; nothing came after it; it is of another source.
    assert.equal(elsewhereSince(overview([old, made], [failed, run]), old), undefined);
    assert.equal(elsewhereSince(overview([made], [failed, run]), made), undefined);
    assert.equal(elsewhereSince(overview([old], [failed]), old), undefined);
  });

  it('is none of which a parent is damaged or missing at that place, and says which', () => {
    const full = entry('2026-11-22T02:00:00Z', [GOOD]);
    const problem = 'builds on daily/stack/20261123T020000Z-full, which is damaged at repository';
    const child = { ...entry('2026-11-24T02:00:00Z', [GOOD]), broken: [{ place: 'repository', problem }] };
    const all = overview([full, entry('2026-11-23T02:00:00Z', [BAD]), child]);
    const found = latestOf(all, 'stack', 'repository', NOW);
    assert.equal(found.entry, full);
    assert.equal(found.newer[0], `daily/stack/20261124T020000Z-full ${problem}`);
    assert.equal(latestOf(all, 'stack', 'vault', NOW).entry, child);
    assert.equal(verdictOf(child), 'broken');
  });

  it('at a destination is the newest copy, unless a check found it damaged: each was confirmed when it was made', () => {
    const unchecked = entry('2026-11-23T02:00:00Z', []);
    const all = overview([
      entry('2026-11-22T02:00:00Z', [GOOD]),
      unchecked,
      entry('2026-11-24T02:00:00Z', [BAD_THERE]),
    ]);
    const found = latestOf(all, 'stack', 'vault', NOW);
    assert.equal(found.entry, unchecked);
    assert.equal(found.verified, false);
  });

  it('is nothing that a stranger has signed, however new it looks, and says what was passed over', () => {
    const own = entry('2026-11-23T02:00:00Z', [GOOD]);
    const backup = testBackup({
      source: 'stack',
      scheduled: '2026-11-24T02:00:00Z',
      signer: signer(newSigningKey().privatePem),
    });
    const strange = entryOf(backup, { places: ['vault'] });
    const all = overview([own, strange]);
    for (const place of ['vault', 'repository']) {
      const { entry: found, newer } = latestOf(all, 'stack', place, NOW);
      assert.equal(found, own);
      assert.match(newer.join(), /20261124T020000Z-full is (?:not what a trusted key has signed|not verified)/);
    }
    assert.throws(
      () => latestOf(overview([strange]), 'stack', 'vault', NOW),
      /signed by a key that is not trusted here/,
    );
  });

  it('is not lost to a damaged copy at another place', () => {
    const newest = entry('2026-11-24T02:00:00Z', [GOOD, BAD_THERE]);
    const all = overview([entry('2026-11-23T02:00:00Z', [GOOD]), newest]);
    assert.equal(latestOf(all, 'stack', 'repository', NOW).entry, newest);
    assert.notEqual(latestOf(all, 'stack', 'vault', NOW).entry, newest);
  });

  it('is not to be had where all are damaged or the source has none, and that says what to do', () => {
    assert.throws(
      () => latestOf(overview([entry('2026-11-23T02:00:00Z', [BAD])]), 'stack', 'repository'),
      isNotFound(/verify daily\/stack\/20261123/),
    );
    assert.throws(
      () => latestOf(overview([entry('2026-11-23T02:00:00Z', [GOOD])]), 'stakc', 'repository'),
      isNotFound(/Did you mean "stack"/),
    );
  });

  it('is none of the future by our clock while there is another, and that one is named', () => {
    const ahead = entry('2027-11-24T02:00:00Z', [GOOD]);
    const young = entry('2026-11-25T02:00:00Z', [GOOD]);
    const soon = entry('2026-11-25T12:09:00Z', [GOOD], 'daily', 'soon');
    const all = overview([young, ahead, soon]);
    const latest = latestOf(all, 'stack', 'repository', NOW);
    assert.equal(latest.entry, young);
    assert.deepEqual(latest.newer, [`${ahead.reference} is of the future by our clock`]);
    assert.deepEqual(newestOfEachSource(all, undefined, NOW), [young, soon]);
    // So much clocks may differ.
    requireYoung(latestOf(all, 'soon', 'repository', NOW), 3_600_000, false);

    const only = latestOf(overview([ahead]), 'stack', 'repository', NOW);
    assert.equal(only.entry, ahead, 'with nothing else it can be had');
    requireYoung(only, 3_600_000, true);
    assert.throws(
      () => requireYoung(only, 3_600_000, false),
      (error) => error instanceof BackupError && /of the future.*nobody knows how old it is/.test(error.message),
    );
    assert.deepEqual(newestOfEachSource(overview([ahead]), undefined, NOW), [ahead]);
  });

  it('older than the objective is refused until its age is accepted', () => {
    const latest = latestOf(overview([entry('2026-11-24T12:00:00Z', [GOOD])]), 'stack', 'repository', NOW);
    requireYoung(latest, 24 * 3_600_000, false);
    requireYoung(latest, undefined, false);
    requireYoung(latest, 1000, true);
    assert.throws(
      () => requireYoung(latest, 1000, false),
      (error) => error instanceof BackupError && error.code === 'refused' && /24h|1d/.test(error.message),
    );
  });
});

describe('choosing', () => {
  const all = overview([
    entry('2026-11-22T02:00:00Z', []),
    entry('2026-11-23T02:00:00Z', []),
    entry('2026-11-21T02:00:00Z', [], 'daily', 'other'),
  ]);

  it('takes the newest of each source, or of one', () => {
    assert.deepEqual(
      newestOfEachSource(all, undefined).map(({ reference }) => reference),
      ['daily/stack/20261123T020000Z-full', 'daily/other/20261121T020000Z-full'],
    );
    assert.deepEqual(
      newestOfEachSource(all, 'other').map(({ source }) => source),
      ['other'],
    );
  });

  it('means ours, where a stranger has put something under its name at another place', () => {
    const own = entry('2026-11-22T02:00:00Z', [GOOD]);
    const forged = testBackup({
      source: 'stack',
      scheduled: '2026-11-22T02:00:00Z',
      fields: { host: 'elsewhere' },
      signer: signer(newSigningKey().privatePem),
    });
    const both = overview([entryOf(forged, { places: ['vault'] }), own]);
    assert.equal(chooseByReference(both, own.reference), own);
    const alone = overview([entryOf(forged, { places: ['vault'] })]);
    assert.equal(chooseByReference(alone, own.reference).backup, forged, 'so that it can be looked at');
  });

  it('takes shortened references, and refuses those that mean several', () => {
    assert.equal(chooseByReference(all, 'stack/20261122').reference, 'daily/stack/20261122T020000Z-full');
    assert.throws(
      () => chooseByReference(all, '202611'),
      (error) => error instanceof BackupError && error.code === 'ambiguous',
    );
  });
});

function isNotFound(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof BackupError && error.code === 'not-found' && words.test(error.remedy ?? '');
}

describe('logs', () => {
  const full = entry('2026-11-24T02:00:00Z', [GOOD], 'daily', 'postgres');
  const logs = entryOf(logsBackup({ from: 2, to: 3, at: '2026-11-24T03:00:00Z' }), { verified: [GOOD] });

  it('are never the latest of their source, however new and verified', () => {
    const both = overview([full, logs]);
    assert.equal(latestOf(both, 'postgres', 'repository', NOW).entry, full);
    assert.deepEqual(latestOf(both, 'postgres', 'repository', NOW).newer, []);
    assert.deepEqual(newestOfEachSource(both, undefined), [full]);
    assert.deepEqual(newestOfEachSource(both, 'postgres'), [full]);
  });

  it('alone are no backup to restore', () => {
    assert.throws(
      () => latestOf(overview([logs]), 'postgres', 'repository', NOW),
      (error) => error instanceof BackupError && error.code === 'not-found',
    );
    assert.deepEqual(newestOfEachSource(overview([logs]), undefined), []);
  });

  it('that cannot be read are not a newer backup that should be', () => {
    const folder = 'logs/postgres/2026-11-25/7423000000000000001.A-B';
    const damaged = { ...overview([full, logs]), problems: [{ place: 'repository', folder, problem: 'no manifest' }] };
    assert.deepEqual(unreadableNewest(damaged, undefined), []);
    assert.deepEqual(unreadableNewest(damaged, 'postgres'), []);
    assert.deepEqual(latestOf(damaged, 'postgres', 'repository', NOW).newer, []);
  });

  it('are found by their reference, and by nothing that means another', () => {
    const both = overview([full, logs]);
    assert.equal(chooseByReference(both, logs.reference), logs);
    assert.equal(chooseByReference(both, 'postgres/2026'), full);
  });
});
