import assert from 'node:assert/strict';
import { listingParser } from '../../../../activities/sources/files/listing.ts';
import { BackupError } from '../../../../model/errors.ts';

describe("tar's listing", () => {
  const parse = listingParser();

  it('gives path, type, size, mode, owner and time of a file', () => {
    assert.deepEqual(parse('-rw-r----- 0/4321          1234 2026-11-23 21:40:14.534324606 "d/a"'), {
      path: 'd/a',
      type: 'file',
      size: 1234,
      mode: '640',
      uid: 0,
      gid: 4321,
      mtime: '1795470014.534324606',
    });
  });

  it('gives the targets of symbolic and of hard links', () => {
    assert.partialDeepStrictEqual(parse('lrwxrwxrwx 0/0 0 2026-11-23 21:40:14 "d/s" -> "x -> \\"y\\""'), {
      type: 'symlink',
      target: 'x -> "y"',
      size: 0,
    });
    assert.partialDeepStrictEqual(parse('hrw-r--r-- 0/0 0 2026-11-23 21:40:14 "d/h" link to "d/a"'), {
      type: 'hardlink',
      target: 'd/a',
    });
  });

  it('takes no name for a link, whatever is in it', () => {
    const entry = parse(String.raw`-rw-r--r-- 0/0 0 2026-11-23 21:40:14 "a\" -> \"b"`);
    assert.equal(entry.path, 'a" -> "b');
    assert.equal(entry.target, undefined);
  });

  it('knows folders, devices, pipes, and the marks of ACLs, attributes and contexts', () => {
    assert.partialDeepStrictEqual(parse('drwxrwxrwt+ 0/0 12 2026-11-23 21:40:14 "d/"'), {
      path: 'd',
      type: 'directory',
      mode: '1777',
      size: 0,
    });
    assert.equal(parse('crw-------  0/0   1,3 2026-11-23 21:40:14 "null"').type, 'character');
    assert.equal(parse('brw-------* 0/0   8,1 2026-11-23 21:40:14 "sda"').type, 'block');
    assert.equal(parse('prw-------. 0/0     0 2026-11-23 21:40:14 "pipe"').type, 'fifo');
  });

  it('knows setuid, setgid and sticky with and without the right to execute', () => {
    const modes = ['rwsr-sr-t', 'rwSr-Sr-T', '---------', 'rwxrwxrwx'];
    const parsed = modes.map((mode) => parse(`-${mode} 0/0 0 2026-11-23 21:40:14 "a"`).mode);
    assert.deepEqual(parsed, ['7755', '7644', '000', '777']);
  });

  it('keeps nanoseconds, also where tar cuts zeros, before 1970 and after 2262', () => {
    const times = [
      '2026-11-23 21:40:14.5',
      '1969-12-31 23:59:59.5',
      '1969-12-31 23:59:58',
      '2300-01-02 03:04:05.123456789',
    ];
    const parsed = times.map((time) => parse(`-rw-r--r-- 0/0 0 ${time}   "a"`).mtime);
    // The second is two seconds before 1970 and half a second on: so tar prints it.
    assert.deepEqual(parsed, ['1795470014.500000000', '-2.500000000', '-2.000000000', '10413889445.123456789']);
  });

  it('fails on a line that it does not understand', () => {
    assert.throws(() => parse('something else'), BackupError);
  });
});
