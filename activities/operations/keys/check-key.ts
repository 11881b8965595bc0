/** What is wrong with the key of one backup at one place, where anything is. */
import { BackupError } from '../../../model/errors.ts';
import type { OpenedWrap } from '../../keys/wrap.ts';
import { fitsArtifacts, identityIn, readKey, type Looking } from './backup-key.ts';

export interface KeyProblem {
  /** `damaged`: it does not open what it should. The others are mended by a rotation. */
  readonly kind: 'damaged' | 'unopened' | 'differs' | 'lacking' | 'others';
  readonly code: 'verification-failed' | 'missing-identity' | 'failed';
  readonly message: string;
  readonly remedy: string;
}

const ROTATE = 'Run `mosaic-backup keys rotate`.';
const ANOTHER = 'Use another copy of this backup; look at who can write to this place.';

/**
 * Null where both wraps open, are one, hold the key of the artifacts, and are for exactly the recipients that were asked for.
 * @throws BackupError `not-authentic`, `verification-failed` (the manifest), `not-found`, `unreachable`.
 */
export async function keyProblem(looking: Looking): Promise<KeyProblem | null> {
  const { manifest, inManifest, beside } = await readKey(looking);
  const { opened } = inManifest;
  if (opened instanceof BackupError) return ofFailure(opened);
  if (beside === undefined) return problem('differs', 'key.age is not there', ROTATE);
  if (beside.opened instanceof BackupError)
    return { ...ofFailure(beside.opened), message: `key.age: ${beside.opened.message}` };
  if (beside.opened.identity !== opened.identity) {
    return problem(
      'damaged',
      "key.age and the manifest's key hold different keys",
      `${ROTATE} It keeps the one that opens the artifacts.`,
    );
  }
  if ((await fitsArtifacts(looking.store, looking.folder, manifest, opened.identity)) === false) {
    return problem('damaged', 'its key opens, but what it holds does not open its artifacts', ANOTHER);
  }
  return ofWrap(opened, looking.recipients.length) ?? (beside.text === inManifest.text ? null : unfinished());
}

/** The identity of a backup that has no problem. */
export { identityIn };

function ofWrap({ opens, unshown, others }: OpenedWrap, asked: number): KeyProblem | null {
  if (unshown.length > others) {
    return problem('lacking', `it has no wrap for ${unshown.length - others} of the ${asked} recipients`, ROTATE);
  }
  if (unshown.length > 0 && opens.length + others > asked) {
    return problem('others', 'it has wraps for more recipients than the config names', ROTATE);
  }
  if (unshown.length > 0) {
    const which = unshown.join(', ');
    return problem(
      'lacking',
      `it has as many wraps as there are recipients, and nothing here shows that one is for ${which}`,
      `${ROTATE} Or name that identity with --identity FILE.`,
    );
  }
  if (others > 0)
    return problem('others', `it has ${others} wrap(s) for recipients that the config does not name`, ROTATE);
  return null;
}

function unfinished(): KeyProblem {
  return problem(
    'differs',
    "key.age differs from the manifest's key, and holds the same: a rotation was not finished",
    ROTATE,
  );
}

function ofFailure({ code, message, remedy = ANOTHER }: BackupError): KeyProblem {
  return code === 'missing-identity'
    ? { kind: 'unopened', code: 'missing-identity', message, remedy }
    : { kind: 'damaged', code: 'verification-failed', message, remedy };
}

function problem(kind: KeyProblem['kind'], message: string, remedy: string): KeyProblem {
  return { kind, code: kind === 'damaged' ? 'verification-failed' : 'failed', message, remedy };
}
