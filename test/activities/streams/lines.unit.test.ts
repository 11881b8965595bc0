import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { lineSplitter } from '../../../activities/streams/lines.ts';
import { redaction } from '../../../activities/streams/redact.ts';
import { tailOf } from '../../../activities/streams/tail.ts';

describe('what programs print', () => {
  it('is cut into the same lines, wherever the chunks end', () => {
    const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'ä', '\u2028', '\r', '\t', '𝄞') }));
    fc.assert(
      fc.property(text, fc.array(fc.nat(7), { minLength: 1 }), fc.boolean(), (lines, sizes, ended) => {
        const bytes = Buffer.from(lines.map((line) => `x${line}`).join('\n') + (ended && lines.length > 0 ? '\n' : ''));
        const splitter = lineSplitter();
        const found: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = 1 + (sizes[turn % sizes.length] ?? 0);
          found.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        found.push(...splitter.rest());
        assert.deepEqual(
          found,
          lines.map((line) => `x${line}`),
        );
      }),
    );
  });

  it('is kept to its last 64 KiB, from the start of a line', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`);
    const seen: string[] = [];
    const tail = await tailOf(Readable.from(lines.map((line) => Buffer.from(line))), (line) => seen.push(line));
    assert.equal(seen.length, 20_000);
    assert.ok(tail.length <= 65_536 && tail.length > 65_000);
    assert.match(tail, /^line \d+\n/);
    assert.ok(tail.endsWith('line 19999\n'));
  });

  it('is shown without secrets: inputs, whole and by line, what the caller knows, and age identities', () => {
    const program = { command: 'x', args: [], inputs: ['first-secret\nsecond-secret\n', Buffer.from('third-secret')] };
    const redact = redaction([program], (text) => text.replaceAll('fourth-secret', '***'));
    const said = 'first-secret second-secret third-secret fourth-secret AGE-SECRET-KEY-1ABC plain';
    assert.equal(redact(said), '*** *** *** *** *** plain');
  });
});
