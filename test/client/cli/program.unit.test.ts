import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { COMMANDS } from '../../../client/cli/commands.ts';
import { complete, completionLines, type Completion, type Names } from '../../../client/cli/complete.ts';
import { COMPLETION_SCRIPTS } from '../../../client/cli/completion-scripts.ts';
import { createProgram } from '../../../client/cli/program.ts';
import { execa } from 'execa';

function program(): Command {
  return createProgram(COMMANDS, () => assert.fail('nothing runs'), { version: '1.2.3', out: () => {}, err: () => {} });
}

function every(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...every(child)]);
}

describe('help', () => {
  it('has an example for every command, and says what it does', () => {
    const leaves = every(program()).filter((command) => command.commands.length === 0 && command.name() !== 'complete');
    assert.ok(leaves.length >= 16);
    for (const command of leaves) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      assert.match(help, /\nExamples?:\n {2}\$ mosaic-backup .*# /, command.name());
      assert.notEqual(command.description(), '');
    }
  });

  it('has every command of the design that this version knows', () => {
    const names = new Set(program().commands.map((command) => command.name()));
    for (const name of [
      'init',
      'config',
      'doctor',
      'up',
      'worker',
      'run',
      'schedules',
      'list',
      'show',
      'verify',
      'restore',
      'prune',
      'hold',
      'unhold',
      'status',
      'keys',
      'completion',
    ])
      assert.ok(names.has(name), name);
  });
});

describe('completion', () => {
  const names: Names = {
    sources: () => Promise.resolve(['postgres', 'stack']),
    destinations: () => Promise.resolve(['vault']),
    plans: () => Promise.resolve(['noon']),
    references: () => Promise.resolve(['daily/stack/20261123T020000Z-full']),
  };

  async function values(...words: readonly string[]): Promise<readonly string[] | string> {
    const found: Completion = await complete(program(), words, names);
    return typeof found === 'string' ? found : found.map(({ value }) => value);
  }

  it('offers commands, their own commands, options and choices', async () => {
    assert.deepEqual(await values('re'), ['restore']);
    assert.deepEqual(await values('-v', 'config', ''), ['check', 'show', 'schema', 'help']);
    assert.deepEqual(await values('completion', ''), ['bash', 'zsh', 'fish']);
    assert.deepEqual(await values('restore', '--accept-a'), ['--accept-age']);
    assert.ok((await values('list', '--')).includes('--json'));
  });

  it('offers the names that the site knows', async () => {
    assert.deepEqual(await values('list', '--source', ''), ['postgres', 'stack']);
    assert.deepEqual(await values('list', '--source=po'), ['postgres']);
    assert.deepEqual(await values('list', '--source', '=', 'po'), ['postgres']);
    assert.deepEqual(await values('restore', 'latest', '--from', 'v'), ['vault']);
    assert.deepEqual(await values('verify', ''), ['latest', 'daily/stack/20261123T020000Z-full']);
    assert.deepEqual(await values('show', 'daily/'), ['daily/stack/20261123T020000Z-full']);
    assert.deepEqual(await values('run', 'd'), ['daily']);
  });

  it('leaves files and folders to the shell', async () => {
    assert.equal(await values('-c', ''), 'files');
    assert.equal(await values('restore', 'latest', '--to', '/sr'), 'folders');
    assert.deepEqual(completionLines('files'), [':files']);
  });

  it('offers nothing past the last argument', async () => {
    assert.deepEqual(await values('show', 'x', ''), []);
  });

  it('has a script for bash that bash accepts, and that takes words as they are', async () => {
    const { exitCode, stdout } = await execa({ reject: false })('bash', [
      '-u',
      '-c',
      `${COMPLETION_SCRIPTS.bash}
      mosaic-backup() { printf '%s\\n' "value-$(($# - 2))"; for word; do case $word in *canary*) printf '%s\\tx\\n' "\${word//[\\$()]/_}";; esac; done; }
      COMP_WORDS=(mosaic-backup list '$(touch /tmp/canary)' '') COMP_CWORD=3
      _mosaic_backup; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.split('\n'), ['value-3', '__touch /tmp/canary_']);
  });
});
