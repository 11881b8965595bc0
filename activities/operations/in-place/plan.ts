/** What is looked at before anything is touched. */
import path from 'node:path';
import type { InPlaceConfig } from '../../../model/config/in-place.ts';
import { hostOf } from '../../../model/config/hosts.ts';
import type { SourceConfig } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { adapterFor } from '../../sources/index.ts';
import type { InPlaceAdapter, InPlaceContext, InPlaceExamined } from '../../sources/types.ts';
import { requireSpace } from '../../storage/space.ts';
import { locate } from '../../streams/locate.ts';
import { requireFreeTarget } from '../restore-target.ts';
import { plainBytes } from '../restore.ts';
import { requireThawed } from '../thaw/require.ts';
import { sourceConfig } from '../source-config.ts';
import { dataFolder, ownerOf } from './folders.ts';
import { readJournal, unfinishedRemedy } from './journal.ts';
import type { InPlaceRequest, InPlaceWork } from './request.ts';

export interface InPlacePlan extends InPlaceExamined {
  /** The data folder, with links followed. */
  readonly data: string;
  readonly manifest: Manifest;
}

/**
 * Examines the source, the folder, the programs and the space; nothing is changed.
 * @throws BackupError `refused`, `frozen`, `no-space`, `missing-program`, `busy` (one is unfinished), `config`.
 */
export async function planInPlace(request: InPlaceRequest): Promise<InPlacePlan> {
  const { site, source, store, chain, replay, known } = request;
  const manifest = chain.at(-1)?.manifest;
  if (!manifest) throw new TypeError('a restore without a backup');
  requireHost(request, manifest);
  const unfinished = await readJournal({ site, source });
  if (unfinished) {
    throw new BackupError('busy', `A restore in place of "${source}" of ${unfinished.began} is not finished.`, {
      remedy: unfinishedRemedy(source),
    });
  }
  const { adapter, place } = placeOf(request);
  for (const [program = ''] of [place.stop, place.start]) locate(program);
  const data = await dataFolder(place.data);
  await requireThawed(store, { chain, replay });
  await requireOwner(data);
  await requireFreeTarget(site, source, data);
  await requireSpace({ path: path.dirname(data), needed: plainBytes(chain) + plainBytes(replay?.logs ?? []) });
  const context = contextOf(request, { manifest, replayed: replay !== null });
  const examined = await adapter.examine(
    context,
    known.map((entry) => entry.manifest),
  );
  return { ...examined, data, manifest };
}

/** Another user sees nothing of the server's processes, and may rename nothing of its data. */
async function requireOwner(data: string): Promise<void> {
  const user = process.getuid?.();
  const owner = await ownerOf(data);
  if (user === 0 || owner === null || owner.uid === user) return;
  throw new BackupError('refused', `${data} belongs to another user (${owner.uid}). Nothing was changed.`, {
    remedy: 'Run it as root, or as the user of the server.',
  });
}

/** Its data folder is on the machine of its own worker only. */
function requireHost({ site, source }: InPlaceWork, manifest: Manifest): void {
  const host = hostOf(site.config, source);
  if (host !== site.host) {
    throw new BackupError('refused', `"${source}" is on the host ${host}, and this is ${site.host}.`, {
      remedy: `Run the same command on ${host}.`,
    });
  }
  if (manifest.type === sourceConfig(site, source).type) return;
  throw new BackupError('refused', `The backup is of type ${manifest.type}, and "${source}" is not.`, {
    remedy: 'Look which source it is of: `mosaic-backup list`.',
  });
}

export interface Placed {
  readonly config: SourceConfig;
  readonly adapter: InPlaceAdapter;
  readonly place: InPlaceConfig;
}

/** @throws BackupError `config` where the source cannot be restored in place, or the config does not say how. */
export function placeOf({ site, source }: Pick<InPlaceWork, 'site' | 'source'>): Placed {
  const config = sourceConfig(site, source);
  const adapter = adapterFor(config.type).inPlace;
  if (!adapter || !('connection' in config)) {
    throw new BackupError('config', `Sources of type ${config.type} are not restored in place.`, {
      remedy: 'Restore to a folder (--to), and move what you need into place.',
    });
  }
  if (config.inPlace) return { config, adapter, place: config.inPlace };
  throw new BackupError('config', `The config does not say how "${source}" is restored in place.`, {
    remedy: `Set sources.${source}.inPlace in ${site.file}: data, stop and start (see docs/operations.md); or restore to a folder (--to).`,
  });
}

/** What the adapter is given. */
export function contextOf(
  request: InPlaceWork,
  { manifest, replayed }: { readonly manifest: Manifest; readonly replayed: boolean },
): InPlaceContext {
  const { site, source, work } = request;
  const { config, place } = placeOf(request);
  const state = path.join(site.state, 'sources', source);
  return { source, config, work, readSecret: site.readSecret, state, place, manifest, replayed };
}
