/** Copies in cold storage that are waited for: later than promised, with a history that begins anew; and one that is cancelled. */
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { planThaw, type ThawPlan } from '../../../client/thaw/plan.ts';
import { cancelThaw, startThaw, thawNow } from '../../../client/thaw/run.ts';
import { makeColdSite, type ColdSite } from '../../support/cold.ts';
import { startMoto, stopMoto } from '../../support/moto/index.ts';
import { openSession } from '../../support/session.ts';
import { until } from '../../support/until.ts';
import { startWebhook } from '../../support/webhook.ts';
import type { Scene, Stage } from '../stage.ts';

export const thaw: Scene = { name: 'thaw', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const hook = await startWebhook();
  const moto = await startMoto();
  await moto.hold();
  const cold = await makeColdSite(
    { folder, moto, sources: ['late', 'cancelled'] },
    {
      site: 'prod',
      hosts: { stack1: {} },
      temporal: { address: temporal.address },
      plans: { daily: { retryFirst: '100ms', retryMax: '200ms' } },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
    },
  );
  const session = await openSession(cold.file);
  const client = temporal.client();
  try {
    const plan = await planOf(cold, 'late');
    const late = await startThaw(client, { ...plan, waits: { ...plan.waits, promised: 0 } }, { looksPerRun: 2 });
    const { runId } = await late.describe();
    await until('its history began anew', async () => (await late.describe()).runId !== runId);

    const cancelled = await startThaw(client, await planOf(cold, 'cancelled'));
    await until(
      'it was asked for',
      async () => (await thawNow(client, cancelled.workflowId).catch(() => undefined))?.facts,
    );
    await cancelThaw(client, cancelled.workflowId);
    await until('it is cancelled', async () => (await cancelled.describe()).status.name === 'CANCELLED');
    await moto.release();
    await late.result();
    const kept = { type: 'thawCopy' };
    await keep({ ...kept, tells: 'late-and-begun-anew', id: late.workflowId, runId });
    await keep({ ...kept, tells: 'readable', id: late.workflowId });
    await keep({ ...kept, tells: 'cancelled', id: cancelled.workflowId });
  } finally {
    await session.close();
    await stopMoto();
    await hook.stop();
  }
}

async function planOf({ site }: ColdSite, source: string): Promise<ThawPlan> {
  const store = openDestination('archive', site);
  const chain = (await listBackups(store)).filter(({ manifest }) => manifest.source === source).slice(0, 1);
  return planThaw({ site, destination: 'archive', store, chain, replay: null });
}
