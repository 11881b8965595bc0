/** The second step of a restore test: the backup is restored from its place into scratch, checked, measured, and the verdict recorded there. */
import { BackupError } from '../../../model/errors.ts';
import type { Check, Measured } from '../../../model/evidence.ts';
import type { Proven, TestChoice } from '../../../model/restore-test.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { chainOf, findPinned, listBackups } from '../../storage/catalogue.ts';
import type { Work } from '../../work.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { planOwn } from '../recovery.ts';
import { plainBytes, proveBackup, rehearseRecovery, type ProofPlace, type ProveRequest } from '../restore.ts';
import { failedCheck, verifyBackup, type Verification } from '../verify.ts';
import { askRestored } from './ask.ts';
import { earlierContents } from './earlier.ts';

type Also = NonNullable<ProveRequest['also']>;

export interface ProveTestRequest {
  readonly site: Site;
  readonly source: string;
  readonly choice: TestChoice;
  /** A folder in which it is restored; nothing stays in it. */
  readonly within: string;
  /** Called when all of it is restored, before it is checked: what is changed there now must be found. */
  readonly onRestored?: (restored: string) => Promise<void>;
  readonly work: Work;
}

export interface VerifyRestoredRequest extends ProveTestRequest {
  /** Checks against the source itself, where it is at hand. */
  readonly compare?: ((place: ProofPlace) => Promise<readonly Check[]>) | undefined;
}

/** What was found, and is on record. */
export interface VerifiedRestore {
  readonly verification: Verification;
  /** Of its checks those of what was restored. */
  readonly restored: readonly Check[];
  /** Null where it was not restored. */
  readonly measured: Measured | null;
}

/**
 * @throws BackupError `verification-failed` with what is wrong, which is on record then; `refused` where this machine cannot restore it;
 *   whatever keeps the place from being read.
 */
export async function proveTest(request: ProveTestRequest): Promise<Proven> {
  const { verification, restored, measured } = await verifyRestored(request);
  const { backup, place } = request.choice;
  if (verification.verdict === 'failed') throw isDamaged(backup.reference, place, verification);
  return provenBy(verification, restored, measured);
}

/** The same without a judgement: what speaks against the backup is in it. @throws BackupError whatever keeps the place from being read. */
export async function verifyRestored(request: VerifyRestoredRequest): Promise<VerifiedRestore> {
  const { site, source, choice, within, compare, work } = request;
  const { backup: reference, place } = choice;
  const store = await openPlaceNamed(site, place ?? REPOSITORY);
  const catalogue = (await listBackups(store, { logs: choice.at !== null })).filter(
    ({ manifest }) => manifest.source === source,
  );
  const backup = findPinned(catalogue, reference);
  const chain = chainOf(catalogue, backup);
  let restored: readonly Check[] = [];
  let measured: Measured | null = null;
  const verification = await verifyBackup({
    site,
    store,
    destinationName: place,
    backup,
    catalogue,
    what: 'test',
    deep: async (deeper) => {
      const began = Date.now();
      let there = began;
      const onRestored = async (folder: string): Promise<void> => {
        there = Date.now();
        await request.onRestored?.(folder);
      };
      const earlier = await earlierContents(site, choice);
      const also: Also = async (where, readers) => [
        ...(await askRestored({ site, source, chain: readers, ...where, work: deeper })),
        ...((await compare?.(where)) ?? []),
      ];
      restored = await proveBackup({ site, store, chain, within, earlier, work: deeper, onRestored, also });
      measured = { restore: there - began, check: Date.now() - there, bytes: plainBytes(chain) };
      if (choice.at !== null) restored = [...restored, await recoveredTo(choice.at)];
      const { beyond } = choice;
      if (beyond) restored = [...restored, { name: 'logs behind a hole', compared: false, ok: true, detail: beyond }];
      return restored;
    },
    measured: () => measured,
    work,
  });
  return { verification, restored, measured };

  /** Its logs lead to a moment behind it: a restore of its own, since what is recovered further is not as the inventory has it. */
  async function recoveredTo(time: string): Promise<Check> {
    const name = 'point in time';
    try {
      const target = { kind: 'time', time } as const;
      const plan = planOwn({ catalogue, source, target, from: backup }, await trustedKeys(site));
      await rehearseRecovery({ site, store, chain: plan.chain, replay: { logs: plan.logs, target }, within, work });
      return { name, compared: true, ok: true, detail: `its logs were replayed until ${time}` };
    } catch (error) {
      return failedCheck(name, error);
    }
  }
}

/** What is stored being right is no proof: only what was compared after the restore counts. */
function provenBy(
  { checks, recorded, unrecorded }: Verification,
  restored: readonly Check[],
  measured: Measured | null,
): Proven {
  return {
    measured,
    compared: restored.filter(({ compared }) => compared).map(({ name }) => name),
    notCompared: checks.filter(({ compared }) => !compared).map(({ name, detail }) => `${name}: ${detail}`),
    recorded,
    unrecorded,
  };
}

function isDamaged(reference: string, place: string | null, { checks }: Verification): BackupError {
  const found = checks.filter(({ compared, ok }) => compared && !ok).map(({ name, detail }) => `${name}: ${detail}`);
  const from = place ?? 'the repository';
  return new BackupError(
    'verification-failed',
    `${reference} from ${from} did not restore as it was: ${found.join('; ')}`,
    {
      remedy: `Do not rely on this copy. mosaic-backup verify ${reference}${place === null ? '' : ` --destination ${place}`} tells more; mosaic-backup copies repair puts right what another place has.`,
      facts: { reference, checks: found },
    },
  );
}
