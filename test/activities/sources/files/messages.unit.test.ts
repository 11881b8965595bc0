import assert from 'node:assert/strict';
import { parseMessage } from '../../../../activities/sources/files/messages.ts';

describe("tar's messages", () => {
  const cases = [
    ['tar: "d/a": file changed as we read it', 'changed', 'd/a'],
    ['/usr/bin/tar: "d/a": File removed before we read it', 'changed', 'd/a'],
    ['tar: "d/a": File shrank by 12 bytes; padding with zeros', 'changed', 'd/a'],
    ['tar: "d/a": Cannot open: Permission denied', 'unreadable', 'd/a'],
    ['tar: "d/a": Cannot stat: Input/output error', 'unreadable', 'd/a'],
    ['tar: "d/a": Read error at byte 0, while reading 512 bytes: Input/output error', 'unreadable', 'd/a'],
    ['tar: "d/a": Warning: Cannot llistxattrat: Permission denied', 'metadata', 'd/a'],
    ['tar: "d/a": Warning: Cannot acl_get_file_at: Permission denied', 'metadata', 'd/a'],
    ['tar: "d/s": socket ignored', 'skipped', 'd/s'],
    ['tar: "d/m": directory is on a different filesystem; not dumped', 'other-device', 'd/m'],
    [`tar: "d/b": Directory has been renamed from 'd/a'`, 'renamed', 'd/b'],
    [String.raw`tar: "d/new\nline": file changed as we read it`, 'changed', 'd/new\nline'],
    ['tar: "d/a": something of another version', 'unknown', 'd/a'],
    ['tar: -: Wrote only 4096 of 10240 bytes', 'unknown', ''],
  ] as const;

  for (const [line, kind, path] of cases) {
    it(`${kind}: ${line}`, () => {
      const message = parseMessage(line);
      assert.equal(message?.kind, kind);
      assert.equal(message.path, path);
    });
  }

  it('the closing remark says nothing', () => {
    assert.equal(parseMessage('tar: Exiting with failure status due to previous errors'), undefined);
  });
});
