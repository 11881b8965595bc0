/** Whom each backup opens for, at each place: for lists, checks, and before a recipient is retired. */
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import { withIdentities } from '../../keys/at-hand.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Holder } from '../../keys/wrap.ts';
import type { Site } from '../../site.ts';
import { readPage, type Catalogued } from '../../storage/catalogue.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Store } from '../../storage/types.ts';
import { readKey, type Looking } from './backup-key.ts';
import { keyProblem, type KeyProblem } from './check-key.ts';
import { openPlaceNamed, placeNames } from './places.ts';

/** One backup at one place. */
export interface SurveyedKey {
  readonly place: string;
  readonly reference: string;
  readonly signer: string;
  /** Of those that were asked for, whom it was shown to open for. */
  readonly opens: readonly string[];
  /** Wraps of which nothing at hand shows for whom they are. */
  readonly others: number;
  /** Nobody at hand opens it, or it is damaged or not ours: why. Null where it opened. */
  readonly unopened: { readonly code: string; readonly message: string } | null;
  /** What is wrong with it, when its problems were asked for. */
  readonly problem: Pick<KeyProblem, 'kind' | 'message' | 'remedy'> | null;
}

export interface SurveyedPlace {
  readonly place: string;
  readonly keys: readonly SurveyedKey[];
  /** Folders that count as no backup. */
  readonly unreadable: readonly { readonly folder: string; readonly problem: string }[];
  /** Why it could not be looked at; null when it was. */
  readonly away: { readonly message: string; readonly remedy: string | null } | null;
}

export interface SurveyRequest {
  readonly site: Site;
  readonly holders: readonly Holder[];
  /** Whom to look for. */
  readonly recipients: readonly string[];
  /** Only this place. */
  readonly place?: string | undefined;
  /** Looks for what is wrong with each besides, which reads the beginning of an artifact. */
  readonly problems: boolean;
  readonly signal: AbortSignal;
}

const [PAGE, PARALLEL] = [500, 16];

/** @throws BackupError only for what is wrong with the question; a place that is away is in the answer. */
export async function surveyKeys(request: SurveyRequest): Promise<readonly SurveyedPlace[]> {
  const places: SurveyedPlace[] = [];
  for (const place of placeNames(request.site)) {
    if (request.place === undefined || request.place === place) places.push(await surveyPlace(request, place));
  }
  return places;
}

async function surveyPlace(request: SurveyRequest, place: string): Promise<SurveyedPlace> {
  const { site, holders, signal } = request;
  const keys: SurveyedKey[] = [];
  const unreadable: SurveyedPlace['unreadable'][number][] = [];
  try {
    // A host without an identity looks at what lies there as it is.
    const store = await openPlaceNamed(holders.length === 0 ? site : withIdentities(site, holders), place);
    const trusted = await trustedKeys(site);
    let after: string | null = null;
    do {
      signal.throwIfAborted();
      const page = await readPage(store, after, PAGE);
      keys.push(
        ...(await inParallel(page.backups, PARALLEL, (each) => surveyOne(request, { store, place, trusted }, each))),
      );
      unreadable.push(...page.problems);
      after = page.next;
    } while (after !== null);
    return { place, keys, unreadable, away: null };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const { message, remedy = null } = error;
    return { place, keys, unreadable, away: { message, remedy } };
  }
}

interface Where extends Pick<Looking, 'trusted'> {
  readonly store: Store;
  readonly place: string;
}

async function surveyOne(
  { holders, recipients, problems }: SurveyRequest,
  { store, place, trusted }: Where,
  { folder, name, manifest }: Catalogued,
): Promise<SurveyedKey> {
  const looking = { store, folder, holders, recipients, trusted };
  const of = { place, reference: formatReference(name), signer: manifest.signature.keyId };
  try {
    const { inManifest, beside } = await readKey(looking);
    const opened = [inManifest, beside]
      .map((wrap) => wrap?.opened)
      .find((each) => each && !(each instanceof BackupError));
    if (opened === undefined || opened instanceof BackupError) {
      const failed = inManifest.opened instanceof BackupError ? inManifest.opened : undefined;
      const problem = problems && failed ? await keyProblem(looking) : null;
      return {
        ...of,
        opens: [],
        others: 0,
        unopened: { code: failed?.code ?? 'failed', message: failed?.message ?? '' },
        problem,
      };
    }
    const { opens, others } = opened;
    return { ...of, opens, others, unopened: null, problem: problems ? await keyProblem(looking) : null };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable' || error.code === 'aborted') throw error;
    const { code, message, remedy = '' } = error;
    return { ...of, opens: [], others: 0, unopened: { code, message }, problem: { kind: 'damaged', message, remedy } };
  }
}
