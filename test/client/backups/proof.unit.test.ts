import assert from 'node:assert/strict';
import { proofFindings, provenAt } from '../../../client/backups/proof.ts';
import type { Site } from '../../../activities/site.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-27T00:00:00Z');

function ago(days: number): string {
  return new Date(NOW - days * DAY).toISOString();
}

describe('the proof of a source', () => {
  // All that is looked at of a site.
  const site = { config: { plans: { restoreTest: { staleAfter: 45 * DAY } } } } as Site;
  const codes = (proven: string | null, since: string | null) =>
    proofFindings(site, { source: 'wiki', proven, since }, NOW).map(({ message }) => message);

  it('is the newest test that held, of any backup; one that failed is none', () => {
    const entry = (days: number, ok: boolean) => ({ proven: { place: 'vault', time: ago(days), ok } });
    assert.equal(provenAt([entry(9, true), entry(3, true), entry(1, false), { proven: null }], NOW), ago(3));
    assert.equal(provenAt([entry(1, false)], NOW), null);
    assert.equal(provenAt([entry(-400, true), entry(50, true)], NOW), ago(50), 'a wrong clock proves nothing of now');
  });

  it('is asked for when it is old, or when there was time for one', () => {
    assert.deepEqual(codes(ago(44), ago(400)), []);
    assert.match(codes(ago(46), ago(400)).join(), /^wiki: its last proof is 46d/);
    assert.deepEqual(codes(null, ago(44)), []);
    assert.match(codes(null, ago(46)).join(), /^wiki: none of its backups was ever restored to prove it/);
    assert.deepEqual(codes(null, null), []);
  });
});
