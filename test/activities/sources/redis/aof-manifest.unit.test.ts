import assert from 'node:assert/strict';
import { formatManifest, manifestEntry, parseManifest } from '../../../../activities/sources/redis/aof-manifest.ts';
import { isBeginning } from '../../../../activities/sources/redis/whole-set.ts';
import { BackupError } from '../../../../model/errors.ts';

const TEXT = `file appendonly.aof.2.base.rdb seq 2 type b
file appendonly.aof.1.incr.aof seq 1 type h
file "my aof.3.incr.aof" seq 3 type i
`;

describe('the manifest of append-only files', () => {
  it('is read in the order in which files are loaded, without what was replaced', () => {
    const entries = parseManifest(TEXT).map(({ name, seq, type }) => ({ name, seq, type }));
    assert.deepEqual(entries, [
      { name: 'appendonly.aof.2.base.rdb', seq: 2, type: 'base' },
      { name: 'my aof.3.incr.aof', seq: 3, type: 'incr' },
    ]);
  });

  it('is written as it was, without what was replaced', () => {
    assert.equal(formatManifest(parseManifest(TEXT)), TEXT.split('\n').toSpliced(1, 1).join('\n'));
  });

  it('has new entries in the words of the server, quoted where a name is more than one', () => {
    assert.equal(manifestEntry('a-b.1.base.rdb', 1, 'base').line, 'file a-b.1.base.rdb seq 1 type b');
    assert.equal(
      manifestEntry('my "aof".1.incr.aof', 1, 'incr').line,
      String.raw`file "my \"aof\".1.incr.aof" seq 1 type i`,
    );
    assert.equal(manifestEntry('a\n\u{fc}', 1, 'incr').line, String.raw`file "a\x0a\xc3\xbc" seq 1 type i`);
    const spaced = manifestEntry('my aof', 2, 'incr');
    assert.deepEqual(parseManifest(formatManifest([spaced])), [spaced]);
  });

  for (const line of [
    'file ../../etc/passwd seq 1 type b',
    'file "a\\"b" seq 1 type i',
    'nonsense',
    'file a seq x type b',
  ]) {
    it(`refuses a line that is not one: ${line}`, () => {
      assert.throws(
        () => parseManifest(`${line}\n`),
        (error) => error instanceof BackupError && error.message.includes(line),
      );
    });
  }
});

describe('the end of an append-only file', () => {
  const whole = '#TS:1795484650\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$1\r\nb\r\n';

  it('is a cut one wherever commands end early', () => {
    for (let length = 0; length <= whole.length; length += 1) {
      assert.equal(isBeginning(Buffer.from(whole.slice(0, length))), true, JSON.stringify(whole.slice(0, length)));
    }
  });

  it('is damage where something else stands in a command', () => {
    for (const damaged of [
      'SET a b\r\n',
      '*2\r\n$X\r\n',
      '*2\r\n$3\r\nabcd\r\n',
      '*1\r\n$3\r\nabcXY',
      whole.replace('$6', '$5'),
    ]) {
      assert.equal(isBeginning(Buffer.from(damaged)), false, JSON.stringify(damaged));
    }
  });
});
