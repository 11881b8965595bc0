import assert from 'node:assert/strict';
import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const UNITS = fileURLToPath(new URL('../../../infra/systemd', import.meta.url));
const ENCLOSURE = fileURLToPath(new URL('../../../activities/sources/private-server/enclosure.ts', import.meta.url));
/** Where docs/systemd.md has it installed. */
const PROGRAM = '/usr/local/bin/mosaic-backup';
const SERVICES = ['mosaic-backup-up', 'mosaic-backup-worker', 'mosaic-backup-watchdog'];

describe('the units of systemd', () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder();
    for await (const name of glob('*', { cwd: UNITS })) {
      const text = await readFile(path.join(UNITS, name), 'utf8');
      // The program is not installed where tests run; systemd looks whether it is there.
      await writeFile(path.join(folder, name), text.replaceAll(PROGRAM, '/bin/true'));
    }
    for (const service of SERVICES) {
      await mkdir(path.join(folder, `${service}.service.d`));
      await cp(path.join(folder, 'credentials.conf'), path.join(folder, `${service}.service.d`, 'credentials.conf'));
    }
  });
  after(cleanUp);

  it('are understood by systemd whole, with the drop-in for credentials', async () => {
    assert.equal(await verify(folder), '');
    // What would not be understood is noticed: the check is one.
    const wrong = await temporaryFolder();
    await cp(folder, wrong, { recursive: true });
    const file = path.join(wrong, 'mosaic-backup-worker.service');
    await writeFile(file, (await readFile(file, 'utf8')).replace('KillMode=', 'KilMode='));
    assert.match(await verify(wrong), /KilMode/);
  });

  it('the timer starts the watchdog, which is given an end, and whose failure is told', async () => {
    const timer = await unit('mosaic-backup.timer');
    assert.match(timer, /^Unit=mosaic-backup-watchdog\.service$/m);
    const watchdog = await unit('mosaic-backup-watchdog.service');
    assert.match(watchdog, /^ExecStart=.* watchdog$/m);
    assert.match(watchdog, /^TimeoutStartSec=/m);
    assert.doesNotMatch(watchdog, /^SuccessExitStatus=/m, 'something that is wrong is shown by systemctl --failed');
    assert.match(watchdog, /^OnFailure=mosaic-backup-failed@%N\.service$/m);
  });

  it('what is started again for ever tells each time it fails, by no word of systemd that only some versions heed, and no end that was asked for', async () => {
    const asked = path.join(folder, 'asked');
    const systemctl = path.join(folder, 'bin/systemctl');
    await mkdir(path.dirname(systemctl));
    await writeFile(systemctl, `#!/bin/sh\necho "$@" >>${asked}\n`, { mode: 0o755 });
    for (const name of ['mosaic-backup-up', 'mosaic-backup-worker']) {
      const text = await unit(`${name}.service`);
      assert.match(text, /^Restart=always$/m);
      assert.doesNotMatch(text, /^OnFailure=/m);
      const script = /^ExecStopPost=-\/bin\/sh -c '(.*)'$/m.exec(text)?.[1]?.replaceAll('%N', name) ?? '';
      const ended = async (result: string) => {
        await writeFile(asked, '');
        const env = { PATH: `${path.dirname(systemctl)}:${process.env['PATH']}`, SERVICE_RESULT: result };
        await execa('/bin/sh', ['-c', script], { env });
        return readFile(asked, 'utf8');
      };
      assert.equal(await ended('success'), '');
      for (const result of ['exit-code', 'signal', 'oom-kill', 'timeout'])
        assert.equal(await ended(result), `--no-block start mosaic-backup-failed@${name}.service\n`, result);
    }
  });

  it('a failure is told at most once an hour: what tells it is being started for so long', async () => {
    const text = await unit('mosaic-backup-failed@.service');
    assert.match(text, /^Type=oneshot\nExecStart=.*\n(?:#.*\n)*ExecStartPost=\/bin\/sleep 1h$/m);
    // Of a oneshot there is no such limit unless somebody sets one.
    assert.doesNotMatch(text, /^Timeout|^RemainAfterExit/m);
  });

  it('a worker is asked to end by itself, before its programs are', async () => {
    for (const name of ['mosaic-backup-up', 'mosaic-backup-worker']) {
      const text = await unit(`${name}.service`);
      assert.match(text, /^KillMode=mixed$/m, name);
      assert.match(text, /^TimeoutStopSec=3min$/m, name);
    }
  });

  it('leave a worker what it needs to cut off what runs on restored data from production', async () => {
    const root = process.getuid?.() === 0;
    for (const name of ['mosaic-backup-up', 'mosaic-backup-worker']) {
      const text = await unit(`${name}.service`);
      assert.match(text, /^RestrictNamespaces=mnt net pid$/m, name);
      const rights = /^CapabilityBoundingSet=(.*)$/m.exec(text)?.[1]?.replaceAll('CAP_', '+').toLowerCase() ?? '';
      const bounds = `--bounding-set=-all,${rights.split(' ').join(',')}`;
      const program = `import { allowedHere } from ${JSON.stringify(ENCLOSURE)}; console.log((await allowedHere()).cut)`;
      const asRoot = root ? [] : ['unshare', '--user', '--map-root-user'];
      const [command, ...args] = [...asRoot, 'setpriv', bounds, '--inh-caps=-all', '--no-new-privs'];
      const { stdout } = await execa(command, [...args, process.execPath, '--input-type=module', '-e', program]);
      assert.equal(stdout, 'all', name);
    }
  });

  it('are hardened as far as backups allow, by the measure of systemd', async () => {
    const exposures = await Promise.all(SERVICES.map(async (name) => [name, await exposure(name)] as const));
    for (const [name, found] of exposures) assert.ok(found < (name.endsWith('watchdog') ? 3 : 5), `${name}: ${found}`);
  });

  function unit(name: string): Promise<string> {
    return readFile(path.join(folder, name), 'utf8');
  }

  /** What systemd has against the units; nothing where they are good. */
  async function verify(of: string): Promise<string> {
    const files = [
      ...SERVICES.map((name) => `${name}.service`),
      'mosaic-backup.timer',
      'mosaic-backup-failed@x.service',
    ];
    const args = ['verify', '--man=no', '--recursive-errors=no', ...files.map((name) => path.join(of, name))];
    const { all } = await execa('systemd-analyze', args, { all: true, reject: false, stripFinalNewline: true });
    return all;
  }

  async function exposure(name: string): Promise<number> {
    const args = ['security', '--offline=true', '--no-pager', path.join(folder, `${name}.service`)];
    const { stdout } = await execa('systemd-analyze', args);
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  }
});
