import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { allowedHere } from '../../../../activities/sources/private-server/enclosure.ts';
import { startProcess } from '../../../../activities/sources/private-server/process.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { until } from '../../../support/until.ts';

const ENCLOSURE = new URL('../../../../activities/sources/private-server/enclosure.ts', import.meta.url).pathname;

/** Connects to each place, writes to each file, and prints for each what came of it. */
const TRIES = `
const [places, files] = process.argv.slice(1).map((text) => JSON.parse(text));
const net = require('node:net'), fs = require('node:fs');
const connect = (to) => new Promise((done) => {
  const socket = net.connect(to, () => { socket.destroy(); done('reached'); }).on('error', (error) => done(error.code));
});
const write = (file) => { try { fs.writeFileSync(file, ''); return 'written'; } catch (error) { return error.code; } };
(async () => console.log(JSON.stringify([await Promise.all(places.map(connect)), files.map(write)])))();
`;

describe('what runs enclosed', () => {
  let folder: string;
  /** On a file system that is not hidden. */
  let elsewhere: string;
  let sockets: readonly Server[];
  let places: readonly object[];
  let reached = 0;

  before(async () => {
    folder = await temporaryFolder();
    elsewhere = await mkdtemp(path.join(homedir(), '.mosaic-test-'));
    for (const name of ['own', 'seen', 'others']) await mkdir(path.join(folder, name));
    await symlink(path.join(folder, 'own'), path.join(folder, 'linked'));
    const at = [path.join(folder, 'others', 'socket'), path.join(elsewhere, 'socket')];
    sockets = await Promise.all([{ host: '127.0.0.1', port: 0 }, ...at.map((file) => ({ path: file }))].map(listening));
    const address = sockets[0]?.address();
    assert.ok(typeof address === 'object' && address !== null);
    places = [{ host: '127.0.0.1', port: address.port }, ...at.map((file) => ({ path: file }))];
  });

  after(async () => {
    for (const server of sockets ?? []) server.close();
    await rm(elsewhere, { recursive: true });
    await cleanUp();
  });

  it('reaches neither network nor sockets of the machine, and writes to its own folders only; anything else does', async () => {
    const files = ['linked/file', 'seen/file', 'others/file'].map((name) => path.join(folder, name));
    const tries = [...files, path.join(elsewhere, 'file')];
    // Node itself, too: a checkout may lie where all is hidden.
    const visible = [path.join(folder, 'seen'), path.dirname(process.execPath)];
    const own = { writable: [path.join(folder, 'linked')], visible };
    assert.deepEqual(await allowedHere(), { cut: 'all', why: null });

    assert.deepEqual(await said('enclosed', tries, own), [
      ['ENETUNREACH', 'ENOENT', 'ECONNREFUSED'],
      ['written', 'EROFS', 'ENOENT', 'EROFS'],
    ]);
    assert.equal(reached, 0);
    assert.equal((await stat(path.join(folder, 'own', 'file'))).size, 0, 'what it writes to is the folder itself');

    assert.deepEqual(await said('free', tries), [
      ['reached', 'reached', 'reached'],
      ['written', 'written', 'written', 'written'],
    ]);
    await until('all are counted', () => reached === 3);
  });

  it('where the machine allows no namespaces that is found out, and why is known', async () => {
    const program = `import { isolationCheck, enclosedBy } from ${JSON.stringify(ENCLOSURE)};
      console.log(JSON.stringify([await isolationCheck(), await enclosedBy({ writable: [] })]))`;
    // No namespaces of users either: with them a server would at least have no network.
    const refuse = `echo 0 > /proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$0" --input-type=module -e "$1"`;
    const args = ['--user', '--map-root-user', 'sh', '-c', refuse, process.execPath, program];
    const [check, enclosed] = JSON.parse((await runProgram({ command: 'unshare', args })).stdout);
    assert.deepEqual([check.name, check.compared], ['isolation', false]);
    assert.match(
      check.detail,
      /was not cut off from the network, nor .*: this machine allows no namespace .*not permitted/i,
    );
    assert.deepEqual(enclosed, { prefix: [], privileges: [], cut: 'nothing' });
  });

  async function said(
    name: string,
    files: readonly string[],
    enclosed?: Parameters<typeof startProcess>[0]['enclosed'],
  ) {
    const log = path.join(folder, `${name}.log`);
    const command = [process.execPath, '-e', TRIES, JSON.stringify(places), JSON.stringify(files)] as const;
    const child = await startProcess({ command: [...command], user: undefined, log, deathSignal: 'KILL', enclosed });
    await until('it has tried', () => !child.running());
    return JSON.parse(await readFile(log, 'utf8'));
  }

  function listening(at: object): Promise<Server> {
    const server = createServer((socket) => {
      reached += 1;
      socket.destroy();
    });
    return new Promise((resolve) => void server.listen(at, () => resolve(server)));
  }
});
