/** Restores into a running MariaDB server that are cut off, and attempts after them; export-attempts.fault.ts has more with single tables. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { lockOf } from '../../../../activities/sources/mariadb/export/half.ts';
import { openDeafProxy } from '../../../support/deaf-proxy.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { until } from '../../../support/until.ts';
import type { Said } from '../export-in-child.ts';
import { attempt, goesOn, isDone, isRefused, killedAt, killedWhen, type Point } from '../export-attempts.ts';
import { describeAttempts, LONGEST } from './attempts.ts';

/** All is carried out, and its scratch is wiped. */
const WIPED: Point = { at: 'fs#rm', when: 'entered', given: 'mosaic-export-' };

describeAttempts('attempts at a restore into a running MariaDB server', (attempts) => {
  const { made, server, name, saying, old, tables, workshops, comment, customers, client } = attempts;

  it('whose last answer is lost has succeeded all the same: the server is asked', async () => {
    const socket = path.join(await temporaryFolder(), 'deaf.sock');
    const { settings } = saying().into;
    const losing = async (given: string, more: Partial<Said> = {}) => {
      const proxy = await openDeafProxy(socket, settings['socket'] ?? '', given);
      try {
        await attempt(made(), saying({ into: { settings: { ...settings, socket }, password: undefined }, ...more }));
        assert.equal(proxy.lost(), 1);
      } finally {
        await proxy.close();
      }
    };
    await losing('ALTER DATABASE');
    assert.deepEqual([await customers(), await comment()], [['1', '2'], ['""']]);
    await client(3);
    await losing('RENAME TABLE', { tables: ['customers'], replace: true });
    assert.deepEqual([await customers(), await workshops()], [['1', '2'], []]);
    assert.equal((await tables()).filter((each) => each.startsWith('customers')).length, 2);
  });

  it('of tables with names as long as they may be: those before keep names that are like them', async () => {
    const said = saying({ database: 'lengthy', tables: [LONGEST, `${LONGEST.slice(0, 63)}x`], replace: true });
    await attempt(made(), said);
    await attempt(made(), said);
    const kept = (await tables()).filter((each) => /^long_.*_[0-9a-f]{8}_before_\d{8}T\d{6}$/.test(each));
    assert.deepEqual([(await tables()).length, kept.length, kept[0]?.length], [4, 2, 64]);
  });

  it('of an empty database, killed in the middle: is not in its own way, and an empty one keeps its comment', async () => {
    await server().sql(`CREATE DATABASE ${name()} CHARACTER SET latin1 COMMENT 'it''s \\\\ mine'`);
    const big = saying({ database: 'big' });
    const note = await killedWhen(made(), big, async () => (await tables()).includes('zz_ballast'));
    assert.match((await comment()).join(), /not whole/);
    // No other restore takes it for its own.
    await until('nobody goes on', async () => {
      const query = `SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '${name()}'`;
      return (await server().sql(query)).length === 0;
    });
    await isRefused(attempt(made(), big), 'not-empty', /is not whole/);
    await goesOn(made(), big, note);
    assert.deepEqual(await comment(), [String.raw`"it's \ mine"`]);
    assert.match((await server().sql(`SHOW CREATE DATABASE ${name()}`)).join(), /latin1/);
    assert.deepEqual(await server().sql(`SELECT COUNT(*) FROM ${name()}.zz_ballast`), ['100000']);
    await client(3);
    await isDone(made(), big, note);
    assert.deepEqual(await customers(), ['1', '2', '3']);
  });

  it('of a database that is not there: behind its end', async () => {
    const note = await killedAt(made(), saying(), WIPED);
    assert.deepEqual(await comment(), ['""']);
    await client(3);
    await isDone(made(), saying(), note);
    assert.deepEqual(await customers(), ['1', '2', '3']);
    await isRefused(attempt(made(), saying()), 'not-empty', /has 2 tables/);
  });

  it('does not go on while the server is at work for the killed one, which carries it out', async () => {
    await old();
    const said = saying({ tables: ['customers'], replace: true });
    const reader = spawn('mariadb', [`--socket=${server().connection().socket ?? ''}`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    reader.stdin.write(`BEGIN; SELECT * FROM ${name()}.customers;\n`);
    const waiting = async () => {
      const query = `SELECT ID FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock' AND INFO LIKE 'RENAME%'`;
      return (await server().sql(query)).length > 0;
    };
    const note = await killedWhen(made(), said, waiting);
    await isRefused(attempt(made(), { ...said, earlier: note }), 'busy', /is at work in/);
    reader.stdin.end();
    await once(reader, 'exit');
    await until('it is moved', async () => (await tables()).length === 2);
    await until(
      'the server has let it go',
      async () => (await attempt(made(), { ...said, earlier: note }, 'plan').catch(() => undefined)) !== undefined,
    );
    await client(3);
    await isDone(made(), said, note);
    assert.deepEqual([await customers(), await workshops()], [['1', '2', '3'], []]);
  });

  it('goes on from a half of its own, and waits for the lock of a load', async () => {
    const { note } = await attempt(made(), saying(), 'plan');
    const mark = String(Object.entries(note).find(([key]) => key === 'mark')?.[1]);
    await server().sql(`CREATE DATABASE ${name()} COMMENT '${mark}'; CREATE TABLE ${name()}.customers (id INT)`);
    const holder = spawn('mariadb', [`--socket=${server().connection().socket ?? ''}`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    holder.stdin.write(`SELECT GET_LOCK('${lockOf(name())}', 0);\n`);
    await until(
      'it is taken',
      async () => (await server().sql(`SELECT IS_USED_LOCK('${lockOf(name())}') IS NULL`))[0] === '0',
    );
    await isRefused(attempt(made(), saying({ earlier: note })), 'busy', /is at work in/);
    holder.stdin.end();
    await once(holder, 'exit');
    await goesOn(made(), saying(), note);
    assert.deepEqual([await customers(), await comment()], [['1', '2'], ['""']]);
  });

  it('leaves what somebody else has made since it was looked at', async () => {
    const other = () => server().sql(`CREATE DATABASE ${name()}; CREATE TABLE ${name()}.customers AS SELECT 9 AS id`);
    await isRefused(attempt(made(), saying(), other), 'busy', /Somebody has changed/);
    assert.deepEqual(await customers(), ['9']);
  });

  it('says that it cannot tell where somebody else has made other things, and for a note of something else', async () => {
    const { note } = await attempt(made(), saying(), 'plan');
    const some = await attempt(made(), saying({ tables: ['customers', 'orders'] }), 'plan');
    await old();
    await isRefused(attempt(made(), saying({ earlier: note })), 'conflict', /has 1 tables .* but not orders/);
    const both = saying({ tables: ['customers', 'orders'], replace: true });
    await isRefused(attempt(made(), { ...both, earlier: some.note }), 'conflict', /there is only customers/);
    await isRefused(attempt(made(), { ...both, earlier: note }), 'conflict', /of another restore/);
    await isRefused(attempt(made(), { ...both, earlier: 7 }), 'conflict', /cannot be understood/);
    assert.deepEqual(await customers(), ['7']);
  });
});
