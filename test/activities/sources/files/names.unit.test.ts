import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { bufferOf, bytesOf, showName, textOf, unquote } from '../../../../activities/sources/files/names.ts';

describe('names of files', () => {
  it('give every name its own text, and the bytes back from it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (bytes) => {
        const name = Buffer.from(bytes).toString('latin1');
        const text = textOf(name);
        assert.equal(bytesOf(text), name);
        assert.equal(textOf(bytesOf(JSON.parse(JSON.stringify(text)))), text);
      }),
      { numRuns: 500 },
    );
  });

  it('leave valid UTF-8 as it is, beyond the basic plane too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(textOf(Buffer.from(text).toString('latin1')), text);
        assert.deepEqual(bufferOf(text), Buffer.from(text));
      }),
    );
  });

  it("undo tar's quoting", () => {
    assert.equal(unquote(String.raw`a\nb\t\"c\" \\ \377\3034 \a`), 'a\nb\t"c" \\ \u00ff\u00c34 \u0007');
    assert.equal(textOf(unquote(String.raw`\303\274 \346\274\242 \360\237\230\200`)), 'ü 漢 😀');
  });

  it('are shown on one line, with odd bytes escaped', () => {
    assert.equal(showName(textOf('a\n\u00ffb')), String.raw`a\n\xffb`);
    assert.equal(showName('ü 😀'), 'ü 😀');
  });
});
