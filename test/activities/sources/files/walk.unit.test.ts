import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { formatEntry, lineQueue } from '../../../../activities/sources/files/inventory.ts';
import { walkParser } from '../../../../activities/sources/files/walk.ts';

describe("find's output", () => {
  it('is taken apart into lines and records, however it is cut', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '\n', '\u0002', '"', '\u00ff'), maxLength: 4 });
    const record = fc.array(field, { minLength: 9, maxLength: 9 });
    const line = fc.string({ unit: fc.constantFrom('{', 'a', ' '), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.oneof(record, line), { maxLength: 8 }), fc.array(fc.nat(20)), (parts, cuts) => {
        const bytes = Buffer.from(
          parts.map((part) => (typeof part === 'string' ? `${part}\n` : `\u0002${part.join('\0')}\0`)).join(''),
          'latin1',
        );
        const lines: string[] = [];
        const records: (readonly string[])[] = [];
        const push = walkParser(
          (text) => lines.push(...text.split('\n')),
          (fields) => records.push(fields),
        );
        let at = 0;
        for (const cut of [...cuts, bytes.length]) push(bytes.subarray(at, (at += cut)));
        assert.deepEqual(
          lines,
          parts.filter((part) => typeof part === 'string'),
        );
        assert.deepEqual(
          records,
          parts.filter((part) => typeof part !== 'string'),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('lines of an inventory', () => {
  it('are the JSON of their entries', () => {
    const entry = {
      path: 'a"\n\udcff',
      type: 'symlink',
      size: 0,
      mode: '777',
      uid: 1,
      gid: 2,
      mtime: '1.000000000',
      target: 'x',
      inherited: true,
      unsettled: true,
    } as const;
    assert.deepEqual(JSON.parse(formatEntry(entry)), entry);
  });

  it('come out in order, from several producers, and with the error that ended them', async () => {
    const queue = lineQueue();
    queue.push('1');
    queue.push('2\n3');
    setTimeout(() => queue.push('4'), 5);
    setTimeout(() => queue.end(new Error('stopped')), 10);
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const lines of queue) seen.push(...lines.split('\n'));
    }, /stopped/);
    assert.deepEqual(seen, ['1', '2', '3', '4']);
  });
});
