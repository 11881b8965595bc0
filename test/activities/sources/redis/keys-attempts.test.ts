/** Keys on their way into a running Redis server, cut off between pages of them, and the attempt after that. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { capture, SOURCE } from '../postgres/backups.ts';
import { restoreKeys, type SaidOfKeys } from './keys-attempts.ts';

const CHILD = fileURLToPath(new URL('keys-in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../../../support/signal-at.mjs', import.meta.url));

/** Of 32 keys, as many notes: one behind them. */
const PAGE = 32;
const KEYS = 100;

describe('attempts at a restore of keys into a running Redis server', function () {
  this.timeout(60_000);
  let server: TestRedis;
  let other: TestRedis;
  let made: TestSite;

  before(async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'other'), { mode: 0o755 });
    server = await startRedis({ folder });
    other = await startRedis({ folder: path.join(folder, 'other') });
    const odd = String.raw`SET "k:\xff\x00" odd`;
    await server.pipe([...Array.from({ length: KEYS - 1 }, (_, each) => `SET ${key(each)} old`), odd]);
    const scratch = path.join(folder, 'scratch');
    await mkdir(scratch, { mode: 0o755 });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config() }, plans: { restoreTest: { scratch } } });
    await capture(made.site, '2026-11-23T02:00:00Z');
  });
  beforeEach(() => other.run('FLUSHALL'));
  after(async () => {
    await server?.stop();
    await other?.stop();
    await cleanUp();
  });

  function key(each: number): string {
    return `k:${String(each).padStart(3, '0')}`;
  }
  function saying(more: Partial<SaidOfKeys> = {}): SaidOfKeys {
    const nobody = { user: undefined, password: undefined, ca: undefined };
    return { pattern: 'k:*', into: { host: '', port: 0, socket: other.socket, ...nobody }, replace: false, ...more };
  }

  /** Killed at its so manieth note, before that is kept or behind it; with what is kept. */
  async function killed(said: SaidOfKeys, nth: number, when: 'entered' | 'left'): Promise<object> {
    const folder = await temporaryFolder();
    const note = path.join(folder, 'note.json');
    const reached = { SIGNAL_ONCE: path.join(folder, 'reached'), SIGNAL_NTH: String(nth), SIGNAL_IF: 'note.json' };
    const env = { ...process.env, SIGNAL_AT: 'fs#writeFile', SIGNAL_WHEN: when, ...reached };
    const args = ['--import', SIGNAL_AT, CHILD, made.file, note, JSON.stringify(said)];
    const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
    assert.equal(signal, 'SIGKILL', 'it never came to that note');
    const found: unknown = JSON.parse(await readFile(note, 'utf8'));
    assert.ok(typeof found === 'object' && found !== null);
    return found;
  }

  it('goes on behind what was noted; a page that was sent and not noted counts as restored', async () => {
    const earlier = await killed(saying(), 3, 'entered');
    assert.equal(await other.run('DBSIZE'), String(2 * PAGE), 'of the second page nothing was noted');
    // A client has taken one away that was noted, and written to one of each.
    await other.run('DEL', key(0));
    for (const each of [1, PAGE + 1]) await other.run('SET', key(each), 'new');
    const { done, taken, moved } = await restoreKeys(made.site, saying({ earlier }));
    assert.deepEqual([done, taken, moved.keys], [false, [], KEYS]);
    assert.equal(await other.run('DBSIZE'), String(KEYS - 1));
    assert.equal(await other.run('EXISTS', key(0)), '0');
    for (const each of [1, PAGE + 1]) assert.equal(await other.run('GET', key(each)), 'new');
    assert.equal(await other.run('EVAL', String.raw`return redis.call('GET', 'k:\255\0')`, '0'), 'odd');
  });

  it('finds it done where all was noted, and sends nothing', async () => {
    const earlier = await killed(saying(), 5, 'left');
    await other.run('FLUSHALL');
    const notes: object[] = [];
    const onMoved = async (note: object) => void notes.push(note);
    const { done, taken, moved } = await restoreKeys(made.site, { ...saying({ earlier }), onMoved });
    assert.deepEqual([done, taken, moved.keys, moved.bytes > 0], [true, [], KEYS, true]);
    assert.equal(await other.run('DBSIZE'), '0');
    assert.deepEqual(notes, [earlier]);
  });

  it('replaces from the noted key on', async () => {
    for (const each of [0, PAGE, 2 * PAGE]) await other.run('SET', key(each), 'before');
    const said = saying({ replace: true });
    const earlier = await killed(said, 2, 'left');
    await other.run('SET', key(0), 'new');
    const { done, moved } = await restoreKeys(made.site, { ...said, earlier });
    assert.deepEqual([done, moved.keys], [false, KEYS]);
    assert.deepEqual(await Promise.all([0, PAGE, 2 * PAGE].map((each) => other.run('GET', key(each)))), [
      'new',
      'old',
      'old',
    ]);
  });

  it('P49 replacing it writes over nothing that clients wrote behind a page that was sent and not noted, nor twice', async () => {
    for (let each = 0; each < KEYS - 1; each++) await other.run('SET', key(each), 'before');
    const said = saying({ replace: true });
    const earlier = await killed(said, 3, 'entered');
    const second = [0, 1, 2].map((each) => key(PAGE + each));
    assert.equal(await other.run('GET', second[0] ?? ''), 'old', 'it was sent');
    await other.run('SET', second[0] ?? '', 'new');
    await other.run('DEL', second[1] ?? '');
    const { done, moved } = await restoreKeys(made.site, { ...said, earlier });
    assert.deepEqual([done, moved.keys, moved.kept], [false, KEYS - 2, 2]);
    assert.deepEqual(await Promise.all(second.map((each) => other.run('GET', each))), ['new', '', 'old']);
    assert.equal(await other.run('GET', key(2 * PAGE)), 'old');
  });

  it('P49 the same where that attempt was killed as well, and for a user who may not look at values', async () => {
    await other.run('SET', key(0), 'before');
    const said = saying({ replace: true });
    const first = await killed(said, 2, 'entered');
    await other.run('SET', key(0), 'new');
    const second = await killed({ ...said, earlier: first }, 2, 'entered');
    const { moved } = await restoreKeys(made.site, { ...said, earlier: second });
    assert.deepEqual([moved.keys, moved.kept, await other.run('GET', key(0))], [KEYS - 1, 1, 'new']);
    await other.run('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-dump');
    const into = { ...said.into, user: 'blind', password: 'secret' };
    assert.equal((await restoreKeys(made.site, { ...said, into, onMoved: async () => undefined })).moved.keys, KEYS);
  });

  it('leaves what a client has made behind the page that may have been sent, and does not take it for restored', async () => {
    const notes: object[] = [];
    const onMoved = async (note: object) => void notes.push(note);
    const stopped = restoreKeys(made.site, { ...saying(), onMoved }, () => other.run('SET', key(PAGE), 'new'));
    const refused = await isBackupError(stopped, 'refused');
    assert.equal(refused.facts['restored'], PAGE);
    await other.run('DEL', key(PAGE));
    await other.run('SET', key(2 * PAGE), 'new');
    const conflict = await isBackupError(restoreKeys(made.site, saying({ earlier: notes.at(-1) })), 'conflict');
    assert.match(conflict.message, /has 1 of them: k:064\. 32 others are restored/);
    assert.equal(await other.run('DBSIZE'), String(2 * PAGE), 'the rest of the refused page is there too');
    await isBackupError(restoreKeys(made.site, saying({ earlier: { moved: 7 } })), 'conflict');
    await other.run('DEL', key(2 * PAGE));
    const late = restoreKeys(made.site, saying({ earlier: notes.at(-1) }), () =>
      other.run('SET', key(2 * PAGE), 'new'),
    );
    await isBackupError(late, 'refused');
    assert.equal(await other.run('GET', key(2 * PAGE)), 'new');
    // The first note is given before the first key, and none behind what was refused.
    assert.equal(notes.length, 2);
    const begun = await restoreKeys(made.site, saying({ earlier: notes[0], replace: true }));
    assert.equal(begun.moved.keys, KEYS);
  });
});
