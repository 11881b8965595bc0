/** All of doctor's examinations. */
import path from 'node:path';
import { adapterFor } from '../../activities/sources/index.ts';
import type { Site } from '../../activities/site.ts';
import type { Work } from '../../activities/work.ts';
import { hostOf } from '../../model/config/hosts.ts';
import type { SourceConfig } from '../../model/config/source.ts';
import { inPlaceFindings } from '../backups/in-place.ts';
import { examine, type Examined, type Seen } from './examine.ts';
import { examineIdentity, examineKit, examineSecretFiles, examineSigning } from './keys.ts';
import { examineDestination, examineLinks, examineRepository, examineState } from './places.ts';
import { examinePrograms } from './programs.ts';
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
    examine('folders', () => examineLinks(site)),
    ...Object.keys(destinations).map((name) => examine(`destination ${name}`, () => examineDestination(site, name))),
    ...Object.entries(sources).map(([name, config]) =>
      examine(`source ${name}`, () => examineSource(site, name, config, work)),
    ),
    examine('Temporal', () => examineTemporal(site, env)),
    examine('restores in place', async () => ({ findings: await inPlaceFindings(site) })),
  ]);
}

async function examineSource(site: Site, source: string, config: SourceConfig, work: Work): Promise<Seen> {
  const host = hostOf(site.config, source);
  if (host !== site.host) return { facts: `captured on ${host}: run doctor there` };
  const state = path.join(site.state, 'sources', source);
  const findings = await adapterFor(config.type).preflight({
    source,
    config,
    work,
    readSecret: site.readSecret,
    state,
  });
  return { facts: `${config.type}, ready`, findings };
}
