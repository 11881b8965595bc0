/** A rotation of keys that is paused, finds a place away, and begins its history anew. */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { setPaused, startRotation } from '../../../client/keys/rotate-run.ts';
import { backUp, changeRecipients, makeRotatable } from '../../support/rotated.ts';
import { openSession } from '../../support/session.ts';
import type { Scene, Stage } from '../stage.ts';

export const rotation: Scene = { name: 'rotation', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const made = await makeRotatable(folder, {
    site: 'prod',
    hosts: { stack1: {} },
    plans: { daily: { retryFirst: '100ms', retryMax: '500ms' } },
    temporal: { address: temporal.address },
  });
  for (const hour of ['02', '03', '04']) await backUp(made.site, `2026-11-23T${hour}:00:00Z`);
  const site = await changeRecipients(made);
  await rename(path.join(folder, 'vault'), path.join(folder, 'unplugged'));
  const client = temporal.client();
  const input = { site: 'prod', host: site.host, identities: [made.fresh] };
  const handle = await startRotation(client, input, { pageSize: 1, stepsPerRun: 4 });
  const { runId } = await handle.describe();
  await setPaused(client, 'prod', true);
  const session = await openSession(made.file);
  try {
    await setPaused(client, 'prod', false);
    await handle.result();
    await keep({ type: 'rotateKeys', tells: 'paused-and-begun-anew', id: handle.workflowId, runId });
    await keep({ type: 'rotateKeys', tells: 'partial', id: handle.workflowId });
  } finally {
    await session.close();
  }
}
