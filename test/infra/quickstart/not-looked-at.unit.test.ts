import assert from 'node:assert/strict';
import { notLookedAt } from '../../../infra/quickstart/not-looked-at.ts';
import type { Check } from '../../../model/evidence.ts';

function unseen(name: string, detail: string): Check {
  return { name, compared: false, ok: false, detail };
}

describe('what the screen of the sample says of checks that nobody could make', () => {
  it('says it in one sentence, each reason once', () => {
    assert.deepEqual(
      notLookedAt([
        { name: 'start', compared: true, ok: true, detail: 'it runs' },
        unseen('values', 'not compared with the source, key by key: no user reads keys'),
        unseen('rows', 'rows not compared: the source has no check account'),
        unseen('databases', 'not started: no server is here'),
        unseen('functions', 'not started: no server is here'),
        unseen('export', 'the server here is older'),
      ]),
      [
        'values not compared with the source, key by key: no user reads keys',
        'rows not compared: the source has no check account',
        'databases, functions not started: no server is here',
        'export not compared: the server here is older',
      ],
    );
  });

  it('leaves out what the sample compared itself, and what was compared', () => {
    assert.deepEqual(
      notLookedAt([
        unseen('values', 'not compared with the source'),
        { name: 'values: database 0', compared: true, ok: true, detail: '9 keys equal the replay' },
        { name: 'files', compared: true, ok: false, detail: 'not whole' },
      ]),
      [],
    );
  });
});
