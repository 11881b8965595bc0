import assert from 'node:assert/strict';
import { checkProbes } from '../../../model/config/check-probes.ts';
import { draftOf } from '../../../model/config/draft.ts';
import { filesSource, postgresSource } from '../../../model/config/source.ts';
import { faultOf } from '../../../activities/operations/probe/query.ts';

describe('the probes of a config', () => {
  it('that nobody could answer, and that reports could not tell apart, are refused', () => {
    const http = { http: { url: 'http://a/' } };
    for (const [source, why] of [
      [{ type: 'files', probes: [{ query: 'SELECT 1', expect: '1' }] }, /type files has nobody who answers a query/],
      [{ type: 'redis', probes: [{ file: '/a' }] }, /type redis has no files of its own/],
      [{ type: 'postgres', probes: [{ git: '/a' }] }, /type postgres has no files of its own/],
      [{ type: 'mariadb', probes: [http] }, /type mariadb answers no HTTP/],
      [{ type: 'files', probes: [http] }, /nothing is started that could answer/],
      [
        { type: 'files', paths: ['/srv/a/', '/etc'], probes: [{ file: '/srv/ab', exists: false }] },
        /^\/srv\/ab is in none of the paths/,
      ],
      [{ type: 'files', paths: ['/srv/a'], probes: [{ git: '/srv/a/../b' }] }, /b is in none of the paths/],
      [{ type: 'files', probes: [{ file: '/a', git: '/a' }] }, /two probes in one: file and git/],
      [
        {
          type: 'files',
          probes: [
            { name: 'a', file: '/a' },
            { name: 'a', file: '/b' },
          ],
        },
        /a second probe with the name "a"/,
      ],
    ] as const)
      assert.match(
        checkProbes(draftOf({ sources: { a: source } }))
          .map(({ message }) => message)
          .join(),
        why,
      );
    const fine = { type: 'files', start: { command: ['a'] }, probes: [http, { file: '/a' }, { command: ['a'] }] };
    const inside = {
      type: 'files',
      paths: ['/srv/a/'],
      probes: [{ file: '/srv//a/b', exists: false }, { file: '/srv' }],
    };
    for (const a of [fine, inside]) assert.deepEqual(checkProbes(draftOf({ sources: { a } })), []);
  });

  it('that say nothing of the answer, or what cannot be, are refused', () => {
    const files = (probe: object) => filesSource.safeParse({ type: 'files', paths: ['/a'], probes: [probe] }).success;
    const postgres = (probe: object) => postgresSource.safeParse({ type: 'postgres', probes: [probe] }).success;
    assert.ok(postgres({ query: 'SELECT 1', expect: 1 }) && files({ http: { url: 'http://a:80/b' } }));
    assert.ok(!postgres({ query: 'SELECT 1' }), 'no answer is expected');
    assert.ok(!postgres({ query: 'SELECT 1', expect: {} }), 'any answer would do');
    assert.ok(!postgres({ query: 'SELECT 1', expect: { matches: '(' } }));
    for (const matches of ['', '.*', 'x?', '(1|)', '^', '$'])
      assert.ok(!postgres({ query: 'SELECT 1', expect: { matches } }), `${matches}: any answer would do`);
    for (const matches of ['^$', '.', '^[0-9]*$', 'ok'])
      assert.ok(postgres({ query: 'SELECT 1', expect: { matches } }), matches);
    assert.ok(!files({ http: { url: 'https://a/' } }) && !files({ command: [] }) && !files({ file: 'relative' }));
    assert.ok(!files({ file: '/a', exists: false, contains: 'b' }));
    assert.ok(!files({ file: '/a', timeout: '0s' }));
  });

  it('are right by the whole answer, by a range of numbers, or by a part that matches', () => {
    assert.equal(faultOf('42', '42'), null);
    assert.equal(faultOf('42', 42), null);
    assert.equal(faultOf('1\ta\n2\tb', '1\ta\n2\tb'), null);
    assert.match(faultOf('421', '42') ?? '', /not 42/);
    assert.equal(faultOf('7', { min: 7, max: 7 }), null);
    assert.match(faultOf('6', { min: 7 }) ?? '', /less than 7/);
    assert.match(faultOf('8', { max: 7 }) ?? '', /more than 7/);
    assert.match(faultOf('', { min: 0 }) ?? '', /no number/);
    assert.match(faultOf('many', { max: 7 }) ?? '', /no number/);
    assert.equal(faultOf('a\nb2', { matches: '^b\\d$' }), null);
    assert.match(faultOf('c', { matches: '^b' }) ?? '', /does not match \^b/);
  });
});
