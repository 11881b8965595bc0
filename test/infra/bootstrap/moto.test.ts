/** moto for the tests, as the set-up has put it into the cache. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { motoFolder } from '../../support/moto/index.ts';

const PINS = new URL('../../../infra/bootstrap/moto.txt', import.meta.url);

describe('moto of the set-up for tests', () => {
  it('is of the packages that are named, each with its version, and of no others', async () => {
    const lines = (await readFile(PINS, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const installed = (await readdir(await motoFolder())).filter((name) => name.endsWith('.dist-info'));
    const names = installed.map((name) =>
      name
        .replace(/\.dist-info$/, '')
        .replace('-', '==')
        .replaceAll('_', '-'),
    );
    assert.deepEqual(names.map((name) => name.toLowerCase()).toSorted(), lines.toSorted());
  });
});
