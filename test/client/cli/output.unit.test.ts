import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { PassThrough } from 'node:stream';
import { failureOf, printFailure } from '../../../client/cli/errors.ts';
import { createOutput, table } from '../../../client/cli/output.ts';
import { progressLine, progressPrinter } from '../../../client/cli/progress.ts';
import { createLogger } from '../../../client/cli/log.ts';
import { BackupError } from '../../../model/errors.ts';

interface Terminal extends NodeJS.WriteStream {
  read(): string;
}

/** A stream that says of itself whether it is a terminal. */
function stream(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const through = new PassThrough();
  // Output uses nothing of a terminal but these two facts and write.
  const terminal = Object.assign(through, { isTTY, columns: 40 }) as unknown as Terminal;
  return { stream: terminal, text: () => String(through.read() ?? '') };
}

function output(options: { readonly json?: boolean; readonly isTTY?: boolean; readonly env?: NodeJS.ProcessEnv } = {}) {
  const [stdout, stderr] = [stream(options.isTTY ?? false), stream(options.isTTY ?? false)];
  const out = createOutput({
    json: options.json ?? false,
    env: options.env ?? {},
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  return { out, stdout: stdout.text, stderr: stderr.text };
}

describe('output', () => {
  it('puts results on stdout and all else on stderr', () => {
    const { out, stdout, stderr } = output();
    out.note('on the way');
    out.result({ a: 1 }, () => 'the result');
    assert.deepEqual([stdout(), stderr()], ['the result\n', 'on the way\n']);
  });

  it('is one JSON document under --json', () => {
    const { out, stdout } = output({ json: true });
    out.result({ a: 1 }, () => assert.fail('no text is made'));
    assert.deepEqual(JSON.parse(stdout()), { a: 1 });
  });

  it('has colours on a terminal only, and not where NO_COLOR is set', () => {
    assert.equal(output({ isTTY: true }).out.style('red', 'x'), '\u001B[31mx\u001B[39m');
    assert.equal(output({ isTTY: true, env: { NO_COLOR: '1' } }).out.style('red', 'x'), 'x');
    assert.equal(output({ isTTY: true, json: true }).out.style('red', 'x'), 'x');
    assert.equal(output().out.style('red', 'x'), 'x');
  });

  it('redraws its progress line on a terminal, and takes it away before anything else is said', () => {
    const { out, stderr } = output({ isTTY: true });
    out.redraw('x'.repeat(60));
    out.note('said');
    assert.equal(stderr(), `\r\u001B[2K${'x'.repeat(39)}\r\u001B[2Ksaid\n`);
  });

  it('aligns tables whatever their colours', () => {
    const text = table(
      ['name', 'size'],
      [
        ['\u001B[31mred\u001B[39m', '1'],
        ['longer name', '1000'],
      ],
      ['size'],
    );
    assert.deepEqual(text.split('\n'), [
      'name         size',
      '\u001B[31mred\u001B[39m             1',
      'longer name  1000',
    ]);
  });
});

describe('progress', () => {
  it('says how far it is', () => {
    assert.equal(
      progressLine({ phase: 'copying', bytes: 512, total: 1024, activity: 0 }, 3000),
      'copying  512 B of 1.0 KiB, 50 %, 3.0s',
    );
    assert.equal(
      progressLine({ phase: 'reading', bytes: 512, total: null, activity: 0 }, 3000),
      'reading  512 B, 3.0s',
    );
  });

  it('says nothing of bytes where none move', () => {
    assert.equal(progressLine({ phase: 'recovering', bytes: 0, total: null, activity: 9 }, 3000), 'recovering, 3.0s');
  });

  it('says what it is for, once the work is long enough to be told of', () => {
    const { out, stderr } = output();
    const started = Date.now();
    const now = mock.method(Date, 'now', () => started);
    try {
      const progress = progressPrinter(out, 'shop');
      now.mock.mockImplementation(() => started + 3000);
      progress({ phase: 'recovering', bytes: 0, total: null, activity: 1 });
    } finally {
      now.mock.restore();
    }
    assert.equal(stderr(), 'shop: recovering, 3.0s\n');
  });

  it('is silent without a terminal while the work is short', () => {
    const { out, stderr } = output();
    progressPrinter(out)({ phase: 'reading', bytes: 1, total: 2, activity: 0 });
    assert.equal(stderr(), '');
  });
});

describe('failures', () => {
  const redact = (text: string) => text.replaceAll('hunter2', '***');

  it('have the exit status of their code', () => {
    assert.equal(failureOf(new BackupError('verification-failed', 'x')).exit, 9);
    assert.equal(failureOf(new BackupError('busy', 'x')).exit, 7);
    assert.equal(failureOf(new Error('x')).exit, 1);
    assert.equal(failureOf(new Error('x'), 'SIGINT').exit, 130);
    assert.equal(failureOf(new BackupError('busy', 'x'), 'SIGTERM').exit, 5);
    const left = failureOf(new BackupError('conflict', 'Half done.', { facts: { unfinished: true } }), 'SIGINT');
    assert.deepEqual(
      [left.message, left.exit],
      ['Half done.', 7],
      'what is left half done is told in spite of the signal',
    );
  });

  it('say what happened and what to do, without secrets', () => {
    const { out, stderr } = output();
    printFailure(failureOf(new BackupError('failed', 'It broke: hunter2', { remedy: 'Mend hunter2.' })), out, redact);
    assert.equal(stderr(), 'mosaic-backup: It broke: ***\n  → Mend ***.\n');
  });

  it('are JSON with code, message, remedy, retryable and facts, without secrets', () => {
    const { out, stdout, stderr } = output({ json: true });
    printFailure(failureOf(new BackupError('unreachable', 'hunter2', { facts: { password: 'hunter2' } })), out, redact);
    assert.deepEqual(JSON.parse(stdout()), {
      error: { code: 'unreachable', message: '***', remedy: null, retryable: true, facts: { password: '***' } },
    });
    assert.equal(stderr(), '');
  });
});

describe('logs', () => {
  it('are lines for people, from the level that -v asks for, without secrets', () => {
    const { out, stderr } = output();
    const log = createLogger({ verbose: 1, out, redact: (text) => text.replaceAll('hunter2', '***') });
    log.debug({}, 'too much');
    log.info({ file: '/a', password: 'canary', nested: { token: 'canary' }, url: 'x:hunter2@y' }, 'opened');
    assert.match(
      stderr(),
      /^\d\d:\d\d:\d\d {2}info {2}opened {2}file=\/a {2}password=\*\*\* {2}nested=\{"token":"\*\*\*"\} {2}url=x:\*\*\*@y\n$/,
    );
  });

  it('are JSON lines under --json', () => {
    const { out, stderr } = output({ json: true });
    createLogger({ verbose: 0, out, redact: (text) => text }).warn({ a: 1 }, 'careful');
    assert.equal(JSON.parse(stderr()).msg, 'careful');
  });
});
