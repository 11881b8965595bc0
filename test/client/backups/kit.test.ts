import assert from 'node:assert/strict';
import { execa } from 'execa';
import { cp, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeQR } from 'qr/decode.js';
import { newSigningKey, signer } from '../../../activities/keys/signing.ts';
import { encodeManifest, parseManifest, signManifest } from '../../../activities/storage/manifest-file.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { backUp, makeRotatable, type Rotatable } from '../../support/rotated.ts';

/** What a stranger has: a new machine with the programs that the kit names, and a copy. */
const PROGRAMS = [
  'sh',
  'jq',
  'age',
  'zstd',
  'tar',
  'openssl',
  'sha256sum',
  'base64',
  'mktemp',
  'rm',
  'mkdir',
  'cp',
  'cat',
  'printf',
  'chmod',
];
const FULL = 'configs/stack/20261122T020000Z-full';
const INCREMENTAL = 'configs/stack/20261123T020000Z-incremental';

describe('the recovery kit, followed literally on an empty machine', () => {
  let folder: string;
  let made: Rotatable;
  let bin: string;
  let machines = 0;

  before(async () => {
    folder = await temporaryFolder();
    const access = 'ask Ada: the disk is in the safe of the bank\nuser reader, its password is on the same paper';
    made = await makeRotatable(folder, {
      destinations: { vault: { type: 'directory', path: path.join(folder, 'vault'), access } },
    });
    await backUp(made.site, '2026-11-22T02:00:00Z');
    await writeFile(made.data, 'what was there then\n');
    await backUp(made.site, '2026-11-23T02:00:00Z');
    bin = path.join(folder, 'bin');
    await mkdir(bin);
    for (const program of PROGRAMS)
      await symlink(
        (await execa('sh', ['-c', `command -v ${program}`])).stdout.replace(/^(?!\/).*$/, '/bin/sh'),
        path.join(bin, program),
      );
  });
  after(cleanUp);

  async function kit(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await mosaicHere(['-c', made.file, 'keys', 'kit', ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  /** Follows parts 2 and 5 of a kit's text with an identity file made as part 1 says, and nothing else. */
  async function follow(
    text: string,
    identity: string,
    from = path.join(folder, 'vault'),
  ): Promise<{ readonly code: number; readonly said: string; readonly home: string }> {
    const home = path.join(folder, `machine-${machines++}`);
    await mkdir(home);
    const file = path.join(home, 'identity.txt');
    await writeFile(file, `${identity}\n`, { mode: 0o600 });
    const fetch = /^ *fetch: (.*)$/m.exec(text)?.[1] ?? assert.fail('no command that fetches');
    const start = text.indexOf('BACKUP=');
    const commands = text.slice(start, text.indexOf('\ndone )\n', start) + '\ndone )\n'.length);
    assert.match(commands, /^BACKUP=.*\nIDENTITY=.*\nTARGET=.*\nSIGNERS=.*\n/);
    const script = [FULL, INCREMENTAL]
      .map(
        (key) =>
          `rm -rf backup\n${fetch.replace('FOLDER', key).replace(path.join(folder, 'vault'), from)}\n${commands.replace(/^IDENTITY=.*$/m, `IDENTITY=${file}`)}`,
      )
      .join('\n');
    const { exitCode, stderr, stdout } = await execa('/bin/sh', ['-e', '-c', script], {
      cwd: home,
      env: { PATH: bin, HOME: home, TMPDIR: home },
      extendEnv: false,
      reject: false,
    });
    return { code: exitCode ?? -1, said: `${stdout}\n${stderr}`, home };
  }

  it('P41 P48 restores a full and its incremental from the text, with either identity', async () => {
    for (const file of made.identities) {
      const text = await kit('--identity', file);
      const [identity = ''] = /^AGE-SECRET-KEY-1.*$/m.exec(text) ?? [];
      assert.equal(identity, (await readFile(file, 'utf8')).trim());
      const { code, said, home } = await follow(text, identity);
      assert.equal(code, 0, said);
      assert.equal(await readFile(path.join(home, 'restored', made.data), 'utf8'), 'what was there then\n');
    }
  });

  it('P41 P48 restores from the page: the QR code is read back from its picture', async () => {
    const page = path.join(folder, 'kit.html');
    assert.equal(await kit('--page', page), page);
    assert.equal((await stat(page)).mode & 0o777, 0o600);
    const html = await readFile(page, 'utf8');
    const [identity, ...more] = [...html.matchAll(/<svg viewBox="0 0 (\d+) \1"[^>]*><path d="([^"]*)"/g)].map(
      ([, size, picture]) => decodeQR(pixels(Number(size), picture ?? '')),
    );
    assert.deepEqual(more, []);
    assert.equal(identity, (await readFile(made.identities[0], 'utf8')).trim());
    assert.ok(!/(?:src|href)=|url\(|@import/.test(html), 'it needs nothing else');
    const text = html
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&gt;', '>')
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&');
    const { code, said, home } = await follow(text, identity ?? '');
    assert.equal(code, 0, said);
    assert.equal(await readFile(path.join(home, 'restored', made.data), 'utf8'), 'what was there then\n');
    assert.equal((await mosaicHere(['-c', made.file, 'keys', 'kit', '--page', page])).code, 7, 'it overwrites nothing');
  });

  it('says where copies are and how they are reached, who signed, and whom to believe no more', async () => {
    const text = await kit();
    assert.match(text, /vault: \/.*\n {7}ask Ada: the disk is in the safe of the bank\n {7}user reader/);
    assert.ok(text.includes(made.publicKey));
    const revoked = path.join(folder, 'revoked.yaml');
    const { publicKey } = newSigningKey();
    await writeFile(
      revoked,
      (await readFile(made.file, 'utf8')).replace(
        'signing:\n',
        `signing:\n  revoked: [{ key: ${publicKey}, since: 2026-11-23T02:00:00Z }]\n`,
      ),
    );
    const { stdout } = await mosaicHere(['-c', revoked, 'keys', 'kit']);
    assert.ok(
      stdout.includes(`${publicKey}  (`) &&
        /is REVOKED: believe what it signed before 2026-11-23T02:00:00Z alone/.test(stdout),
    );
  });

  it('P40 restores nothing that a stranger signed, that was changed after it was signed, or of which a byte was flipped', async () => {
    const text = await kit();
    const [identity = ''] = /^AGE-SECRET-KEY-1.*$/m.exec(text) ?? [];
    const forged = path.join(folder, 'forged');
    const tamper: readonly (readonly [how: (file: string) => Promise<void>, said: RegExp])[] = [
      [
        async (at) => {
          const { signature: _signature, ...unsigned } = parseManifest(await readFile(path.join(at, 'manifest.json')));
          await writeFile(
            path.join(at, 'manifest.json'),
            encodeManifest(signManifest(unsigned, signer(newSigningKey().privatePem))),
          );
        },
        /NOT SIGNED by a key of this site/,
      ],
      [
        async (at) => {
          const file = path.join(at, 'manifest.json');
          await writeFile(file, (await readFile(file, 'utf8')).replace('"fuzzy"', '"crash"'));
        },
        /NOT SIGNED by a key of this site/,
      ],
      [
        async (at) => {
          const file = path.join(at, 'base.tar.zst.age');
          const bytes = await readFile(file);
          bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
          await writeFile(file, bytes);
        },
        /base\.tar\.zst\.age: FAILED/,
      ],
    ];
    for (const [index, [how, expected]] of tamper.entries()) {
      const from = `${forged}-${index}`;
      await cp(path.join(folder, 'vault'), from, { recursive: true });
      await how(path.join(from, FULL));
      const { code, said, home } = await follow(text, identity, from);
      assert.notEqual(code, 0, said);
      assert.match(said, expected);
      await assert.rejects(stat(path.join(home, 'restored')), { code: 'ENOENT' });
    }
  });
});

/** A path of `Mx yhWv1h-Wz` as pixels, black on white, some to a module. */
function pixels(size: number, picture: string) {
  const scale = 6;
  const side = size * scale;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, width] of picture.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(width)) * scale; column++) {
        data.set([0, 0, 0], (row * side + column) * 4);
      }
    }
  }
  return { width: side, height: side, data };
}
