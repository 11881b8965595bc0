/**
 * Repair of one backup at one place from others that were just verified. What is written goes the way of every copy: it
 * bears its name only when the place has read back exactly what the signed manifest names. So a good object is never
 * replaced by a bad one, and killed anywhere it is done again.
 */
import { BackupError } from '../../../model/errors.ts';
import { KEY_FILE, MANIFEST } from '../../../model/paths.ts';
import { formatReference } from '../../../model/reference.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { backupIn } from '../../storage/chain-at.ts';
import { encodeManifest, manifestDigest, manifestVerdict } from '../../storage/manifest-file.ts';
import { makePath } from '../../storage/durable.ts';
import { withScratch } from '../../storage/scratch.ts';
import type { Keeping } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { forgetHeld } from '../catch-up/memory.ts';
import { keepingOf } from '../keeping.ts';
import { verifyBackup } from '../verify.ts';
import { frozenIn, storedChecks } from '../verify-checks.ts';
import { fetchArtifact } from './fetch.ts';
import { hasGood, otherFaults, repairsNeeded } from './needs.ts';
import type { Examined, Repair, Repaired, RepairPlace, Wanted } from './types.ts';

export interface RepairRequest {
  readonly site: Site;
  readonly wanted: Wanted;
  readonly target: RepairPlace;
  /** Where good objects may come from, in this order. */
  readonly sources: readonly RepairPlace[];
  /** Says what would be done, and changes nothing. */
  readonly dryRun: boolean;
  readonly work: Work;
}

/** @throws BackupError where the target cannot be looked at: `unreachable`, `aborted`. What cannot be put right is in the result. */
export async function repairBackup(request: RepairRequest): Promise<Repaired> {
  const { wanted, target, dryRun } = request;
  const of = { reference: formatReference(wanted.backup.name), place: target.name };
  const { checks } = await examine(request, target);
  const repairs = repairsNeeded(checks, wanted.backup.manifest);
  if (repairs.length === 0) {
    const others = otherFaults(checks);
    const sound = frozenIn(checks).length > 0 ? 'frozen' : 'good';
    return {
      ...of,
      state: others.length === 0 ? sound : 'not repaired',
      repairs,
      from: [],
      why: others.join('; ') || (sound === 'frozen' ? toThaw(of.reference, target.name) : null),
    };
  }
  const stranger = await strangerAt(request);
  if (stranger !== null) return { ...of, state: 'not repaired', repairs, from: [], why: stranger };
  const { chosen, frozenAt } = await chooseSources(request, repairs);
  const from = [...new Set([...chosen.values()].map(({ name }) => name))];
  const lacking = repairs.filter((repair) => !chosen.has(repair));
  if (lacking.length > 0) {
    const names = lacking.map(({ object }) => object).join(', ');
    const cold = frozenAt.map((place) => `; it lies frozen at ${place}: ${toThaw(of.reference, place)}`).join('');
    const why = `no other place that can be looked at holds a good ${names}; nothing was changed${cold}`;
    return { ...of, state: 'not repaired', repairs, from, why };
  }
  if (dryRun) return { ...of, state: 'to repair', repairs, from, why: null };
  return { ...of, repairs, from, ...(await putAll(request, chosen)) };
}

async function examine({ site, wanted, work }: RepairRequest, place: RepairPlace): Promise<Examined> {
  const checks = await storedChecks({
    site,
    store: place.store,
    backup: wanted.backup,
    catalogue: wanted.catalogue,
    trusted: await trustedKeys(site),
    work,
  });
  return { place, checks };
}

/** Another backup that a trusted key signed under this name is no damage: which of both counts, only people know. */
async function strangerAt({ site, wanted, target }: RepairRequest): Promise<string | null> {
  const there = await backupIn(target.store, wanted.backup.folder);
  if (there === undefined || manifestDigest(there.manifest) === manifestDigest(wanted.backup.manifest)) return null;
  if (manifestVerdict(there.manifest, await trustedKeys(site)) !== 'good') return null;
  return 'another backup, signed by a trusted key, bears its name there: see which of both is right, and move the other away';
}

interface Sources {
  readonly chosen: ReadonlyMap<Repair, RepairPlace>;
  /** Places that may have what lacks, frozen: nobody has read it there. */
  readonly frozenAt: readonly string[];
}

/** The first place that has a good one of each. Places are looked at as far as they are needed: each look reads all of it. */
async function chooseSources(request: RepairRequest, repairs: readonly Repair[]): Promise<Sources> {
  const chosen = new Map<Repair, RepairPlace>();
  const frozenAt: string[] = [];
  for (const source of request.sources) {
    if (chosen.size === repairs.length) break;
    const examined = await examineSource(request, source);
    for (const repair of examined === undefined ? [] : repairs) {
      if (!chosen.has(repair) && examined !== undefined && hasGood(examined, repair)) chosen.set(repair, source);
    }
    const frozen = examined === undefined ? [] : frozenIn(examined.checks);
    if (repairs.some((repair) => !chosen.has(repair) && frozen.includes(repair.object))) frozenAt.push(source.name);
  }
  return { chosen, frozenAt };
}

function toThaw(reference: string, place: string): string {
  return `mosaic-backup copies thaw ${reference} --from ${place}, then the same again`;
}

/** One that is away has nothing to give. */
async function examineSource(request: RepairRequest, source: RepairPlace): Promise<Examined | undefined> {
  try {
    return await examine(request, source);
  } catch (error) {
    if (request.work.signal.aborted || !(error instanceof BackupError)) throw error;
    request.work.log.warn(
      { place: source.name, code: error.code },
      'a place that could have a good copy cannot be looked at',
    );
    return undefined;
  }
}

type Outcome = Pick<Repaired, 'state' | 'why'>;

async function putAll(request: RepairRequest, chosen: ReadonlyMap<Repair, RepairPlace>): Promise<Outcome> {
  const { site, target, work } = request;
  try {
    await makePath(site.state);
    await withScratch(site.state, 'repair-', async (scratch) => {
      for (const [{ object, kind }, source] of chosen) {
        if (kind === 'artifact') await putArtifact(request, source, object, scratch);
        else await putRecord(request, source);
      }
    });
    if (target.destination !== null) await forgetHeld(site, target.destination);
    return await verifyNow(request);
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    return { state: 'not repaired', why: [error.message, error.remedy].filter(Boolean).join(' ') };
  }
}

/** The evidence of before says that it is damaged. */
async function verifyNow({ site, wanted, target, work }: RepairRequest): Promise<Outcome> {
  const { store, destination: destinationName } = target;
  try {
    const evidence = await verifyBackup({ site, store, destinationName, ...wanted, work });
    const wrong = evidence.checks.filter(({ compared, ok }) => compared && !ok);
    if (wrong.length === 0) return { state: 'repaired', why: null };
    return { state: 'not repaired', why: wrong.map(({ name, detail }) => `${name}: ${detail}`).join('; ') };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'frozen') throw error;
    // More than its checksum cannot be had of what was put before it is thawed.
    const why = `confirmed by the checksum of ${target.name} alone: what a check found before is on record until it was thawed and verified`;
    return { state: 'repaired', why };
  }
}

/** What is put anew is a new object, and is locked as the one before was to be. */
function keeping({ site, wanted, target }: RepairRequest): Keeping {
  if (target.destination === null) return {};
  return keepingOf(site, target.destination, wanted.backup, wanted.catalogue);
}

async function putArtifact(request: RepairRequest, source: RepairPlace, name: string, scratch: string): Promise<void> {
  const { wanted, target, work } = request;
  const { folder, manifest } = wanted.backup;
  const artifact = manifest.artifacts.find((each) => each.name === name);
  if (artifact === undefined) throw new TypeError(`${name} is no artifact of ${folder}`);
  const file = await fetchArtifact(source, folder, artifact, scratch, work);
  await target.put(`${folder}/${name}`, file, artifact, work, keeping(request));
}

/** The key of the source's own manifest: a rotation may have reached one place and not the other. */
async function putRecord(request: RepairRequest, source: RepairPlace): Promise<void> {
  const { wanted, target } = request;
  const { folder, manifest: expected } = wanted.backup;
  const found = await backupIn(source.store, folder);
  if (found === undefined || manifestDigest(found.manifest) !== manifestDigest(expected)) {
    throw new BackupError('verification-failed', `The manifest of ${folder} at ${source.name} changed meanwhile.`, {
      remedy: 'Look who writes there, then try again.',
    });
  }
  const how = { replace: true, ...keeping(request) };
  await target.store.putSmall(`${folder}/${KEY_FILE}`, Buffer.from(found.manifest.key, 'utf8'), how);
  await target.store.putSmall(`${folder}/${MANIFEST}`, encodeManifest(found.manifest), how);
}
