import assert from 'node:assert/strict';
import { copiesTold } from '../../../infra/quickstart/copies-told.ts';
import { destinationConfig } from '../../../model/config/destination.ts';
import type { SourceReport } from '../../../model/run.ts';

const PLACES = {
  repository: '/srv/backups',
  destinations: {
    vault: destinationConfig.parse({ type: 'directory', path: '/mnt/vault' }),
    offsite: destinationConfig.parse({ type: 'rsync', target: 'far:/srv', port: 2222, key: { file: '/etc/key' } }),
  },
};
const THERE = [
  '  here     /srv/backups (repository)',
  '  vault    /mnt/vault (directory)',
  '  offsite  far:/srv by rsync over ssh, port 2222',
];

function report(source: string, verified: boolean, ...at: readonly string[]): SourceReport {
  const copies = at.map((destination) => ({ destination, bytes: 1, milliseconds: 1 }));
  return { source, state: 'done', outcome: 'complete', captured: null, copies, verified, errors: [] };
}

function told(...sources: readonly SourceReport[]): readonly string[] {
  return copiesTold({ runId: 'daily', outcome: 'complete', sources, errors: [] }, PLACES);
}

describe('what the screen says of copies', () => {
  it('names the places of the config in one order, and each set of them once', () => {
    assert.deepEqual(told(report('shop', true, 'offsite', 'vault'), report('wiki', true, 'vault', 'offsite')), [
      'shop, wiki: 3 confirmed copies: here, vault, offsite',
      ...THERE,
    ]);
  });

  it('counts only what was confirmed', () => {
    assert.deepEqual(told(report('shop', true), report('wiki', false, 'vault'), report('stack', false)), [
      'shop: 1 confirmed copy: here',
      'wiki: 1 confirmed copy: vault',
      'stack: no confirmed copy',
      ...THERE,
    ]);
  });
});
