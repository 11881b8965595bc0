import assert from 'node:assert/strict';
import { BackupError } from '../../model/errors.ts';
import { parseInto } from '../../model/into.ts';

describe('a running server on the command line', () => {
  it('is read as libpq reads it', () => {
    assert.deepEqual(parseInto('host=/run/postgresql port=5432  user = postgres'), {
      host: '/run/postgresql',
      port: '5432',
      user: 'postgres',
    });
    assert.deepEqual(parseInto(String.raw`database='a b\'c\\d' user=x=y`), {
      database: String.raw`a b'c\d`,
      user: 'x=y',
    });
    assert.deepEqual(parseInto(''), {});
  });

  for (const text of ['postgres://x', "user='open", 'user=a user=b', 'user=a b', "user='a'b"]) {
    it(`refuses ${text}`, () => {
      assert.throws(
        () => parseInto(text),
        (error) => error instanceof BackupError && error.code === 'usage',
      );
    });
  }

  it('refuses a password, and does not repeat it', () => {
    for (const text of ['password=s3cret user=a', 'user=a passwd=s3cret']) {
      assert.throws(
        () => parseInto(text),
        (error) =>
          error instanceof BackupError && !error.message.includes('s3cret') && /password-file/.test(error.remedy ?? ''),
      );
    }
  });
});
