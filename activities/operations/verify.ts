/** Verification of one backup at one place: is everything there, whole, and by whom it says. Leaves signed evidence there. */
import { BackupError } from '../../model/errors.ts';
import { EVIDENCE_SCHEMA } from '../../model/evidence.ts';
import type { Check, Measured, UnsignedEvidence } from '../../model/evidence.ts';
import type { Signature } from '../../model/manifest.ts';
import { MANIFEST } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { optionalSigner, trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { pinned, type Catalogued } from '../storage/catalogue.ts';
import { signEvidence, writeEvidence } from '../storage/evidence-file.ts';
import type { WritableStore } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { frozenIn, storedChecks } from './verify-checks.ts';

export interface VerifyRequest {
  readonly site: Site;
  /** The repository or the destination that holds the copy. */
  readonly store: WritableStore;
  /** Name of the destination; null for the repository. */
  readonly destinationName: string | null;
  readonly backup: Catalogued;
  /** What `store` holds: the backup's parents are looked for in it. */
  readonly catalogue: readonly Catalogued[];
  /** `test` for a restore test, which proves the backup; `verify` when absent. */
  readonly what?: 'verify' | 'test';
  /**
   * Decrypts, restores and checks, once all that is stored was found right. Its checks are added. Where this machine cannot
   * do it, why stands in their place, as a check that was not made.
   */
  readonly deep?: (work: Work) => Promise<readonly Check[]>;
  /** What the restore took, for the record; null where there was none. */
  readonly measured?: () => Measured | null;
  /** Retention may delete it meanwhile, which is no verdict: then `not-found`, and nothing is recorded. */
  readonly mayGo?: boolean;
  readonly work: Work;
}

/** The evidence of a verification, and where it was recorded. */
export type Verification = UnsignedEvidence & {
  /** Null on a host that has no signing key. */
  readonly signature: Signature | null;
  /** Key of the record at the place; null when none was written. */
  readonly recorded: string | null;
  /** Why none was written. */
  readonly unrecorded: string | null;
};

/**
 * Verifies a backup at a place and records the verdict there, a bad one too.
 * @returns the evidence; `verdict` is `failed` when the backup is not what was captured.
 * @throws BackupError only when nothing can be said of the backup: `unreachable`, `aborted`, `missing-identity` (deep), `not-found` (`mayGo`);
 *   `frozen` where all that could be looked at is right, and the rest lies in cold storage: that verifies nothing.
 */
export async function verifyBackup(request: VerifyRequest): Promise<Verification> {
  const { site, backup, work } = request;
  const stored = await storedChecks({ ...request, trusted: await trustedKeys(site) });
  const frozen = frozenIn(stored);
  if (frozen.length > 0 && isGood(stored)) throw liesFrozen(request, frozen.length);
  const restored = await deepChecks(request, stored);
  const checks = [...stored, ...restored];
  const verdict = isGood(checks) ? 'ok' : 'failed';
  if (verdict === 'failed' && request.mayGo && (await isGone(request))) throw gone(request);
  const unsigned = {
    schema: EVIDENCE_SCHEMA,
    site: site.config.site,
    backup: pinned(backup.manifest),
    destination: request.destinationName,
    what: kindOfEvidence(request, restored),
    time: new Date().toISOString(),
    checks,
    ...tookOf(request),
    verdict,
  } satisfies UnsignedEvidence;
  const facts = { backup: formatReference(backup.name), destination: request.destinationName, verdict };
  work.log.info(facts, 'backup verified');
  return record(request, unsigned);
}

function tookOf({ measured }: VerifyRequest): Pick<UnsignedEvidence, 'measured'> {
  const took = measured?.() ?? null;
  return took === null ? {} : { measured: took };
}

async function isGone({ store, backup: { folder } }: VerifyRequest): Promise<boolean> {
  return (await store.readSmall(`${folder}/${MANIFEST}`)) === undefined;
}

function gone({ backup, destinationName }: VerifyRequest): BackupError {
  const [reference, place] = [formatReference(backup.name), destinationName ?? 'the repository'];
  return new BackupError('not-found', `${reference} was deleted at ${place} while it was verified.`, {
    remedy: 'Where retention did so (`mosaic-backup prune` tells what is due), all is well.',
    facts: { reference, gone: true },
  });
}

/** A restore of which nothing could be looked at (no programs for it here) proves nothing, and is not called a test. */
function kindOfEvidence({ what = 'verify' }: VerifyRequest, restored: readonly Check[]): 'verify' | 'test' {
  return what === 'test' && restored.some(({ compared }) => compared) ? 'test' : 'verify';
}

async function deepChecks({ deep, work }: VerifyRequest, stored: readonly Check[]): Promise<readonly Check[]> {
  if (deep === undefined) return [];
  if (!isGood(stored))
    return [{ name: 'deep', compared: false, ok: false, detail: 'not restored: what is stored is not right already' }];
  try {
    return await deep(work);
  } catch (error) {
    return [failedCheck('deep', error)];
  }
}

/** A restore that failed as a check of the backup: it speaks against that, or this machine could not do it. @throws anything else. */
export function failedCheck(name: string, error: unknown): Check {
  if (!(error instanceof BackupError)) throw error;
  if (AGAINST.has(error.code)) return { name, compared: true, ok: false, detail: error.message };
  if (!OF_THIS_MACHINE.has(error.code)) throw error;
  const remedy = error.remedy === undefined ? '' : ` → ${error.remedy}`;
  return { name, compared: false, ok: false, detail: `not restored: ${error.message}${remedy}` };
}

/** Codes of a failed restore that speak against the backup, and not of the place where it was tried. */
const AGAINST: ReadonlySet<string> = new Set([
  'verification-failed',
  'not-authentic',
  'program-failed',
  'implausible-size',
  'not-found',
]);

/**
 * Codes of a restore that could not be tried here, or not to its end, which says nothing of the backup: this machine
 * lacks programs, space, the right version, or did not get on. Another backup may need less.
 */
const OF_THIS_MACHINE: ReadonlySet<string> = new Set(['missing-program', 'no-space', 'refused', 'standstill']);

async function record({ site, store, backup, work }: VerifyRequest, unsigned: UnsignedEvidence): Promise<Verification> {
  const signer = await optionalSigner(site);
  if (signer === undefined) {
    const unrecorded = `${site.file} names no signing key that counts, and unsigned evidence proves nothing`;
    return { ...unsigned, signature: null, recorded: null, unrecorded };
  }
  const evidence = signEvidence(unsigned, signer);
  try {
    const recorded = await writeEvidence(store, backup.name, evidence);
    return { ...evidence, recorded, unrecorded: null };
  } catch (error) {
    // A read-only or full place can be verified all the same; that the verdict is not on record is part of the answer.
    if (!(error instanceof BackupError)) throw error;
    work.log.warn({ backup: formatReference(backup.name), code: error.code }, 'evidence not recorded');
    return { ...evidence, recorded: null, unrecorded: error.message };
  }
}

function liesFrozen({ backup, destinationName }: VerifyRequest, count: number): BackupError {
  const reference = formatReference(backup.name);
  const of = backup.manifest.artifacts.length;
  return new BackupError(
    'frozen',
    `${reference} cannot be verified now: ${count} of ${of} artifacts lie frozen at ${destinationName ?? 'the repository'}. They are there with their sizes, and what can be read is right.`,
    {
      remedy: `mosaic-backup copies thaw ${reference} --from ${destinationName ?? 'DESTINATION'} brings them back; then verify it again.`,
      facts: { reference, destination: destinationName, frozen: count },
    },
  );
}

function isGood(checks: readonly Check[]): boolean {
  return checks.every(({ compared, ok }) => ok || !compared);
}
