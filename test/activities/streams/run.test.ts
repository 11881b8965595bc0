import assert from 'node:assert/strict';
import { runProgram } from '../../../activities/streams/run.ts';
import { programVersion } from '../../../activities/streams/versions.ts';
import { failure, ownChildren, shell } from './artifacts.ts';

describe('running a short command', () => {
  const children = ownChildren();

  it('gives its output and its code', async () => {
    const ran = await runProgram(shell('cat; echo said >&2; exit 3', { accept: [3] }), { input: 'given\n' });
    assert.deepEqual(ran, { stdout: 'given', stderr: 'said', code: 3 });
  });

  it('has an empty stdin unless one is given, its own folder and variables, and English messages', async () => {
    const script = 'cat; pwd; echo "$ONE $LC_ALL"';
    const { stdout } = await runProgram(shell(script, { cwd: '/usr', env: { ONE: '1' } }));
    assert.equal(stdout, '/usr\n1 C.UTF-8');
  });

  it('passes small inputs and lines through descriptors', async () => {
    const lines: string[] = [];
    const program = shell('cat /dev/fd/3 /dev/fd/4; printf "a\\nb" >/dev/fd/5', { inputs: ['one', 'two'] });
    const { stdout } = await runProgram({ ...program, onLine: (line) => lines.push(line) });
    assert.equal(stdout, 'onetwo');
    assert.deepEqual(lines, ['a', 'b']);
  });

  it('fails with the code and the last words of the program, without secrets', async () => {
    const program = shell('cat /dev/fd/3 >&2; exit 5', { inputs: ['my-password'] });
    const error = await failure(runProgram(program), 'program-failed');
    assert.equal(error.message, 'sh failed with exit code 5: ***');
    assert.deepEqual(error.facts, { program: 'sh', code: 5, signal: null, stderr: '***' });
  });

  it('fails when it is killed, cannot be found, or cannot be started', async () => {
    const killed = await failure(runProgram(shell('kill -KILL $$')), 'program-failed');
    assert.equal(killed.facts['signal'], 'SIGKILL');
    await failure(runProgram({ command: 'no-such-program', args: [] }), 'missing-program');
    await failure(runProgram({ command: '/etc/passwd', args: [] }), 'missing-program');
    await failure(runProgram({ command: 'true', args: [], cwd: '/no/such/folder' }), 'program-failed');
  });

  it('ends it and all that it has started, when cancelled or too late', async () => {
    const script = 'sleep 1000 & sleep 1000';
    await failure(runProgram(shell(script), { timeout: 100 }), 'program-failed');
    const controller = new AbortController();
    const cancelled = failure(runProgram(shell(script), { signal: controller.signal }), 'aborted');
    await children.find('sleep');
    controller.abort();
    await cancelled;
    await failure(runProgram(shell(script), { signal: controller.signal }), 'aborted');
  });

  it('tells versions', async () => {
    assert.match(await programVersion('zstd'), /^\d+\.\d+\.\d+$/);
    assert.match(await programVersion('age'), /^\d+\.\d+/);
    await failure(programVersion('no-such-program'), 'missing-program');
  });
});
