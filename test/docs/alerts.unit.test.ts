import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ALERTS } from '../../model/alert.ts';

const PAGE = new URL('../../docs/operations.md', import.meta.url);

describe('docs/operations.md', () => {
  it('leads from every alert to the page that explains it', async () => {
    const [, section = ''] = /^## An alert came\n([^]*?)^## /m.exec(await readFile(PAGE, 'utf8')) ?? [];
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    for (const alert of ALERTS) {
      const row = rows.find((line) => line.includes(`\`${alert}\``));
      assert.match(row ?? '', /\]\(\S+\)/, `${alert} is not told of`);
    }
  });
});
