/** The user's own questions in a restore test: what was restored is brought up, asked, and ended again. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import type { Site } from '../../site.ts';
import { isolationCheck } from '../../sources/private-server/enclosure.ts';
import type { Service } from '../../sources/service.ts';
import type { BackupReader } from '../../sources/types.ts';
import type { Work } from '../../work.ts';
import { runProbes, serveRestored, type Asked } from '../probe/index.ts';
import type { ProofPlace } from '../restore.ts';
import { sourceConfig } from '../source-config.ts';

export interface AskRequest extends ProofPlace {
  readonly site: Site;
  readonly source: string;
  readonly chain: readonly BackupReader[];
  readonly work: Work;
}

/** One check a probe, and what the reader must know of where they were asked. */
export async function askRestored({
  site,
  source,
  chain,
  restored,
  scratch,
  sandbox,
  work,
}: AskRequest): Promise<readonly Check[]> {
  const config = sourceConfig(site, source);
  // A container is cut off whatever this machine allows; what runs on files, and whatever looks, is not run unless it is.
  const asProcess = config.type !== 'files' && sandbox.image === null;
  const isolation = asProcess ? await isolationCheck() : null;
  const said = isolation ? [isolation] : [];
  if (config.probes.length === 0) return said;
  const [serving, asking] = [path.join(scratch, 'serve'), path.join(scratch, 'probes')];
  for (const folder of [serving, asking]) await mkdir(folder, { mode: 0o711 });
  const served = await orWhy(serveRestored({ source, config, chain, restored, scratch: serving, sandbox, work }));
  if (served instanceof BackupError && served.code === 'program-failed') {
    return [{ name: 'serve', compared: true, ok: false, detail: served.message }, ...said];
  }
  const [service, unserved] = served instanceof BackupError ? [null, whyNot(served)] : [served, undefined];
  try {
    const asked = await runProbes({ site, source, config, service, unserved, restored, scratch: asking, work });
    return [...asked.map(checkOf), ...said];
  } finally {
    await service?.stop();
  }
}

async function orWhy(serving: Promise<Service | null>): Promise<Service | null | BackupError> {
  try {
    return await serving;
  } catch (error) {
    if (error instanceof BackupError && TOLD.has(error.code)) return error;
    throw error;
  }
}

const TOLD: ReadonlySet<string> = new Set(['program-failed', 'refused', 'missing-program']);

function whyNot({ message, remedy }: BackupError): string {
  return `not asked: ${message}${remedy === undefined ? '' : ` → ${remedy}`}`;
}

function checkOf({ name, asked, ok, detail }: Asked): Check {
  return { name: `probe: ${name}`, compared: asked, ok, detail };
}
