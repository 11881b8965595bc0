/** A page of a rotation at one place: the keys of some backups are written anew, or read again and checked. */
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import { formatReference } from '../../../model/reference.ts';
import {
  REPOSITORY,
  TOLD,
  type PageResult,
  type Pass,
  type RotationPlace,
  type RotationProblem,
} from '../../../model/rotation.ts';
import { identitiesAtHand, withIdentities } from '../../keys/at-hand.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { readPage, type Catalogued, type CataloguePage, type CatalogueProblem } from '../../storage/catalogue.ts';
import { manifestDigest, readableManifest } from '../../storage/manifest-file.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Store } from '../../storage/types.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { keyProblem } from './check-key.ts';
import { openPlaceNamed } from './places.ts';
import { rewrapKey, type Rewrapping } from './rewrap.ts';

export interface PageRequest {
  readonly site: Site;
  readonly at: RotationPlace;
  readonly pass: Pass;
  readonly after: string | null;
  /** Backups in a page, at most. */
  readonly limit: number;
  /** As they were when the rotation began. */
  readonly recipients: readonly string[];
  /** Identity files, besides the config's. */
  readonly identities: readonly string[];
  readonly work: Work;
}

/** Backups at once: enough to hide the latency of a remote place; and so many before the clock is looked at. */
const [PARALLEL, CHUNK] = [8, 64];
/** Milliseconds of work in a page: so long a pause takes to come. */
const PAGE_TIME = 20_000;
const PHASES = { rewrite: 'wrapping keys anew', check: 'checking keys' } as const;

type Done = 'rewritten' | 'kept' | RotationProblem;

/**
 * What cannot be done to one backup is in the result, and the others go on.
 * @throws BackupError where the place is away, or the config names other recipients than the rotation began with.
 */
export async function rotatePage(request: PageRequest): Promise<PageResult> {
  const { site, at, pass, after, limit, recipients, identities, work } = request;
  requireSame(site, recipients);
  const [holders, trusted] = await Promise.all([identitiesAtHand(site, identities), trustedKeys(site)]);
  const store = await openPlaceNamed(withIdentities(site, holders), at.place);
  const started = Date.now();
  const page = await readPage(store, after, limit);
  // A page costs a listing of the place: where that takes long, the page does too.
  const until = Date.now() + Math.max(PAGE_TIME, 2 * (Date.now() - started));
  const looking = { store, holders, recipients, trusted, place: at.place };
  const elsewhere = at.place === REPOSITORY ? async () => undefined : wrapsOf(site);
  const done: Done[] = [];
  for (const backups of chunksOf(page.backups, CHUNK)) {
    if (work.signal.aborted) throw aborted();
    done.push(
      ...(await inParallel(backups, PARALLEL, (backup) => {
        const of = {
          ...looking,
          folder: backup.folder,
          elsewhere: (digest: string) => elsewhere(backup.folder, digest),
        };
        return pass === 'rewrite' ? rewrapped(of, request, backup) : checked(of, request, backup);
      })),
    );
    work.progress({ phase: PHASES[pass], bytes: done.length, total: page.backups.length, activity: done.length });
    if (Date.now() > until) break;
  }
  return resultOf(request, page, done);
}

/** A page that ends before its time is up ends with the last backup that was done. */
function resultOf(request: PageRequest, page: CataloguePage, done: readonly Done[]): PageResult {
  const backups = page.backups.slice(0, done.length);
  const cut = done.length < page.backups.length ? `${backups.at(-1)?.folder ?? ''}/${MANIFEST}` : null;
  const broken = page.problems.filter(({ folder }) => cut === null || `${folder}/${MANIFEST}` < cut);
  const problems = [
    ...done.filter((each) => typeof each === 'object'),
    ...broken.map((problem) => unreadable(request, problem)),
  ];
  return {
    seen: backups.length + broken.length,
    rewritten: done.filter((each) => each === 'rewritten').length,
    left: problems.length,
    problems: problems.slice(0, TOLD),
    sources: [...new Set(backups.flatMap(({ name }) => (name.tier === null ? [] : [name.source])))],
    next: cut ?? page.next,
  };
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

async function rewrapped(of: Rewrapping, request: PageRequest, backup: Catalogued): Promise<Done> {
  try {
    return await rewrapKey(of);
  } catch (error) {
    return ofBackup(request, backup, error);
  }
}

/** The manifest is read again from the place: what was written is not what counts, what lies there is. */
async function checked(of: Rewrapping, request: PageRequest, backup: Catalogued): Promise<Done> {
  const problem = await keyProblem(of).catch((error: unknown) => ofBackup(request, backup, error));
  if (problem === null) return 'kept';
  if ('pass' in problem) return problem;
  const { code, message, remedy } = problem;
  return { ...named(request, formatReference(backup.name)), code, message, remedy };
}

/** What speaks of the place, and not of this one backup, ends the page: it is tried again, or the place is away. */
const OF_THE_PLACE: ReadonlySet<string> = new Set([
  'unreachable',
  'aborted',
  'no-space',
  'failed',
  'standstill',
  'busy',
  'config',
]);

/** A file that a disk does not give back, or that is none: every other backup there goes on. */
const OF_ONE_FILE: ReadonlySet<unknown> = new Set(['EIO', 'EISDIR']);

function ofBackup(request: PageRequest, backup: Catalogued, error: unknown): RotationProblem {
  if (!(error instanceof BackupError)) throw error;
  if (OF_THE_PLACE.has(error.code) && !OF_ONE_FILE.has(error.facts['errno'])) throw error;
  const { code, message, remedy = null } = error;
  return { ...named(request, formatReference(backup.name)), code, message, remedy };
}

function unreadable(request: PageRequest, { folder, problem }: CatalogueProblem): RotationProblem {
  const remedy =
    'Nothing was written there. See what happened to it, and move it away; another copy can be copied there again.';
  return {
    ...named(request, folder),
    code: 'verification-failed',
    message: `${folder} counts as no backup: ${problem}`,
    remedy,
  };
}

function named({ at, pass }: PageRequest, backup: string): Pick<RotationProblem, 'place' | 'host' | 'pass' | 'backup'> {
  return { place: at.place, host: at.host, pass, backup };
}

/** The wrap that the repository of this host has of a backup. */
function wrapsOf(site: Site) {
  let repository: Promise<Store> | undefined;
  return async (folder: string, digest: string): Promise<string | undefined> => {
    try {
      repository ??= openPlaceNamed(site, REPOSITORY);
      const bytes = await (await repository).readSmall(`${folder}/${MANIFEST}`);
      const manifest = bytes === undefined ? undefined : readableManifest(bytes);
      return manifest !== undefined && manifestDigest(manifest) === digest ? manifest.key : undefined;
    } catch (error) {
      // It only saves a second wrap of the same key: a new one is as good.
      if (error instanceof BackupError) return undefined;
      throw error;
    }
  };
}

function requireSame({ config, file }: Site, recipients: readonly string[]): void {
  const now = config.encryption.recipients;
  if (now.length === recipients.length && now.every((recipient) => recipients.includes(recipient))) return;
  throw new BackupError('conflict', `${file} names other recipients now than when this rotation began.`, {
    remedy: 'Run `mosaic-backup keys rotate` again: it rotates to those of now, and keeps what is right already.',
  });
}
