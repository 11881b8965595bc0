/** All of doctor's examinations. */
import { preparedSource } from '../../activities/operations/own-source.ts';
import { leftOnServers } from '../../activities/operations/removed-sources.ts';
import { logsSource, shipsLogs } from '../../activities/operations/ship-logs.ts';
import { adapterFor, logsOf } from '../../activities/sources/index.ts';
import type { Site } from '../../activities/site.ts';
import type { Work } from '../../activities/work.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { inPlaceFindings } from '../backups/in-place.ts';
import { examine, warning, type Examined, type Seen } from './examine.ts';
import { examineIdentity, examineKit, examineSecretFiles, examineSigning } from './keys.ts';
import { examineDestination, examineLinks, examineRepository, examineState } from './places.ts';
import { examinePrograms } from './programs.ts';
import { examineOffline, examineScratch } from './scratch.ts';
import { examineTemporal } from './temporal.ts';

/** Looks at everything that this host needs; nothing is changed but a probe file at each destination. */
export function examineSite(site: Site, env: NodeJS.ProcessEnv, work: Work): Promise<readonly Examined[]> {
  const { sources, destinations } = site.config;
  return Promise.all([
    examine('programs', examinePrograms),
    examine('secret files', () => examineSecretFiles(site)),
    examine('identity', () => examineIdentity(site)),
    examine('signing key', () => examineSigning(site)),
    examine('recovery kit', () => examineKit(site)),
    examine('repository', () => examineRepository(site)),
    examine('state', () => examineState(site)),
    examine('restore tests', () => examineScratch(site, 'restore-tests')),
    examine('drills', () => examineScratch(site, 'drills')),
    examine('private servers', () => examineOffline(site)),
    examine('folders', () => examineLinks(site)),
    examine('removed sources', () => examineLeft(site)),
    ...Object.keys(destinations).map((name) => examine(`destination ${name}`, () => examineDestination(site, name))),
    ...Object.keys(sources).map((name) => examine(`source ${name}`, () => examineSource(site, name, work))),
    examine('Temporal', () => examineTemporal(site, env)),
    examine('restores in place', async () => ({ findings: await inPlaceFindings(site) })),
  ]);
}

async function examineSource(site: Site, source: string, work: Work): Promise<Seen> {
  const host = hostOf(site.config, source);
  if (host !== site.host) return { facts: `captured on ${host}: run doctor there` };
  // As it is captured: of this host's own files those that are there. The others are missed by name, among the keys.
  const { config } = await preparedSource(site, source);
  const context = { ...logsSource({ site, source, work }), config };
  const findings = await adapterFor(config.type).preflight(context);
  const orphans = shipsLogs(config)
    ? await logsOf(config.type)?.orphans?.(context, Object.keys(site.config.sources))
    : undefined;
  return { facts: `${config.type}, ready`, findings: [...findings, ...(orphans ?? [])] };
}

/** What the next tick removes; that it is still there is worth a look where no tick comes any more, or it fails. */
async function examineLeft(site: Site): Promise<Seen> {
  const left = await leftOnServers(site);
  const findings = left.map(({ source, what, remedy }) =>
    warning('logs.left-on-server', `${source} ships no logs any more, and ${what} is left of it`, remedy, source),
  );
  return { facts: left.length === 0 ? 'nothing is left on any server' : '', findings };
}
