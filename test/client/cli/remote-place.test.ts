/** `verify --destination` and `copies repair` of places on servers: a bucket with locks, a folder behind ssh, an append-only one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { SiteInput } from '../../../model/config/site.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { damageFile } from '../../support/damage.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { keysIn } from '../../support/keys-in.ts';
import {
  REMOTE_TYPES,
  startRemotes,
  type Remote,
  type RemoteOptions,
  type RemoteServers,
  type RemoteType,
} from '../../support/remote-site.ts';
import { backUp, makeRotatable, type Rotatable } from '../../support/rotated.ts';
import { optionsOfTemplate } from '../../activities/storage/rsync/template.ts';

const HOUR = 3_600_000;
/** Bytes of what is captured; and one that age reads only where it decrypts more than the beginning. */
const CONTENT = 200_000;
const FAR = 150_000;

const placeVerdict = z.looseObject({
  verdict: z.string(),
  backups: z.number(),
  problems: z.array(z.strictObject({ problem: z.string(), of: z.string(), found: z.array(z.string()) })),
});
const repaired = z.looseObject({
  repairs: z.array(
    z.looseObject({ reference: z.string(), state: z.string(), from: z.array(z.string()), why: z.string().nullable() }),
  ),
});

/** A site with a full and two incrementals on it, of today, in the repository and at `remote`. */
interface Held {
  readonly made: Rotatable;
  /** The config file. */
  readonly file: string;
  readonly remote: Remote;
  readonly references: readonly [full: string, middle: string, newest: string];
}

describe('a whole place on a server', function () {
  this.timeout(120_000);
  let servers: RemoteServers;

  before(async () => {
    servers = await startRemotes();
  });
  after(async () => {
    await servers.close();
    await cleanUp();
  });

  async function hold(type: RemoteType, options: RemoteOptions = {}): Promise<Held> {
    const folder = await temporaryFolder();
    const remote = await servers.remote(type, folder, options);
    const made = await makeRotatable(folder, { destinations: { remote: remote.config } });
    const references: string[] = [];
    for (const hours of [5, 4, 3]) {
      await writeFile(made.data, randomBytes(CONTENT));
      references.push(await backUp(made.site, wholeSeconds(Date.now() - hours * HOUR)));
    }
    const [full = '', middle = '', newest = ''] = references;
    return { made, file: made.file, remote, references: [full, middle, newest] };
  }

  const made = new Map<RemoteType, Promise<Held>>();

  /** One for all tests of a type, each of which leaves it whole: to copy it by ssh takes long. */
  function heldAt(type: RemoteType): Promise<Held> {
    const held = made.get(type) ?? hold(type, { lock: true });
    made.set(type, held);
    return held;
  }

  /** The same place, by a key that may neither overwrite nor delete. */
  async function appendOnly(held: Held): Promise<Held> {
    const folder = await temporaryFolder();
    const restrict = async () => (await optionsOfTemplate(held.remote.root)).writing;
    const { config: remote } = await servers.remote('rsync', folder, { restrict });
    // Written by `makeSite`.
    const config = parse(await readFile(held.file, 'utf8')) as SiteInput;
    const file = path.join(folder, 'config.yaml');
    await writeFile(file, stringify({ ...config, destinations: { remote } } satisfies SiteInput));
    return { ...held, file };
  }

  async function verify({ file }: Held, ...args: readonly string[]) {
    const ended = await mosaicHere(['-c', file, '--json', 'verify', '--destination', 'remote', ...args]);
    const { problems, ...rest } = placeVerdict.parse(JSON.parse(ended.stdout));
    return {
      code: ended.code,
      ...rest,
      problems,
      told: problems.map(({ problem, of }) => `${problem} ${of}`).toSorted(),
    };
  }

  async function repair({ file }: Held, ...args: readonly string[]) {
    const ended = await mosaicHere(['-c', file, '--json', 'copies', 'repair', '--to', 'remote', ...args]);
    const { repairs } = repaired.parse(JSON.parse(ended.stdout));
    const states = repairs.map(({ reference, state }) => `${reference} ${state}`).toSorted();
    return { code: ended.code, repairs, states, output: ended.stdout };
  }

  /** An object of a backup, as a file on the server's own side. */
  function at({ remote }: Held, reference: string, object = ''): string {
    return path.join(remote.root, folderOf(reference), object);
  }

  /** That a backup there is, byte for byte, the one in the repository. */
  async function assertSame(held: Held, reference: string): Promise<void> {
    const own = path.join(held.made.site.repository, folderOf(reference));
    const names = await keysIn(own);
    assert.deepEqual(await keysIn(at(held, reference)), names);
    assert.equal(names.length, 4, names.join());
    for (const name of names) {
      const [there, here] = await Promise.all(
        [at(held, reference, name), path.join(own, name)].map((file) => readFile(file)),
      );
      assert.ok(there && here?.equals(there), `${reference}/${name}`);
    }
  }

  for (const type of REMOTE_TYPES) {
    it(`${type}: damaged in its old length, wrongly signed, missing and extra are told from each other; a repair ends all of it`, async () => {
      const held = await heldAt(type);
      const [full, middle, newest] = held.references;
      await damageFile(at(held, full, 'base.tar.zst.age'), FAR);
      const manifest = at(held, middle, 'manifest.json');
      const text = await readFile(manifest, 'utf8');
      assert.match(text, /"consistency": "fuzzy"/);
      await writeFile(manifest, text.replace('"fuzzy"', '"crash"'));
      await rm(at(held, newest), { recursive: true });
      const leftover = 'daily/other/20261120T020000Z-full';
      await mkdir(path.join(held.remote.root, leftover), { recursive: true });
      await cp(at(held, full, 'key.age'), path.join(held.remote.root, leftover, 'key.age'));
      const expected = [
        `damaged ${full}`,
        `extra ${leftover}`,
        `missing ${folderOf(newest)}`,
        `wrongly-signed ${middle}`,
      ];
      for (const args of [[], ['--deep']]) {
        const found = await verify(held, ...args);
        assert.deepEqual([found.code, found.told], [9, expected], JSON.stringify(found.problems));
      }
      await rm(at(held, middle, 'inventory.zst.age'));
      const done = await repair(held, ...held.references, '--yes');
      assert.deepEqual([done.code, done.states], [0, held.references.map((each) => `${each} repaired`)], done.output);
      for (const reference of held.references) await assertSame(held, reference);
      await rm(path.join(held.remote.root, 'daily'), { recursive: true });
      const after = await verify(held);
      assert.deepEqual([after.code, after.backups, after.told], [0, 3, []]);
    });
  }

  it('s3: what nobody keeps from being deleted is told, of a bucket that is to lock', async () => {
    const held = await heldAt('s3');
    const { site } = held.made;
    const { remote } = site.config.destinations;
    assert.ok(remote?.type === 's3');
    const { lock: _lock, ...open } = remote;
    const reference = await backUp(
      { ...site, config: { ...site.config, destinations: { remote: open } } },
      wholeSeconds(Date.now() - HOUR),
    );
    for (const args of [[], ['--deep']]) {
      const found = await verify(held, ...args);
      assert.deepEqual([found.code, found.told], [9, [`unlocked ${reference}`]]);
      assert.deepEqual(
        found.problems[0]?.found,
        ['manifest.json', 'base.tar.zst.age', 'inventory.zst.age'].map((name) => `${name}: not locked`),
      );
    }
  });

  it('rsync, append-only: a repair puts back what is missing, leaves what is damaged, and says why and what to do', async () => {
    const held = await appendOnly(await heldAt('rsync'));
    const [full, middle] = held.references;
    const damaged = at(held, full, 'base.tar.zst.age');
    await damageFile(damaged, FAR);
    const before = await readFile(damaged);
    await rm(at(held, middle, 'inventory.zst.age'));
    const found = await verify(held);
    assert.deepEqual([found.code, found.told], [9, [`damaged ${full}`, `damaged ${middle}`]]);
    const done = await repair(held, '--yes');
    assert.deepEqual([done.code, done.states], [9, [`${full} not repaired`, `${middle} repaired`]], done.output);
    const why = done.repairs[0]?.why ?? '';
    assert.match(why, /lets nothing be overwritten/);
    assert.ok(before.equals(await readFile(damaged)), 'it was left as it is');
    await assertSame(held, middle);
    // What is to be done there, as it stands, with the folder that authorized_keys names.
    const [, remedy = ''] =
      /\(rm (FOLDER\S+), where FOLDER is the one that its authorized_keys names\)/.exec(why) ?? [];
    await rm(remedy.replace('FOLDER', held.remote.root));
    const again = await repair(held, '--yes');
    assert.deepEqual([again.code, again.states], [0, [`${full} repaired`]], again.output);
    for (const reference of held.references) await assertSame(held, reference);
  });
});

function folderOf(reference: string): string {
  return reference.replace(/^daily/, 'configs');
}
