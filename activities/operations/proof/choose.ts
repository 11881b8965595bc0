/** The first step of a restore test: which backup, from where, and to what moment. */
import { BackupError } from '../../../model/errors.ts';
import { chooseProof, type Choice } from '../../../model/proof/choose.ts';
import type { TestChoice } from '../../../model/restore-test.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { jitterOf } from '../../../model/timetable/phases.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { selectorOf } from '../../sources/index.ts';
import { findPinned, listBackups } from '../../storage/catalogue.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { sourceConfig } from '../source-config.ts';
import { recordsIn } from './earlier.ts';
import { provableHere } from './provable.ts';

interface Moment {
  readonly source: string;
  readonly choice: Choice;
  readonly seed: string;
}

/** Far behind all logs: what cannot be reached tells what can. */
const NEVER = '9999-01-01T00:00:00Z';

interface Replayable {
  /** A moment at random within the logs that follow the backup at its place; null where its type has none, or none follows. */
  readonly at: string | null;
  /** Why logs that are there do not follow it, in words; null where all do. */
  readonly beyond: string | null;
}

async function logsBehind(site: Site, { source, choice: { backup, place }, seed }: Moment): Promise<Replayable> {
  const none = { at: null, beyond: null };
  // Of most types there are none, and where there are, they are many.
  if (selectorOf(sourceConfig(site, source).type) === undefined) return none;
  const store = await openPlaceNamed(site, place ?? REPOSITORY);
  const catalogue = (await listBackups(store)).filter(({ manifest }) => manifest.source === source);
  const { manifest } = findPinned(catalogue, backup);
  const trusted = await trustedKeys(site);
  // Those of anybody else lead nowhere: a moment in them would speak against a good backup.
  const logs = catalogue
    .map((one) => one.manifest)
    .filter((one) => one.kind === 'logs' && manifestVerdict(one, trusted) === 'good');
  const selection = selectorOf(manifest.type)?.(manifest, logs, { kind: 'time', time: NEVER });
  if (selection === undefined || selection.reached) return none;
  const [from, until] = [Date.parse(selection.from), Date.parse(selection.until ?? selection.from)];
  const at = until > from ? new Date(from + jitterOf(seed, until - from)).toISOString() : null;
  const newest = Math.max(...logs.flatMap(({ coversUntil }) => (coversUntil ? [Date.parse(coversUntil)] : [])));
  // Whatever is behind a hole is replayed by no test: nobody may take its silence for proof.
  const beyond = newest > until ? `logs until ${new Date(newest).toISOString()} are there, and ${selection.why}` : null;
  return { at, beyond };
}

export interface ChooseTestRequest {
  readonly site: Site;
  readonly source: string;
  /** Of the run: the same one chooses the same. */
  readonly runId: string;
}

/** @throws BackupError `not-found` where there is nothing to restore, with the places that could not be looked at. */
export async function chooseTest({ site, source, runId }: ChooseTestRequest): Promise<TestChoice> {
  const { provable, tests, passed } = await provableHere(site, source);
  const choice = chooseProof(provable, tests, `${runId}/${source}`);
  if (!choice) {
    const why = passed.length > 0 ? ` (${passed.join('; ')})` : '';
    throw new BackupError('not-found', `There is no backup of "${source}" that could be restored${why}.`, {
      remedy: 'See `mosaic-backup list`, and `mosaic-backup status` for what stands in the way.',
      facts: { source },
    });
  }
  const { backup, place, way } = choice;
  const { at, beyond } = await logsBehind(site, { source, choice, seed: `${runId}/${source}/at` });
  const records = recordsIn(tests, backup);
  return { backup, place, way, at, beyond, contents: records[0]?.digest ?? null, records, passed };
}
