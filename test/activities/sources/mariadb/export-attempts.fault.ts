/** Single tables into a running MariaDB server, killed at either side of their move. Each attempt starts a private server. */
import assert from 'node:assert/strict';
import { goesOn, isDone, killedAt, type Point } from '../export-attempts.ts';
import { describeAttempts } from './attempts.ts';

const RENAME: Point = { at: 'activities/sources/mariadb/session.ts#run', when: 'entered', given: 'RENAME TABLE' };

describeAttempts('attempts at a restore of tables into a running MariaDB server', (attempts) => {
  const { made, saying, old, timeless, workshops, customers, client } = attempts;

  it('of tables: before they are moved, and behind that', async () => {
    await old();
    const said = saying({ tables: ['customers', 'orders'], replace: true });
    const note = await killedAt(made(), said, RENAME);
    assert.deepEqual([await timeless(), (await workshops()).length], [['customers'], 1]);
    await goesOn(made(), said, note);
    assert.deepEqual([await timeless(), await workshops()], [['customers', 'customers_before', 'orders'], []]);
    await client(3);
    await isDone(made(), { ...said, replace: false }, note);
    assert.deepEqual(await customers(), ['1', '2', '3']);
  });

  it('of tables: killed right behind the move; what they were made in is removed', async () => {
    const said = saying({ tables: ['customers'] });
    const note = await killedAt(made(), said, { ...RENAME, when: 'left' });
    assert.equal((await workshops()).length, 1);
    await client(3);
    await isDone(made(), said, note);
    assert.deepEqual([await customers(), await workshops()], [['1', '2', '3'], []]);
  });
});
