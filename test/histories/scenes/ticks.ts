/** What schedules start every few minutes: logs with a hole, and the copies that destinations lack. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { slotName } from '../../../activities/sources/postgres/logs/slot.ts';
import { startWebhook } from '../../support/webhook.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { openSession, runCatchUp, runDaily } from '../../support/session.ts';
import { makeSite } from '../../support/site.ts';
import type { Scene, Stage } from '../stage.ts';

export const ticks: Scene = { name: 'ticks', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const hook = await startWebhook();
  const server = await startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } });
  const stack = path.join(folder, 'stack');
  await mkdir(stack);
  await writeFile(path.join(stack, 'file'), 'of a stack');
  const { file } = await makeSite({
    folder,
    site: 'prod',
    hosts: { stack1: {} },
    retention: { prune: false },
    sources: {
      postgres: server.config(),
      down: { type: 'postgres', connection: { host: path.join(folder, 'nothing-runs-here') } },
      stack: { type: 'files', paths: [stack] },
    },
    destinations: {
      vault: { type: 'directory', path: path.join(folder, 'vault'), alertAfter: '1ms' },
      usb: { type: 'directory', path: path.join(folder, 'usb'), removable: true },
    },
    notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
    plans: {
      daily: { captureDeadline: '10s', copyDeadline: '1s', retryFirst: '100ms', retryMax: '500ms' },
      logs: { workerDeadline: '5s', retryFirst: '100ms', busy: '0s' },
      catchUp: { workerDeadline: '5s', retryFirst: '100ms' },
    },
    temporal: { address: temporal.address },
  });
  const session = await openSession(file);
  /** As the schedule starts one: its time is in its id. */
  const tick = (type: string, plan: string, time: string) =>
    session.client.workflow.execute(type, {
      workflowId: `${plan}-${time}`,
      taskQueue: 'prod',
      args: [{ site: 'prod', plan }],
    });
  try {
    await tick('shipLogs', 'logs', '2026-11-23T02:00:00Z');
    await hole(server);
    await tick('shipLogs', 'logs', '2026-11-23T02:05:00Z');
    await keep({ type: 'shipLogs', tells: 'hole', id: 'logs-2026-11-23T02:05:00Z' });
    await session.client.workflow.getHandle('full-after-hole/prod/postgres').result();
    await keep({ type: 'dailyBackup', tells: 'full-after-hole', id: 'full-after-hole/prod/postgres' });

    const vault = path.join(folder, 'vault');
    await rename(vault, `${vault}.away`);
    await runDaily({ session, site: 'prod', scheduled: '2026-11-23T02:30:00Z', sources: ['stack'] });
    await tick('catchUp', 'catch-up', '2026-11-23T02:45:00Z');
    await keep({ type: 'catchUp', tells: 'destination-away', id: 'catch-up-2026-11-23T02:45:00Z' });
    await rename(`${vault}.away`, vault);
    await runCatchUp({ session, site: 'prod', scheduled: '2026-11-23T02:50:00Z' });
    await keep({ type: 'catchUp', tells: 'by-hand', id: 'catch-up-2026-11-23T02:50:00Z' });
    await keep({ type: 'deliverCopies', tells: 'served', id: 'catch-up/prod/vault/stack1' });
  } finally {
    await session.close();
    await server.stop();
    await hook.stop();
  }
}

async function hole(server: TestPostgres): Promise<void> {
  await server.sql(`SELECT pg_drop_replication_slot('${slotName('prod', 'postgres')}')`);
  await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
  for (let round = 0; round < 3; round++) {
    await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i
      ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
    await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
  }
}
