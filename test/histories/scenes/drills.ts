/** Drills: one in which somebody is waited for, one of a scenario that leaves nothing, and one that is cancelled. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { confirmDrill } from '../../../client/runs/confirm.ts';
import { readGraph } from '../../../client/runs/graph.ts';
import { openSession, runDaily, runDrill, untilWaits } from '../../support/session.ts';
import { makeSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import type { Scene, Stage } from '../stage.ts';

export const drills: Scene = { name: 'drills', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  for (const source of ['stack', 'wiki']) {
    await mkdir(path.join(folder, source));
    await writeFile(path.join(folder, source, 'file'), `of ${source}`);
  }
  const { file } = await makeSite({
    folder,
    site: 'prod',
    hosts: { stack1: {} },
    sources: {
      stack: { type: 'files', host: 'stack1', paths: [path.join(folder, 'stack')] },
      wiki: { type: 'files', host: 'stack1', paths: [path.join(folder, 'wiki')], after: ['stack'] },
    },
    plans: { drill: { scratch: path.join(folder, 'scratch'), deadline: '20s', retryFirst: '200ms', retryMax: '1s' } },
    temporal: { address: temporal.address },
  });
  const session = await openSession(file);
  const at = (minute: string) => ({ session, site: 'prod', scheduled: `2026-11-22T09:${minute}:00Z` });
  try {
    await runDaily(at('00'));
    const sources = ['stack', 'wiki'];
    const waiting = runDrill({ ...at('10'), sources, scenario: 'host-lost', manual: ['restore'] });
    const id = 'drill-2026-11-22T09:10:00Z';
    await untilWaits(session, id, 'restore');
    await confirmDrill(session.client, id, { phase: 'restore', note: 'go on' });
    await waiting;
    await runDrill({ ...at('20'), sources, scenario: 'ransomware' });
    const cancelling = new AbortController();
    const cancelled = runDrill({
      ...at('30'),
      sources,
      scenario: 'host-lost',
      manual: ['choose'],
      signal: cancelling.signal,
    }).catch((error: unknown) => error);
    await until('it has begun', async () => (await readGraph(session.client, 'drill-2026-11-22T09:30:00Z')) !== null);
    cancelling.abort();
    await cancelled;
    await keep({ type: 'drDrill', tells: 'confirmed', id });
    await keep({ type: 'drDrill', tells: 'nothing-left', id: 'drill-2026-11-22T09:20:00Z' });
    await keep({ type: 'drDrill', tells: 'cancelled', id: 'drill-2026-11-22T09:30:00Z' });
    await keep({ type: 'drillSource', tells: 'complete', id: `${id}/wiki` });
  } finally {
    await session.close();
  }
}
