import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeSecret, secretReader } from '../../../activities/config/secrets.ts';
import { newSigningKey } from '../../../activities/keys/signing.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

describe('secrets', () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder();
  });
  after(cleanUp);

  async function secretFile(name: string, text: string, mode = 0o600): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await chmod(file, mode);
    return file;
  }

  it('come from a file, a variable, a credential or a command, without their last line break', async () => {
    const file = await secretFile('one', 'from file\n');
    await secretFile('two', 'from credential\r\n');
    const { readSecret } = secretReader({ HIDDEN: 'from env', CREDENTIALS_DIRECTORY: folder });
    assert.equal(await readSecret({ file }), 'from file');
    assert.equal(await readSecret({ env: 'HIDDEN' }), 'from env');
    assert.equal(await readSecret({ credential: 'two' }), 'from credential');
    assert.equal(await readSecret({ command: ['printf', 'from command\n\n'] }), 'from command\n');
  });

  it('that cannot be read name where they should be, with a remedy, and are tried again', async () => {
    const { readSecret } = secretReader({});
    const empty = await secretFile('empty', '\n');
    const cases = [
      [{ file: path.join(folder, 'none') }, /none does not exist/],
      [{ file: empty }, /is empty/],
      [{ env: 'NOPE' }, /variable NOPE/],
      [{ credential: 'x' }, /no credential x/],
      [{ command: ['false'] }, /false, which prints a secret, ended with 1/],
      [{ command: ['no-such-program-here'] }, /no-such-program-here, which prints a secret, was not found/],
    ] as const;
    for (const [secret, words] of cases) {
      const error = await isBackupError(
        readSecret('command' in secret ? { command: [...secret.command] } : secret),
        'config',
      );
      assert.match(error.message, words);
      assert.ok(error.remedy);
      assert.ok(error.retryable);
    }
  });

  it('that a command failed to print are not in the error, nor are its arguments', async () => {
    const { readSecret } = secretReader({});
    const error = await isBackupError(
      readSecret({ command: ['sh', '-c', 'echo out-canary; echo err-canary >&2; exit 3', 'arg-canary'] }),
      'config',
    );
    assert.doesNotMatch(
      `${error.message} ${error.remedy} ${JSON.stringify(error.facts)} ${String(error.cause)}`,
      /canary/,
    );
  });

  it('in files that others can read are warned about, once each', async () => {
    const open = await secretFile('open', 'x1', 0o640);
    const warnings: string[] = [];
    const { readSecret } = secretReader({}, { warn: (message) => warnings.push(message) });
    await readSecret({ file: open });
    await readSecret({ file: open });
    await readSecret({ file: await secretFile('closed', 'x2') });
    assert.deepEqual(warnings, [`the secret file ${open} can be read by others: chmod 600 ${open}`]);
  });

  it('are taken out of texts, the longest first, in every form in which they turn up', async () => {
    const { readSecret, redact } = secretReader({ SHORT: 'pass', LONG: 'password "1"/x' });
    await readSecret({ env: 'SHORT' });
    await readSecret({ env: 'LONG' });
    assert.equal(redact('it is password "1"/x, or pass'), 'it is ***, or ***');
    assert.equal(redact(`postgres://u:${encodeURIComponent('password "1"/x')}@h`), 'postgres://u:***@h');
    assert.equal(redact(JSON.stringify({ a: 'password "1"/x' })), '{"a":"***"}');
  });

  it('of several lines are taken out line by line', async () => {
    const { privatePem } = newSigningKey();
    const { readSecret, redact } = secretReader({ PEM: privatePem });
    await readSecret({ env: 'PEM' });
    const line = privatePem.split('\n')[1] ?? '';
    assert.ok(line.length > 16);
    assert.equal(redact(`error near ${line} in key`), 'error near *** in key');
  });

  it('are named by their place only', () => {
    assert.equal(describeSecret({ command: ['vault', 'read', '-token=abc'] }), 'the output of vault');
    assert.equal(describeSecret({ file: '/k' }), 'the secret file /k');
  });
});
