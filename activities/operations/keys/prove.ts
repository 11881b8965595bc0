/** The last step of a rotation: something of a source is really restored, with one new key alone. */
import { tmpdir } from 'node:os';
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { RotationProof } from '../../../model/rotation.ts';
import { isThawed } from '../../../model/thaw.ts';
import { identitiesAtHand, withIdentities } from '../../keys/at-hand.ts';
import type { Holder } from '../../keys/wrap.ts';
import type { Site } from '../../site.ts';
import { chainOf, listBackups, type Catalogued } from '../../storage/catalogue.ts';
import type { Store } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { plainBytes, proveBackup } from '../restore.ts';
import { lookAt, objectsToThaw } from '../thaw/objects.ts';
import { openPlaceNamed } from './places.ts';

export interface ProofRequest {
  readonly site: Site;
  readonly source: string;
  /** The recipients whose identity alone is to restore. */
  readonly shown: readonly string[];
  readonly identities: readonly string[];
  /** Places that were checked, in the order in which they are asked. */
  readonly places: readonly string[];
  readonly work: Work;
}

/** One restore for each identity, of the smallest that the source has: what is shown is the key, not the data. */
export async function proveRotation(request: ProofRequest): Promise<readonly RotationProof[]> {
  const { site, shown, identities } = request;
  const holders = (await identitiesAtHand(site, identities)).filter(({ recipient }) => shown.includes(recipient));
  const proofs: RotationProof[] = [];
  for (const holder of holders) proofs.push(await proveWith(request, holder));
  return proofs;
}

interface Smallest {
  readonly place: string;
  readonly store: Store;
  readonly chain: readonly Catalogued[];
}

async function proveWith(request: ProofRequest, holder: Holder): Promise<RotationProof> {
  const { source, work } = request;
  const of = { source, recipient: holder.recipient };
  const site = withIdentities(request.site, [holder]);
  const smallest = await smallestOf({ ...request, site });
  if (smallest === undefined) {
    return { ...of, place: '', backup: '', ok: false, detail: 'no place that was checked has a whole backup of it' };
  }
  const { place, store, chain } = smallest;
  const last = chain.at(-1);
  const at = { ...of, place, backup: last ? formatReference(last.name) : '' };
  try {
    const checks = await proveBackup({ site, store, chain, within: tmpdir(), work });
    const bad = checks.filter(({ compared, ok }) => compared && !ok).map(({ name, detail }) => `${name}: ${detail}`);
    return { ...at, ok: bad.length === 0, detail: bad.length === 0 ? 'restored and checked' : bad.join('; ') };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const remedy = error.remedy === undefined ? '' : ` → ${error.remedy}`;
    return { ...at, ok: false, detail: `not restored: ${error.message}${remedy}` };
  }
}

/** The first place that has one which can be read now; one that lies frozen says what is to be done, where there is no other. */
async function smallestOf({ site, source, places }: ProofRequest): Promise<Smallest | undefined> {
  let frozen: Smallest | undefined;
  for (const place of places) {
    const store = await openPlaceNamed(site, place);
    const catalogue = (await listBackups(store, { logs: false })).filter(({ name }) => name.source === source);
    const chains = catalogue.flatMap((backup) => wholeChain(catalogue, backup));
    const [smallest] = chains.toSorted((one, two) => plainBytes(one) - plainBytes(two));
    if (!smallest) continue;
    if (await isThawedAt(store, smallest)) return { place, store, chain: smallest };
    frozen ??= { place, store, chain: smallest };
  }
  return frozen;
}

async function isThawedAt({ thawing }: Store, chain: readonly Catalogued[]): Promise<boolean> {
  return thawing === undefined || isThawed(await lookAt(thawing, objectsToThaw(chain, [])));
}

function wholeChain(catalogue: readonly Catalogued[], backup: Catalogued): readonly (readonly Catalogued[])[] {
  try {
    return [chainOf(catalogue, backup)];
  } catch (error) {
    // It lacks a parent here: another one is tried.
    if (error instanceof BackupError) return [];
    throw error;
  }
}
