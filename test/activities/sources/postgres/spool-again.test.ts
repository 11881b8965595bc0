import assert from 'node:assert/strict';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import { planLogs } from '../../../../activities/operations/plan-logs.ts';
import { tickSource } from '../../../../activities/operations/tick-source.ts';
import type { Site } from '../../../../activities/site.ts';
import type { LogsTick } from '../../../../model/logs-run.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { listed, ship as shipAt, SOURCE } from './backups.ts';
import { documentedCommand, spooled } from './spools.ts';

/** An archive_command that was retried, an old spool put back, a file that turns up after all. */
describe('a spool with segments of before what is sealed', () => {
  let server: TestPostgres;
  let folder: string;
  let spool: string;
  let site: Site;

  before(async () => {
    [folder, spool] = [await temporaryFolder(), await temporaryFolder()];
    await giveTo(await serverUser(), spool, new AbortController().signal);
    const archive_command = await documentedCommand(spool);
    server = await startPostgres({ folder, settings: { archive_mode: 'on', archive_command } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { logs: { spool } }) } }));
    await ship();
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  const scheduled = scheduledTimes();
  const ship = (): Promise<ShippedLogs | null> => shipAt(site, scheduled());

  function tick(): Promise<LogsTick> {
    const spec = planLogs(site, { site: 'test', plan: 'logs', scheduled: scheduled() });
    const [step] = spec.steps;
    assert.ok(step);
    const { runId, waits } = spec;
    return tickSource({ site, runId, scheduled: spec.scheduled, step, waits, attempt: 1, work: testWork() });
  }

  async function sealed(): Promise<readonly string[]> {
    return (await listed(site)).flatMap(({ manifest }) => Object.keys(logsPosition.parse(manifest.position).segments));
  }

  /** A segment that is shipped, as it lay in the spool; then further ones, so that it is not of the newest logs. */
  async function shippedLongAgo(): Promise<{ readonly name: string; readonly kept: string }> {
    const [row] = await server.sql('SELECT pg_walfile_name(pg_switch_wal()) AS name');
    const name = String(row?.['name']);
    const kept = path.join(folder, name);
    await copyFile(path.join(server.data, 'pg_wal', name), kept);
    for (let tick = 0; tick < 3; tick += 1) await ship();
    assert.ok((await sealed()).includes(name));
    return { name, kept };
  }

  it('P07 the very same one is removed once more', async () => {
    const { name, kept } = await shippedLongAgo();
    await copyFile(kept, path.join(spool, name));
    const shipped = await ship();
    assert.equal(shipped?.stray, null);
    assert.deepEqual(await spooled(spool), []);
    assert.equal((await sealed()).filter((each) => each === name).length, 1);
  });

  it('P07 another one under a sealed name is refused, and stays where it is', async () => {
    const { name, kept } = await shippedLongAgo();
    const file = path.join(spool, name);
    const other = await readFile(kept);
    other[other.length - 1] = 7;
    await writeFile(file, other);
    const before = await sealed();
    const error = await isBackupError(ship(), 'conflict');
    assert.ok(error.message.startsWith(`${file} is another segment than the sealed one of its name`));
    assert.ok(error.remedy);
    assert.deepEqual(await readFile(file), other);
    assert.deepEqual(await sealed(), before);
    await rm(file);
    assert.equal((await ship())?.gap, null);
  });

  it('P03 one that no sealed backup holds is told each time, is neither shipped nor removed, and stops nothing', async () => {
    const { name, kept } = await shippedLongAgo();
    // As when those logs had been lost, or pruned: a hole that this very file would fill.
    const holding = (await listed(site)).find(({ manifest }) =>
      Object.keys(logsPosition.parse(manifest.position).segments).includes(name),
    );
    assert.ok(holding);
    await rm(path.join(site.repository, holding.folder), { recursive: true });
    const file = path.join(spool, name);
    await copyFile(kept, file);
    for (let tick = 0; tick < 2; tick += 1) {
      const shipped = await ship();
      assert.equal(shipped?.gap, null);
      assert.match(shipped.stray ?? '', new RegExp(`no sealed backup holds: ${name}\\. .*neither shipped nor removed`));
      assert.deepEqual(await readFile(file), await readFile(kept));
    }
    const { manifest } =
      (await listed(site)).toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished)).at(-1) ??
      assert.fail();
    assert.ok(manifest.warnings.some(({ code, partial }) => code === 'logs-stray' && !partial));
    const told = await tick();
    assert.match(told.facts.stray ?? '', new RegExp(name));
    assert.ok(told.captured?.warnings.some((warning) => warning.includes(name)));
    assert.equal(told.captured?.partial, false);
    await rm(file);
    assert.equal((await tick()).facts.stray, undefined);
  });
});
